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

PACE, ENCODING = "pace", "encoding"
"""First words of lines of the reference run that are about no method: on the pace of its machine (`benchmark.core.pace`), and
on an image through the encoders that stand in the place of the data set (`benchmark.features.costs`)."""


def expected_seconds(run: Run, known: Timings, slower: float = 1.0) -> float | None:
    """Expected duration of a run: of similar runs here, else in the reference run.

    Args:
        run: the run to estimate.
        known: durations measured here.
        slower: time of work here as a multiple of its time in the reference run (`slowness`).

    Returns:
        Median seconds for the method, data set and shots, or over all data sets if there is none; None if unknown.
    """
    for found, factor in ((known, 1.0), (reference(run.suite), slower)):
        for dataset in (run.dataset, ""):
            if (run.method, dataset, run.shots) in found:
                return factor * found[run.method, dataset, run.shots]
    return None


def encoding(suite: str, slower: float = 1.0) -> dict[str, float]:
    """Group of encoders -> expected seconds of an image (`benchmark.features.costs`), from the reference run."""
    return {group: slower * seconds for (kind, group, _), seconds in reference(suite).items() if kind == ENCODING}


def slowness(suite: str, known: Timings, pace: float | None = None) -> float:
    """Time of work on this machine as a multiple of its time in the reference run.

    Args:
        suite: Name of the suite.
        known: Durations measured here.
        pace: Seconds of the piece of work of `benchmark.core.pace` here; None if it was not done.

    Returns:
        Ratio of the paces, else the median ratio of the durations of both; 1 where nothing can be compared.
    """
    there = reference(suite)
    if pace is not None:
        return pace / there.get((PACE, "", 0), pace)
    # a duration over all data sets is of the data sets that were measured, which are others here and there
    ratios = [seconds / there[place] for place, seconds in known.items() if place[1] and there.get(place)]
    return median(ratios or [1.0])


def timings(records: Mapping[str, Record]) -> Timings:
    """Median seconds of the runs of a set of records, by method, data set and shots."""
    found: dict[tuple[str, str, int], list[float]] = {}
    for record in records.values():
        for dataset in {record.dataset, ""}:
            found.setdefault((record.method, dataset, record.shots), []).append(record.seconds["total"])
    return {place: median(seconds) for place, seconds in found.items()}


def lines(records: Mapping[str, Record], pace: float, images: Mapping[str, float]) -> str:
    """The file of a reference run that `reference` reads.

    Args:
        records: Key -> record.
        pace: Seconds of the piece of work of `benchmark.core.pace` on the machine of the records; 0 if it was not done.
        images: Group of encoders -> seconds of an image.

    Returns:
        The lines: method, data set, shots, seconds.
    """
    others = ({(PACE, "", 0): pace} if pace else {}) | {
        (ENCODING, group, 0): seconds for group, seconds in images.items()
    }
    found = sorted(timings(records).items()) + sorted(others.items())
    rows = [f"{method},{dataset},{shots},{seconds:.6g}" for (method, dataset, shots), seconds in found]
    return "\n".join(["method,dataset,shots,seconds", *rows]) + "\n"


@cache
def reference(suite: str) -> Timings:
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
