"""The smallest loss that the gate would have found: for each number that it compared, and in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan, sqrt

from benchmark.analysis.gate.verdicts import ALPHA, EVERYTHING, RATIO_MARGIN, Gate, Verdict
from benchmark.core.numbers import fixed
from benchmark.numerics import stats

POWERS = (0.8, 0.95)
"""Probabilities with which a loss is to be found; 0.8 is customary (Cohen 1988)."""

LARGEST = 100.0
"""Largest loss that is considered, in points."""


def detectable(verdict: Verdict, tests: int, power: float) -> float:
    """The smallest loss that is called worse with a given probability, in points.

    The loss is found where the observed one is at least the margin and passes the strictest test of Holm's method. A loss of
    L per cent changes the answers to at least as many images, which adds L (100 - L) / N to the variance.

    Args:
        verdict: A verdict of `judge` on a number in per cent.
        tests: Number of tests in the family.
        power: Probability with which the loss is to be found.

    Returns:
        The loss; inf where nothing tells an error.
    """
    if isnan(verdict.error):
        return inf
    edge = stats.t_quantile(verdict.degrees, 1 - ALPHA / tests)
    reserve = stats.t_quantile(inf, 2 * power - 1)
    images = sum(len(values) for values in verdict.difference.by_image.values())

    def found(loss: float) -> bool:
        error = sqrt(verdict.error**2 + (loss * (LARGEST - loss) / images if images else 0.0))
        return loss - max(verdict.margin, edge * error) >= reserve * error

    low, high = 0.0, LARGEST
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


@dataclass(frozen=True)
class Loss:
    """The smallest loss that would have been found in some of the numbers.

    Attributes:
        of: The numbers, in words.
        points: The loss in points for each of `POWERS`; inf where no loss would.
    """

    of: str
    points: tuple[float, ...]


def losses(gate: Gate) -> list[Loss]:
    """The losses that would have been found in half of the cells, in nine of ten, in any method's mean and in that of all."""
    cells = [v for v in gate.questions if v.margin != RATIO_MARGIN]
    methods, everything = ([v for v in gate.means if (v.row == EVERYTHING) is whole] for whole in (False, True))
    parts = [("half of the cells", cells, 0.5), ("nine cells of ten", cells, 0.9)]
    parts += [("the mean of any method", methods, 1.0), ("the mean of all methods", everything, 1.0)]
    tests = len(gate.questions) + len(gate.means)
    return [Loss(words, _found_in(found, share, tests)) for words, found, share in parts if found]


def _found_in(verdicts: Sequence[Verdict], share: float, tests: int) -> tuple[float, ...]:
    """The loss that is found in a share of the numbers, for each of `POWERS`."""
    each = [sorted(detectable(v, tests, power) for v in verdicts) for power in POWERS]
    return tuple(found[min(len(found) - 1, int(share * len(found)))] for found in each)


def summary(gate: Gate) -> str:
    """The losses in a line; empty where no percentage was compared."""
    said = [f"{_points(loss)} in {loss.of}" for loss in losses(gate)]
    low, high = (f"{100 * power:.0f} %" for power in POWERS)
    return f"would have been found in {low} ({high}) of repetitions: a loss of {', of '.join(said)}" if said else ""


def _points(loss: Loss) -> str:
    low, high = loss.points
    return "no size" if low == inf else f"{fixed(low, 1)} ({fixed(high, 1)}) points"
