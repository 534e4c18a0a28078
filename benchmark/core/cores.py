"""Number of cores that this process may use, which on shared machines is a part of those that the machine has."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

SLURM = ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE")
"""Variables in which SLURM tells a job its cores, of a task if it has several; the first that is set counts."""


def cores(environment: Mapping[str, str] = os.environ, system: Path = Path("/")) -> int:
    """Number of cores for this process: the fewest that affinity, the quota of a cgroup and SLURM allow.

    A batch system gives a job eight of a machine's 128 cores in one of these ways; with a process for each of the 128, every
    one would have a gigabyte and a sixteenth of a core.

    Args:
        environment: variables of the environment.
        system: root of the file system.

    Returns:
        A positive number; a quota of one and a half cores counts as two.
    """
    found = [os.cpu_count() or 1, *_affinity(), *_quotas(system), *_of_slurm(environment)]
    return max(1, min(found))


def share(workers: int) -> int:
    """Number of cores for each of some workers of this machine, at least 1."""
    return max(1, cores() // max(1, workers))


def _affinity() -> Iterator[int]:
    """Number of cores that the scheduler of the system may put this process on, where the system says it."""
    if hasattr(os, "sched_getaffinity"):
        yield len(os.sched_getaffinity(0))


def _of_slurm(environment: Mapping[str, str]) -> Iterator[int]:
    said = next((environment[name] for name in SLURM if name in environment), "")
    if said.isdecimal() and int(said):
        yield int(said)


def _quotas(system: Path) -> Iterator[int]:
    """Number of cores by the quota of this process's cgroup and of those above it, of either version."""
    with suppress(OSError):
        for line in (system / "proc/self/cgroup").read_text().splitlines():
            _, _, rest = line.partition(":")
            controllers, _, place = rest.partition(":")
            if controllers == "" or "cpu" in controllers.split(","):
                group = Path(place.lstrip("/"))
                for folder in (group, *group.parents):
                    yield from _quota(system / "sys/fs/cgroup" / controllers / folder)


def _quota(folder: Path) -> Iterator[int]:
    with suppress(OSError, ValueError):
        if (folder / "cpu.max").is_file():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        if int(quota) > 0:  # version 2 says "max" where there is none, version 1 says -1
            yield -(-int(quota) // int(period))
