"""Durations of runs, from records and from the reference run."""

from collections.abc import Iterable, Mapping
from functools import cache
from math import inf
from statistics import median

from benchmark.core import paths, regular
from benchmark.exhibits.naming import method_named
from benchmark.exhibits.run import Run
from benchmark.records.record import Record

Timings = Mapping[tuple[str, str, int], float]
"""(method, data set, shots) -> seconds; "" as data set stands for the median over all data sets."""


def expected_seconds(run: Run, known: Timings) -> float | None:
    """Expected duration of a run: of similar runs here, else in the reference run.

    Args:
        run: the run to estimate.
        known: durations measured here.

    Returns:
        Median seconds for the method, data set and shots, or over all data sets if there is none; None if unknown.
    """
    for timings_ in (known, _reference_timings(run.suite)):
        for dataset in (run.dataset, ""):
            if (run.method, dataset, run.shots) in timings_:
                return timings_[run.method, dataset, run.shots]
    return None


def timings(records: Mapping[str, Record]) -> Timings:
    """Median seconds of the runs of a set of records, by method, data set and shots."""
    found: dict[tuple[str, str, int], list[float]] = {}
    for record in records.values():
        for dataset in {record.dataset, ""}:
            found.setdefault((record.method, dataset, record.shots), []).append(record.seconds["total"])
    return {place: median(seconds) for place, seconds in found.items()}


@cache
def _reference_timings(suite: str) -> Timings:
    """Durations in the reference run, which no verdict rests on: what cannot be read of them is left out."""
    try:
        content = regular.read_bytes(paths.reference() / suite / "seconds.csv").decode("utf-8-sig", "replace")
    except OSError:
        return {}
    found = filter(None, map(_timing, content.split("\n")[:-1]))  # a last line without its end was cut
    return {(method, dataset, shots): seconds for method, dataset, shots, seconds in found}


def _timing(line: str) -> tuple[str, str, int, float] | None:
    """Method, data set, shots and seconds of a line; None for the header, and for a line that was cut or edited."""
    try:
        method, dataset, shots, seconds = line.split(",")
        found = method, dataset, int(shots), float(seconds)
    except ValueError:
        return None
    return found if 0 <= found[-1] < inf else None


def shares(records: Iterable[Record]) -> dict[str, float]:
    """Total seconds of the records of each method, in descending order."""
    found: dict[str, float] = {}
    for record in records:
        name = method_named(record.method)
        found[name] = found.get(name, 0.0) + record.seconds["total"]
    return dict(sorted(found.items(), key=lambda share: -share[1]))
