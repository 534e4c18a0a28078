"""The leakage gap: points that choosing on the test images adds, by method, shots and data set, with intervals.

The released code of Tip-Adapter-F, CaFo and AMU-Tuning reports the best epoch, and some of it the best searched settings, on
the test images. Every training here is also selected on validation images, so that two gaps are known for each: what the
released code's own choice adds, released minus val, and the most that choosing on test gives, test minus val.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import mean

from benchmark.analysis.grids import Grid, methods_by_shots
from benchmark.analysis.results import Measured
from benchmark.core import tidy_csv
from benchmark.core.numbers import fixed, interval
from benchmark.numerics import stats
from benchmark.records.record import Record
from benchmark.suites.suite import Suite

SOURCES = ("table4", "figure5", "tablelater")
"""The exhibits with methods in the rows and shots in the columns: the source task, the downstream tasks, the later heads."""

ALL = "mean of all"
"""Name of the mean over all data sets of a method."""

GAPS = {
    "released": "released minus val, by the choice that each method's released code makes",
    "test": "test minus val, the most that choosing on the test images gives",
}
"""Selection -> its gap in words."""

Place = tuple[str, str, int, str]
"""Method, data set, shots, selection."""

Gaps = dict[int, tuple[float, float]]
"""Seed -> a selection minus val, and val minus last, in points."""


@dataclass(frozen=True)
class Leak:
    """The leakage gap of one method at one number of shots on one data set, in points, as a mean over seeds.

    Attributes:
        method, dataset, shots: The cell; `ALL` is the mean over the data sets.
        selection: The selection whose gap it is, one of `GAPS`.
        gap: Accuracy under this selection minus that under the val selection.
        low, high: The 95 % interval of the gap by Student's t over seeds; None for one seed.
        last: Accuracy under the val selection minus that at the last epoch with the method's own settings.
        seeds: The number of seeds.
    """

    method: str
    dataset: str
    shots: int
    selection: str
    gap: float
    low: float | None
    high: float | None
    last: float
    seeds: int


def leaks(exhibits: Iterable[Measured]) -> list[Leak]:
    """The gaps of every measured cell of `SOURCES` with a support set, and of each method's mean over its data sets."""
    cells: dict[Place, Gaps] = {}
    for measured in exhibits:
        if measured.exhibit.id not in SOURCES:
            continue
        for (row, _), records in measured.records.items():
            for record in records:
                for selection in (name for name in GAPS if record.shots and name in record.selections):
                    place = row, record.dataset, record.shots, selection
                    cells.setdefault(place, {})[record.seed] = _gaps(record, selection)
    found = [*(_leak(*place, by_seed) for place, by_seed in cells.items()), *_means(cells)]
    return sorted(found, key=lambda leak: list(GAPS).index(leak.selection))


def _gaps(record: Record, selection: str) -> tuple[float, float]:
    """A selection minus val, and val minus last, in points."""
    last, val, chosen = (record.selections[name].correct for name in ("last", "val", selection))
    return 100 * (chosen - val) / record.n, 100 * (val - last) / record.n


def _leak(method: str, dataset: str, shots: int, selection: str, by_seed: Gaps) -> Leak:
    gaps = [gap for gap, _ in by_seed.values()]
    middle, low, high = stats.spread(gaps) if len(gaps) > 1 else (gaps[0], None, None)
    last = mean(last for _, last in by_seed.values())
    return Leak(
        method=method,
        dataset=dataset,
        shots=shots,
        selection=selection,
        gap=middle,
        low=low,
        high=high,
        last=last,
        seeds=len(gaps),
    )


def _means(cells: dict[Place, Gaps]) -> list[Leak]:
    """Means over the data sets of a method, seed by seed: a seed counts where all of these data sets have it."""
    parts: dict[tuple[str, int, str], list[Gaps]] = {}
    for (method, _, shots, selection), by_seed in cells.items():
        parts.setdefault((method, shots, selection), []).append(by_seed)
    found = []
    for (method, shots, selection), several in parts.items():
        seeds = set.intersection(*map(set, several)) if len(several) > 1 else set()
        averaged = {s: (mean(p[s][0] for p in several), mean(p[s][1] for p in several)) for s in sorted(seeds)}
        if averaged:
            found.append(_leak(method, ALL, shots, selection, averaged))
    return found


def words(leak: Leak) -> str:
    """The gap with its interval for people: "+0.5 (0.1 to 0.9)"."""
    return fixed(leak.gap, 1, "+") + interval(leak.low, leak.high, 1)


def grids(found: Sequence[Leak], suite: Suite) -> dict[str, dict[str, Grid]]:
    """Data set as the suite names it -> the words of a gap -> its table, methods by shots; the mean of all comes first."""
    tables: dict[str, dict[str, Grid]] = {}
    for dataset in sorted(dict.fromkeys(leak.dataset for leak in found), key=lambda name: name != ALL):
        for selection, said in GAPS.items():
            here = [leak for leak in found if (leak.dataset, leak.selection) == (dataset, selection)]
            if here:
                cells = ((leak.method, leak.shots, words(leak)) for leak in here)
                tables.setdefault(suite.named(dataset), {})[said] = methods_by_shots(cells)
    return tables


def csv(found: Sequence[Leak], suite: Suite) -> str:
    """The gaps as tidy rows, data sets as the suite names them, points to four decimals."""
    rows = ({**asdict(leak), "dataset": suite.named(leak.dataset)} for leak in found)
    return tidy_csv.text(list(Leak.__dataclass_fields__), rows)
