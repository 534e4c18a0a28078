"""Planning of runs: which are done, missing or stale, their order, and the time they should take."""

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
    """A run with its state: `DONE`, `MISSING` or `STALE`."""

    run: Run
    state: str


def survey(
    runs: Iterable[Run], records: Mapping[str, Record], world: World, reads: Mapping[str, Collection[str]] | None = None
) -> list[Planned]:
    """Determine the state of every run: done, missing, or stale (measured on data or weights that have since changed).

    Args:
        runs: Runs.
        records: Key of a run -> its record.
        world: Suite on this machine.
        reads: Key of a run -> shifts whose results are read from its record; None if all are.

    Returns:
        The runs with their states, in the given order.
    """
    return [
        Planned(run, _state(run, records.get(run.key), world, None if reads is None else reads.get(run.key, ())))
        for run in runs
    ]


def _state(run: Run, record: Record | None, world: World, reads: Collection[str] | None) -> str:
    """State of a run; a shift that was missing when it was measured, or is missing now, counts only if it is read."""
    if record is None:
        return MISSING
    then, today = record.fingerprints, Opened(run, world).fingerprints
    spare = set() if reads is None else {*run.shifts(world.suite)} - {*reads}
    wanted = {name: found for name, found in today.items() if name in then or name not in spare}
    return DONE if all(then.get(name) == found for name, found in wanted.items()) else STALE


def to_run(planned: Sequence[Planned], rerun: bool, records: Mapping[str, Record] | None = None) -> list[Run]:
    """Select and order the runs to measure: missing ones, or all with `rerun`.

    The longest come first, by the time of similar runs, so that no worker ends long after the others; runs of unknown time
    come before all. Same-seed runs are spread out because they share features.

    Args:
        planned: Runs with their states.
        rerun: Whether to measure runs that have a record.
        records: Key of a run -> record, for the times of similar runs.

    Returns:
        The runs in the order of measurement.
    """
    wanted = [p.run for p in planned if rerun or p.state == MISSING]
    known = timings(records or {})
    seconds = {run.key: expected_seconds(run, known) for run in wanted}

    def place(run: Run) -> tuple[float, int, str, str, int]:
        took = seconds[run.key]
        return (-float("inf") if took is None else -took, -run.shots, run.method, run.dataset, run.seed)

    return sorted(wanted, key=place)


def timed(runs: Sequence[Run], records: Mapping[str, Record]) -> list[Run]:
    """Those runs whose time can be estimated."""
    known = timings(records)
    return [run for run in runs if expected_seconds(run, known) is not None]


def estimate(runs: Sequence[Run], records: Mapping[str, Record], jobs: int) -> float | None:
    """Estimate the time of runs from the median time of the method at this number of shots on the data set.

    Times are from this machine's records if there are any, else from the reference run.

    Args:
        runs: Runs to measure.
        records: Key of a run -> record.
        jobs: Number of worker processes.

    Returns:
        Seconds; None if the time of a run is unknown.
    """
    known = timings(records)
    seconds = [expected_seconds(run, known) for run in runs]
    if None in seconds:
        return None
    return sum(filter(None, seconds)) / max(1, jobs)
