"""How long runs take, from records and from the reference run."""

import csv
from collections.abc import Iterable, Mapping
from functools import cache
from statistics import median

from benchmark.core import paths
from benchmark.exhibits.run import Run
from benchmark.records.record import Record

Timings = Mapping[tuple[str, str, int], float]
"""(method, data set, shots) -> seconds; the data set is empty for the median over all of them."""


def expected_seconds(run: Run, known: Timings) -> float | None:
    """Seconds that runs of this method, shots and data set took here, else in the reference run; None where unknown."""
    for timings_ in (known, _reference_timings(run.suite)):
        for dataset in (run.dataset, ""):
            if (run.method, dataset, run.shots) in timings_:
                return timings_[run.method, dataset, run.shots]
    return None


def timings(records: Mapping[str, Record]) -> Timings:
    """Median seconds of a run by method, data set and shots."""
    found: dict[tuple[str, str, int], list[float]] = {}
    for record in records.values():
        asked = record["asked"]
        for dataset in {asked.get("dataset", ""), ""}:
            found.setdefault((asked["method"], dataset, asked["shots"]), []).append(record["seconds"]["total"])
    return {place: median(seconds) for place, seconds in found.items()}


@cache
def _reference_timings(suite: str) -> Timings:
    path = paths.reference() / suite / "seconds.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["method"], row.get("dataset", ""), int(row["shots"])): float(row["seconds"]) for row in rows}


def shares(records: Iterable[Record]) -> dict[str, float]:
    """Method -> seconds that its records took, most first."""
    found: dict[str, float] = {}
    for record in records:
        name = record["asked"]["method"].partition(":")[2]
        found[name] = found.get(name, 0.0) + record["seconds"]["total"]
    return dict(sorted(found.items(), key=lambda share: -share[1]))
