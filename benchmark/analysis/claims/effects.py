"""Effects that a claim can be about: functions of the values of its cells, [..., operands] -> [...]."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.core.names import resolve
from benchmark.exhibits import exhibit as exhibit_module


def difference(values: np.ndarray) -> np.ndarray:
    """The first value less the second."""
    return values[..., 0] - values[..., 1]


def itself(values: np.ndarray) -> np.ndarray:
    """A value that is an effect already."""
    return values[..., 0]


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 along the last axis, the mean rank where values are the same."""
    one, other = values[..., :, None], values[..., None, :]
    return (other < one).sum(-1) + ((other == one).sum(-1) + 1) / 2


def rank_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation along the last axis; NaN where one side is the same everywhere."""
    a, b = ranks(a), ranks(b)
    a, b = (side - side.mean(-1, keepdims=True) for side in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))


def stronger(values: np.ndarray) -> np.ndarray:
    """How much more the first third of the values goes with the last third, the outcome, than the second third does."""
    left, right, outcome = _thirds(values)
    return rank_correlation(left, outcome) - rank_correlation(right, outcome)


def partial(values: np.ndarray) -> np.ndarray:
    """The rank correlation of the first third with the last, the second held fixed.

    (r_lo - r_lg r_go) / √((1 - r_lg²)(1 - r_go²)), l the first third, g the second, o the outcome.
    """
    left, given, outcome = _thirds(values)
    lo, lg, go = (rank_correlation(*pair) for pair in ((left, outcome), (left, given), (given, outcome)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (lo - lg * go) / np.sqrt((1 - lg**2) * (1 - go**2))


stronger.words = "difference of rank correlations"  # type: ignore[attr-defined]
partial.words = "partial rank correlation"  # type: ignore[attr-defined]
partial.undefined = "two of the rankings are the same or reversed, so that neither can be held fixed"  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Picked:
    """The outcome of the point that an exhibit's `[rule]` picks, less the best among the others; NaN where it picks none."""

    exhibit: str
    points: Sequence[str]
    words = "the rule's choice against the best of the rest"
    undefined = "the rule picks none"

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Values are superiority, complementarity and outcome, a third each."""
        arguments = dict(exhibit_module.load(self.exhibit).rule)
        function = resolve(arguments.pop("function"), "rule")
        for operand in ("superiority", "complementarity"):  # columns of the exhibit; the claim names its own
            arguments.pop(operand)
        flat = values.reshape(-1, values.shape[-1])
        return np.array([self._gain(function, arguments, row) for row in flat]).reshape(values.shape[:-1])

    def _gain(self, function: Any, arguments: Mapping[str, Any], row: np.ndarray) -> float:
        superiority, complementarity, outcome = (dict(zip(self.points, part, strict=True)) for part in _thirds(row))
        picked = function(superiority, complementarity, **arguments)
        if not picked:
            return float("nan")
        return float(outcome.pop(picked[0]) - max(outcome.values()))


def _thirds(values: np.ndarray) -> list[np.ndarray]:
    return np.split(values, 3, axis=-1)
