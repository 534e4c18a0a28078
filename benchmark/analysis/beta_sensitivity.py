"""How much of a method's accuracy hangs on the weight of its bias: what a beta costs that is wrong by a factor.

From the exact curve over beta that every record of a method with such a weight keeps, on the test images, at the epoch that
validation chose.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2

from benchmark.analysis.results import Measured
from benchmark.numerics import stats
from benchmark.records import readings
from benchmark.records.metrics import BETAS, readable
from benchmark.records.record import Record

SOURCE = "table4"
"""The exhibit whose rows and columns are methods and shots on the source task."""

FACTORS = (2, 4)
OCTAVE = 8
"""Points of BETAS to a factor of two."""


@dataclass(frozen=True)
class Cost:
    """Points that a beta costs which is `factor` times too large or too small, whichever costs more; mean over seeds.

    low, high: the 95 % interval by Student's t over seeds, None for one seed.
    """

    method: str
    shots: int
    factor: int
    cost: float
    low: float | None
    high: float | None
    seeds: int


def costs(exhibits: Iterable[Measured]) -> list[Cost]:
    """Of every method of `SOURCE` that keeps a curve, at every number of shots that is measured."""
    found = []
    for measured in exhibits:
        for (row, _), records in measured.records.items() if measured.exhibit.id == SOURCE else ():
            curves = [r for r in (readings.under(record, "val") for record in records) if readable(r.get("beta_curve"))]
            if curves and curves[0]["asked"]["shots"]:
                found += [_cost(row, curves, factor) for factor in FACTORS]
    return found


def _cost(row: str, records: Sequence[Record], factor: int) -> Cost:
    values = [_of(record, factor) for record in records]
    middle, low, high = stats.spread(values) if len(values) > 1 else (values[0], None, None)
    return Cost(row, records[0]["asked"]["shots"], factor, middle, low, high, len(values))


def _of(record: Record, factor: int) -> float:
    """Accuracy at the beta that validation chose less the lower of those at so many times more and less."""
    own = record["asked"]["settings"].get("beta", 1.0)
    chosen = record["selections"]["val"].get("tuned", {}).get("beta", own)
    at, step = _nearest(chosen), round(log2(factor) * OCTAVE)
    correct = record["beta_curve"]["correct"]
    wrong = min(correct[max(0, at - step)], correct[min(len(BETAS) - 1, at + step)])
    return 100 * (correct[at] - wrong) / record["n"]


def _nearest(beta: float) -> int:
    """The place of the nearest of BETAS, in proportion."""
    return min(range(len(BETAS)), key=lambda place: abs(log2(BETAS[place] / max(beta, BETAS[0]))))


def grids(found: Sequence[Cost]) -> dict[int, tuple[list[str], list[list[str]]]]:
    """Factor -> header and rows: a method each, a number of shots a column."""
    grids_ = {}
    for factor in sorted({cost.factor for cost in found}):
        here = [cost for cost in found if cost.factor == factor]
        shots = sorted({cost.shots for cost in here})
        by_place = {(cost.method, cost.shots): _words(cost) for cost in here}
        methods = dict.fromkeys(cost.method for cost in here)
        rows = [[method, *(by_place.get((method, k), "–") for k in shots)] for method in methods]
        grids_[factor] = (["method", *(f"{k}-shot" for k in shots)], rows)
    return grids_


def _words(cost: Cost) -> str:
    interval = "" if cost.low is None or cost.high is None else f" ({cost.low:.1f} to {cost.high:.1f})"
    return f"{cost.cost:.1f}{interval}"
