"""Sensitivity of a method to the weight of its bias, beta: the points of accuracy lost where beta is wrong by a factor.

Read from the exact curve over beta that the record of a method with such a weight keeps: test images classified correctly at
each of `benchmark.records.metrics.BETAS`, at the epoch selected on validation images.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2

from benchmark.analysis.grids import Grid, methods_by_shots
from benchmark.analysis.results import Measured
from benchmark.core.numbers import fixed, interval
from benchmark.numerics import stats
from benchmark.records import readings
from benchmark.records.metrics import BETAS, readable
from benchmark.records.record import Record

SOURCE = "table4"
"""The exhibit with methods in the rows and shots in the columns, on the source task."""

FACTORS = (2, 4)
OCTAVE = 8
"""Points of `BETAS` between a beta and twice that beta."""


@dataclass(frozen=True)
class Cost:
    """Points of accuracy lost by a beta that is `factor` times too large or too small, whichever loses more.

    Attributes:
        method, shots, factor: The cell, and by how much beta is wrong.
        cost: The points lost, as a mean over seeds.
        low, high: The 95 % interval by Student's t over seeds; None for one seed.
        seeds: The number of seeds.
    """

    method: str
    shots: int
    factor: int
    cost: float
    low: float | None
    high: float | None
    seeds: int


def costs(exhibits: Iterable[Measured]) -> list[Cost]:
    """The cost for every measured cell of `SOURCE` with a curve over beta and a support set."""
    found = []
    for measured in exhibits:
        for (row, _), records in measured.records.items() if measured.exhibit.id == SOURCE else ():
            curves = [r for r in (readings.under(record, "val") for record in records) if readable(r.beta_curve)]
            if curves and curves[0].shots:
                found += [_cost(row, curves, factor) for factor in FACTORS]
    return found


def _cost(row: str, records: Sequence[Record], factor: int) -> Cost:
    values = [_of(record, factor) for record in records]
    middle, low, high = stats.spread(values) if len(values) > 1 else (values[0], None, None)
    shots = records[0].shots
    return Cost(method=row, shots=shots, factor=factor, cost=middle, low=low, high=high, seeds=len(values))


def _of(record: Record, factor: int) -> float:
    """Accuracy at the beta selected on validation images less the lower of those at `factor` times more and less."""
    own = record.settings.get("beta", 1.0)
    chosen = (record.selections["val"].tuned or {}).get("beta", own)
    at, step = _nearest(chosen), round(log2(factor) * OCTAVE)
    assert record.beta_curve is not None
    return 100 * lost(record.beta_curve.correct, at, (-step, step)) / record.n


def lost(correct: Sequence[int], at: int, steps: Iterable[int]) -> int:
    """Images that the worst of some wrong betas loses.

    Args:
        correct: Images classified correctly at each of `BETAS`.
        at: Index of the right beta.
        steps: Indices of the wrong betas, counted from `at`; beyond an end of the curve its end counts.

    Returns:
        Images classified correctly at the right beta less the fewest at a wrong one; negative where all of these are better.
    """
    last = len(correct) - 1
    return correct[at] - min(correct[min(max(0, at + step), last)] for step in steps)


def _nearest(beta: float) -> int:
    """Index of the nearest of `BETAS` on a logarithmic scale."""
    return min(range(len(BETAS)), key=lambda place: abs(log2(BETAS[place] / max(beta, BETAS[0]))))


def grids(found: Sequence[Cost]) -> dict[int, Grid]:
    """Factor -> table of the costs, methods by shots."""
    return {
        factor: methods_by_shots((cost.method, cost.shots, _words(cost)) for cost in found if cost.factor == factor)
        for factor in sorted({cost.factor for cost in found})
    }


def _words(cost: Cost) -> str:
    return fixed(cost.cost, 1) + interval(cost.low, cost.high, 1)
