"""Provenance of a measurement: commit, package versions, machine."""

import hashlib
import platform
import subprocess
from collections.abc import Collection
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from benchmark import __version__
from benchmark.core import paths
from benchmark.core.digest import Json
from benchmark.core.machine import cpu_name
from benchmark.records.record import Record

if TYPE_CHECKING:
    import torch

PACKAGES = ("torch", "torchvision", "open_clip_torch", "timm", "numpy", "scipy", "scikit-learn")


@cache
def conditions(device: "torch.device") -> Json:
    """Conditions of the measurements of this process on a device, computed once."""
    import torch

    from benchmark.core import devices

    return {
        "amu_bench": __version__,
        **commit(),
        "python": platform.python_version(),
        "versions": versions(),
        "machine": platform.machine(),
        "system": platform.system(),
        "cpu": cpu_name(),
        "threads": torch.get_num_threads(),
        "device": devices.name(device),
        "dtype": "float32",
    }


def versions() -> dict[str, str]:
    """Versions of the packages that numerical results depend on, by name."""
    return {name: _version(name) for name in PACKAGES}


def summary(records: Collection[Record]) -> dict[str, str]:
    """Conditions of a set of records by name, with all values where they differ; also total seconds and peak memory."""
    found: dict[str, set[str]] = {}
    for record in records:
        said = dict(record.conditions)
        said.update(said.pop("versions", {}))
        for name, value in said.items():
            found.setdefault(name, set()).add(str(value))
    seconds = sum(record.seconds.get("total", 0) for record in records)
    peak = max((record.peak_memory_mib for record in records), default=0)
    shown = {name.replace("_", " "): ", ".join(sorted(values)) for name, values in found.items()}
    return {
        "runs": str(len(records)),
        "seconds, all runs added up": f"{seconds:.0f}",
        "peak memory of a process": f"{peak} MiB",
        **shown,
    }


def commit() -> dict[str, str]:
    """The current commit and, as "dirty", a hash of uncommitted changes to the packages; empty outside a checkout."""
    if not (paths.REPOSITORY / ".git").exists():
        return {}
    diff = _git("diff", "HEAD", "--", "benchmark", "baselines", "amu")
    dirty = {"dirty": hashlib.sha256(diff.encode()).hexdigest()[:12]} if diff else {}
    return {"commit": _git("rev-parse", "HEAD").strip(), **dirty}


def now() -> str:
    """The current time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(paths.REPOSITORY), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
