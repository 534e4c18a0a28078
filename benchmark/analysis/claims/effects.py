"""Effects that a claim can be about: functions of the values of its cells, [..., operands] -> [...].

An effect of more than two cells has `words`, its name in the name of a comparison, and `undefined`, the reason for a NaN.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmark.analysis.feature_rule import Rule, rule_of
from benchmark.core.errors import BenchError
from benchmark.exhibits import exhibit as exhibit_module

Floats = npt.NDArray[np.float64]

Function = Callable[[Floats], Floats]
"""Values of cells [..., operands] -> effects [...]."""


def difference(values: Floats) -> Floats:
    """The first value less the second: [..., 2] -> [...]."""
    return values[..., 0] - values[..., 1]


def itself(values: Floats) -> Floats:
    """A single value that is an effect already: [..., 1] -> [...]."""
    return values[..., 0]


def ranks(values: Floats) -> Floats:
    """Ranks from 1 along the last axis, the mean rank where values are equal: [..., N] -> [..., N]."""
    one, other = values[..., :, None], values[..., None, :]
    found: Floats = (other < one).sum(-1) + ((other == one).sum(-1) + 1) / 2
    return found


def rank_correlation(a: Floats, b: Floats) -> Floats:
    """Spearman's rank correlation along the last axis, [..., N] and [..., N] -> [...]; NaN where one side is constant."""
    a, b = ranks(a), ranks(b)
    a, b = (side - side.mean(-1, keepdims=True) for side in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation: Floats = (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
        return correlation


@dataclass(frozen=True)
class Statistic:
    """An effect of many cells.

    Attributes:
        of: Values [..., operands] -> effects [...].
        words: The effect's name, for people.
        undefined: Why an effect is NaN, for people.
    """

    of: Function
    words: str
    undefined: str = "the effect is not defined for these numbers"

    def __call__(self, values: Floats) -> Floats:
        """Effects [...] of values [..., operands]."""
        return self.of(values)


def _stronger(values: Floats) -> Floats:
    """Rank correlation of the first third of the values with the last less that of the second third with the last."""
    left, right, outcome = _thirds(values)
    return rank_correlation(left, outcome) - rank_correlation(right, outcome)


def _partial(values: Floats) -> Floats:
    """Partial rank correlation of the first third of the values with the last, the second third held fixed.

    (r_lo - r_lg r_go) / √((1 - r_lg²)(1 - r_go²)), l the first third, g the second (given), o the last (outcome).

    Returns:
        Correlations [...]; NaN where the second third ranks the rows as one of the other thirds does, or in reverse.
    """
    left, given, outcome = _thirds(values)
    lo, lg, go = (rank_correlation(*pair) for pair in ((left, outcome), (left, given), (given, outcome)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (lo - lg * go) / np.sqrt((1 - lg**2) * (1 - go**2))


stronger = Statistic(_stronger, words="difference of rank correlations")
"""How much more the first third of the values goes with the last third, the outcome, than the second third does."""

partial = Statistic(
    _partial,
    words="partial rank correlation",
    undefined="two of the rankings are the same or reversed, so that neither can be held fixed",
)
"""How the first third of the values goes with the last third, the outcome, with the second third held fixed."""


@dataclass(frozen=True)
class Picked:
    """The outcome of the point that a rule picks first, less the best outcome among the other points.

    Attributes:
        exhibit: The exhibit with the `[rule]`.
        points: Names of the points, in the order of their values.
        words: The effect's name, for people.
        undefined: Why an effect is NaN, for people.
    """

    exhibit: str
    points: Sequence[str]
    words = "the rule's choice against the best of the rest"
    undefined = "the rule picks none"

    def __call__(self, values: Floats) -> Floats:
        """Compute the effects of some points.

        Args:
            values: [..., 3 points]: superiority, complementarity and outcome of the points, a third each.

        Returns:
            Effects [...]; NaN where the rule picks no point.

        Raises:
            BenchError: The exhibit has no rule.
        """
        rule = rule_of(exhibit_module.load(self.exhibit))
        if rule is None:
            raise BenchError(f"exhibits/{self.exhibit}.toml has no [rule]")
        flat = values.reshape(-1, values.shape[-1])
        return np.array([self._gain(rule, row) for row in flat]).reshape(values.shape[:-1])

    def _gain(self, rule: Rule, row: Floats) -> float:
        superiority, complementarity, outcome = (dict(zip(self.points, part, strict=True)) for part in _thirds(row))
        picked = rule.picks(superiority, complementarity)
        if not picked:
            return float("nan")
        return float(outcome.pop(picked[0]) - max(outcome.values()))


def _thirds(values: Floats) -> list[Floats]:
    return np.split(values, 3, axis=-1)
