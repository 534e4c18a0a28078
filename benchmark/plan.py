"""What is to be measured, what is already, what is stale, and how long the rest should take."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median

from benchmark import paths, task
from benchmark.run import Run
from benchmark.store import Record, Store
from benchmark.suite import Suite

DONE, MISSING, STALE = "done", "missing", "stale"


@dataclass(frozen=True)
class Planned:
    """A run and its state in the store."""

    run: Run
    state: str


def survey(runs: Iterable[Run], store: Store, suite: Suite) -> list[Planned]:
    """The state of every run: done, missing, or stale (measured on other data or weights than today's)."""
    return [Planned(run, _state(run, store.get(run.key), suite)) for run in runs]


def _state(run: Run, record: Record | None, suite: Suite) -> str:
    if record is None:
        return MISSING
    return DONE if record["fingerprints"] == task.fingerprints(run, suite) else STALE


def to_run(planned: Sequence[Planned], rerun: bool) -> list[Run]:
    """What has to be measured: whatever is missing, and all of it with `rerun`.

    Longest first, so that no worker ends long after the others; seeds apart, so that two workers do not wait for one.
    """
    wanted = [p.run for p in planned if rerun or p.state == MISSING]
    return sorted(wanted, key=lambda run: (-run.shots, run.method, run.seed))


def estimate(runs: Sequence[Run], records: Mapping[str, Record], jobs: int) -> float | None:
    """Seconds that the runs should take: the median of what the same method took at as many shots.

    From this machine's records where there are any, else from the reference run; None where neither knows a method.
    """
    known = timings(records)
    total = 0.0
    for run in runs:
        place = (run.method, run.shots)
        seconds = known[place] if place in known else _reference_timings(run.suite).get(place)
        if seconds is None:
            return None
        total += seconds
    return total / max(1, jobs)


def timings(records: Mapping[str, Record]) -> dict[tuple[str, int], float]:
    """Median seconds of a run by method and shots."""
    found: dict[tuple[str, int], list[float]] = {}
    for record in records.values():
        place = (record["asked"]["method"], record["asked"]["shots"])
        found.setdefault(place, []).append(record["seconds"]["total"])
    return {place: median(seconds) for place, seconds in found.items()}


@cache
def _reference_timings(suite: str) -> dict[tuple[str, int], float]:
    path = paths.reference() / suite / "seconds.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["method"], int(row["shots"])): float(row["seconds"]) for row in csv.DictReader(file)}
