"""What is to be measured, what is already, what is stale, and how long the rest should take."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import Run
from benchmark.records.record import Record
from benchmark.records.timings import expected_seconds, timings
from benchmark.suites.world import World

DONE, MISSING, STALE = "done", "missing", "stale"


@dataclass(frozen=True)
class Planned:
    """A run and its state in the store."""

    run: Run
    state: str


def survey(
    runs: Iterable[Run], records: Mapping[str, Record], world: World, reads: Mapping[str, Collection[str]] | None = None
) -> list[Planned]:
    """The state of every run: done, missing, or stale (measured on other data or weights than today's).

    reads: the key of a run -> the shifts that are read of its record; without it all of them.
    """
    return [
        Planned(run, _state(run, records.get(run.key), world, None if reads is None else reads.get(run.key, ())))
        for run in runs
    ]


def _state(run: Run, record: Record | None, world: World, reads: Collection[str] | None) -> str:
    """A shift that was not here when the run was made, or is not here today, counts only where somebody reads it."""
    if record is None:
        return MISSING
    then, today = record["fingerprints"], Opened(run, world).fingerprints
    spare = set() if reads is None else {*run.shifts(world.suite)} - {*reads}
    wanted = {name: found for name, found in today.items() if name in then or name not in spare}
    return DONE if all(then.get(name) == found for name, found in wanted.items()) else STALE


def to_run(planned: Sequence[Planned], rerun: bool, records: Mapping[str, Record] | None = None) -> list[Run]:
    """What has to be measured: whatever is missing, and all of it with `rerun`.

    Longest first, by what is known of its like, so that no worker ends long after the others; what nobody timed comes
    before everything. Seeds apart, so that two workers do not wait for one.
    """
    wanted = [p.run for p in planned if rerun or p.state == MISSING]
    known = timings(records or {})
    seconds = {run.key: expected_seconds(run, known) for run in wanted}

    def place(run: Run) -> tuple[float, int, str, str, int]:
        took = seconds[run.key]
        return (-float("inf") if took is None else -took, -run.shots, run.method, run.dataset, run.seed)

    return sorted(wanted, key=place)


def estimate(runs: Sequence[Run], records: Mapping[str, Record], jobs: int) -> float | None:
    """Seconds that the runs should take: the median of what the same method took at as many shots on the data set.

    From this machine's records where there are any, else from the reference run; None where neither knows a method.
    """
    known = timings(records)
    seconds = [expected_seconds(run, known) for run in runs]
    if None in seconds:
        return None
    return sum(filter(None, seconds)) / max(1, jobs)
