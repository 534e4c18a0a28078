"""What choosing on the test images adds: test minus val, method by method, by shots and data set, with intervals.

The released code of Tip-Adapter-F, CaFo and AMU-Tuning reports the best epoch (and best searched settings) on test. Each
training here has both numbers, so what that is worth is known training by training.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import mean

from benchmark.analysis.results import Measured
from benchmark.core import tidy_csv
from benchmark.numerics import stats
from benchmark.records.record import Record

SOURCES = ("table4", "figure5")
"""The exhibits whose rows and columns are methods and shots: the source task, and the downstream tasks."""

ALL = "mean of all"
"""The data set of a row that is a mean over those that have a number."""


@dataclass(frozen=True)
class Leak:
    """One method at one number of shots on one data set. Points, means over seeds.

    gap: test minus val, with its 95 % interval by Student's t over seeds (none for one seed).  last: val minus last, what
    choosing on validation images adds to the last epoch at the method's own settings.
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
    """Every cell of `SOURCES` that is measured and learns something, and a mean over the data sets that a method has."""
    cells: dict[tuple[str, str, int], dict[int, tuple[float, float]]] = {}
    for measured in exhibits:
        if measured.exhibit.id not in SOURCES:
            continue
        for (row, _), records in measured.records.items():
            for record in records:
                asked = record["asked"]
                if asked["shots"]:
                    place = row, asked["dataset"], asked["shots"]
                    cells.setdefault(place, {})[asked["seed"]] = _gaps(record)
    return [*(_leak(place, by_seed) for place, by_seed in cells.items()), *_means(cells)]


def _gaps(record: Record) -> tuple[float, float]:
    """Test minus val, and val minus last, in points."""
    last, val, test = (record["selections"][name]["correct"] for name in ("last", "val", "test"))
    return 100 * (test - val) / record["n"], 100 * (val - last) / record["n"]


def _leak(place: tuple[str, str, int], by_seed: dict[int, tuple[float, float]]) -> Leak:
    gaps = [gap for gap, _ in by_seed.values()]
    middle, low, high = stats.spread(gaps) if len(gaps) > 1 else (gaps[0], None, None)
    return Leak(*place, middle, low, high, mean(last for _, last in by_seed.values()), len(gaps))


def _means(cells: dict[tuple[str, str, int], dict[int, tuple[float, float]]]) -> list[Leak]:
    """Over the data sets, seed by seed: a seed counts where every data set of the method has it."""
    parts: dict[tuple[str, int], list[dict[int, tuple[float, float]]]] = {}
    for (method, _, shots), by_seed in cells.items():
        parts.setdefault((method, shots), []).append(by_seed)
    found = []
    for (method, shots), several in parts.items():
        seeds = set.intersection(*map(set, several)) if len(several) > 1 else set()
        averaged = {s: (mean(p[s][0] for p in several), mean(p[s][1] for p in several)) for s in sorted(seeds)}
        if averaged:
            found.append(_leak((method, ALL, shots), averaged))
    return found


def words(leak: Leak) -> str:
    """ "+0.5 (0.1 to 0.9)"."""
    interval = "" if leak.low is None or leak.high is None else f" ({leak.low:.1f} to {leak.high:.1f})"
    return f"{leak.gap:+.1f}{interval}"


def grids(found: Sequence[Leak]) -> dict[str, tuple[list[str], list[list[str]]]]:
    """Data set -> header and rows (a method each, a number of shots a column), the mean of all first."""
    datasets = sorted(dict.fromkeys(leak.dataset for leak in found), key=lambda name: name != ALL)
    grids_ = {}
    for dataset in datasets:
        here = [leak for leak in found if leak.dataset == dataset]
        shots = sorted({leak.shots for leak in here})
        by_place = {(leak.method, leak.shots): words(leak) for leak in here}
        methods = list(dict.fromkeys(leak.method for leak in here))
        rows = [[method, *(by_place.get((method, k), "–") for k in shots)] for method in methods]
        grids_[dataset] = (["method", *(f"{k}-shot" for k in shots)], rows)
    return grids_


def csv(found: Sequence[Leak]) -> str:
    """Tidy rows, points to four decimals."""
    return tidy_csv.text(list(Leak.__dataclass_fields__), map(asdict, found))
