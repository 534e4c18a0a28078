"""The leakage gap: points that choosing on the test images adds, by method, shots and data set, with intervals.

The released code of Tip-Adapter-F, CaFo and AMU-Tuning reports the best epoch (and the best searched settings) on the test
images. Every training here is also selected on validation images, so that the gap, test minus val, is known for each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import mean

from benchmark.analysis.grids import Grid, methods_by_shots
from benchmark.analysis.results import Measured
from benchmark.core import tidy_csv
from benchmark.numerics import stats
from benchmark.records.record import Record

SOURCES = ("table4", "figure5")
"""The exhibits with methods in the rows and shots in the columns: the source task, and the downstream tasks."""

ALL = "mean of all"
"""Name of the mean over all data sets of a method."""

Gaps = dict[int, tuple[float, float]]
"""Seed -> test minus val, and val minus last, in points."""


@dataclass(frozen=True)
class Leak:
    """The leakage gap of one method at one number of shots on one data set, in points, as a mean over seeds.

    Attributes:
        method, dataset, shots: The cell; `ALL` is the mean over the data sets.
        gap: Accuracy under the test selection minus that under the val selection.
        low, high: The 95 % interval of the gap by Student's t over seeds; None for one seed.
        last: Accuracy under the val selection minus that at the last epoch with the method's own settings.
        seeds: The number of seeds.
    """

    method: str
    dataset: str
    shots: int
    gap: float
    low: float | None
    high: float | None
    last: float
    seeds: int


def leaks(exhibits: Iterable[Measured]) -> list[Leak]:
    """The gap of every measured cell of `SOURCES` with a support set, and of each method's mean over its data sets."""
    cells: dict[tuple[str, str, int], Gaps] = {}
    for measured in exhibits:
        if measured.exhibit.id not in SOURCES:
            continue
        for (row, _), records in measured.records.items():
            for record in records:
                asked = record.asked
                if asked["shots"]:
                    place = row, asked["dataset"], asked["shots"]
                    cells.setdefault(place, {})[asked["seed"]] = _gaps(record)
    return [*(_leak(*place, by_seed) for place, by_seed in cells.items()), *_means(cells)]


def _gaps(record: Record) -> tuple[float, float]:
    """Test minus val, and val minus last, in points."""
    last, val, test = (record.selections[name].correct for name in ("last", "val", "test"))
    return 100 * (test - val) / record.n, 100 * (val - last) / record.n


def _leak(method: str, dataset: str, shots: int, by_seed: Gaps) -> Leak:
    gaps = [gap for gap, _ in by_seed.values()]
    middle, low, high = stats.spread(gaps) if len(gaps) > 1 else (gaps[0], None, None)
    last = mean(last for _, last in by_seed.values())
    return Leak(method=method, dataset=dataset, shots=shots, gap=middle, low=low, high=high, last=last, seeds=len(gaps))


def _means(cells: dict[tuple[str, str, int], Gaps]) -> list[Leak]:
    """Means over the data sets of a method, seed by seed: a seed counts where all of these data sets have it."""
    parts: dict[tuple[str, int], list[Gaps]] = {}
    for (method, _, shots), by_seed in cells.items():
        parts.setdefault((method, shots), []).append(by_seed)
    found = []
    for (method, shots), several in parts.items():
        seeds = set.intersection(*map(set, several)) if len(several) > 1 else set()
        averaged = {s: (mean(p[s][0] for p in several), mean(p[s][1] for p in several)) for s in sorted(seeds)}
        if averaged:
            found.append(_leak(method, ALL, shots, averaged))
    return found


def words(leak: Leak) -> str:
    """The gap with its interval for people: "+0.5 (0.1 to 0.9)"."""
    interval = "" if leak.low is None or leak.high is None else f" ({leak.low:.1f} to {leak.high:.1f})"
    return f"{leak.gap:+.1f}{interval}"


def grids(found: Sequence[Leak]) -> dict[str, Grid]:
    """Data set -> table of its gaps, methods by shots; the mean over the data sets comes first."""
    datasets = sorted(dict.fromkeys(leak.dataset for leak in found), key=lambda name: name != ALL)
    return {
        dataset: methods_by_shots((leak.method, leak.shots, words(leak)) for leak in found if leak.dataset == dataset)
        for dataset in datasets
    }


def csv(found: Sequence[Leak]) -> str:
    """The gaps as tidy rows, points to four decimals."""
    return tidy_csv.text(list(Leak.__dataclass_fields__), map(asdict, found))
