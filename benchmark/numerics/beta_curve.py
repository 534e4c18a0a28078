"""The number of correctly classified images as an exact function of the bias weight beta, without a grid.

For logits s₀ + beta · b, an image of class y is classified correctly where beta · (b_y - b_c) ≥ s₀_c - s₀_y for every other
class c. Each class bounds beta on one side, so an image is classified correctly on one interval: above the largest bound of
the classes with b_c < b_y and below the smallest bound of the classes with b_c > b_y. A class with b_c = b_y does not bound
beta; it has the larger logit at every beta or at none.
argmax resolves a tie in favour of the first class. So a bound belongs to the interval if class c comes after y, and does not
if c comes before y. Counting the ends of all images' intervals gives every step of the function.

The function is exact for the given logits in double precision. Logits that are added in single precision may fall on the
other side of a bound by their rounding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

AT_A_TIME = 2**16
"""Logits compared at a time: about six tensors of 0.5 MiB each, which fit in the processor's cache."""


class Interval(NamedTuple):
    """An interval of beta on which the number of correctly classified images is constant.

    Attributes:
        low: Lower end.
        high: Upper end, possibly infinite.
        correct: Number of images classified correctly.
    """

    low: float
    high: float
    correct: int

    @property
    def beta(self) -> float:
        """A beta inside the interval: the middle, or if `high` is infinite twice `low` (1 unless `low` is positive)."""
        if self.high < float("inf"):
            return self.low + (self.high - self.low) / 2
        return 2 * self.low if self.low > 0 else 1.0


class Ends(NamedTuple):
    """For n images, the intervals of beta on which each is classified correctly; all fields have shape [n].

    An interval is empty if low > high, or if low = high and one end is excluded.

    Attributes:
        low: Lower end; -inf if unbounded, inf if another class has the larger logit at every beta.
        low_in: Whether the lower end belongs to the interval.
        high: Upper end; inf if unbounded.
        high_in: Whether the upper end belongs to the interval.
    """

    low: Tensor
    low_in: Tensor
    high: Tensor
    high_in: Tensor


class Steps(NamedTuple):
    """A step function of beta.

    Attributes:
        points: Ascending points at which the function may change [m].
        at: Values at the points [m].
        between: Values between the points [m + 1]: between[0] below points[0], between[j] on the open interval from
            points[j - 1] to points[j], between[m] above the last point.
    """

    points: Tensor
    at: Tensor
    between: Tensor


@dataclass(frozen=True)
class Curve:
    """The number of correctly classified images over beta, kept as the sorted ends of all images' intervals.

    An image that no beta classifies correctly has no ends here. An unbounded interval has an infinite end.

    Attributes:
        low_inside: Lower ends that belong to their intervals.
        low_outside: Lower ends that do not.
        high_inside: Upper ends that belong to their intervals.
        high_outside: Upper ends that do not.
    """

    low_inside: Tensor
    low_outside: Tensor
    high_inside: Tensor
    high_outside: Tensor

    def count(self, betas: Tensor) -> Tensor:
        """Number of images classified correctly at each beta, int64 in the shape of `betas`."""
        betas = betas.to(self.low_inside)
        begun = _up_to(self.low_inside, betas) + _below(self.low_outside, betas)
        return begun - _below(self.high_inside, betas) - _up_to(self.high_outside, betas)

    def at(self, betas: Sequence[float]) -> list[int]:
        """Number of images classified correctly at each of a list of betas."""
        return self.count(torch.tensor(list(betas), dtype=torch.double)).tolist()

    def steps(self) -> Steps:
        """The whole curve as a step function."""
        ends = torch.cat([self.low_inside, self.low_outside, self.high_inside, self.high_outside])
        points = ends[ends.isfinite()].unique()
        return Steps(points, self.count(points), self._right_of(F.pad(points, (1, 0), value=-torch.inf)))

    def bests(self, low: float = 0.0, high: float = torch.inf) -> list[Interval]:
        """Find the intervals within [low, high] on which the most images are classified correctly.

        Args:
            low: Smallest beta considered.
            high: Largest beta considered.

        Returns:
            Intervals in ascending order. An interval may be a single point; it does not tell whether its ends belong to it.

        Raises:
            ValueError: `low` is not finite or above `high`.
        """
        if not -torch.inf < low <= high:
            raise ValueError(f"beta from {low} to {high}: give a finite low end that is not above the high one")
        ends = torch.cat([self.low_inside, self.low_outside, self.high_inside, self.high_outside])
        ends = ends[(ends > low) & (ends < high)].unique()
        ends = F.pad(ends, (1, 0), value=low)
        if low < high < torch.inf:
            ends = F.pad(ends, (0, 1), value=high)
        # Counts at the points and on the open intervals between them, alternating; none follows a finite last point.
        pieces = torch.stack([self.count(ends), self._right_of(ends)], 1).flatten()[: None if high == torch.inf else -1]
        most = pieces.max()
        turns = F.pad(pieces == most, (1, 1)).int().diff()
        begun, over = (turns == 1).nonzero().squeeze(1), (turns == -1).nonzero().squeeze(1)
        lows, highs = ends[begun // 2], F.pad(ends, (0, 1), value=high)[over // 2]
        return [Interval(a, b, int(most)) for a, b in zip(lows.tolist(), highs.tolist(), strict=True)]

    def widest(self, low: float = 0.0, high: float = torch.inf) -> Interval:
        """The widest interval within [low, high] on which the most images are classified correctly; of equals the first."""
        return max(self.bests(low, high), key=lambda found: found.high - found.low)

    def best(self, low: float = 0.0, high: float = torch.inf) -> tuple[float, int]:
        """A beta inside the interval found by `widest`, and the number of images classified correctly on it."""
        stretch = self.widest(low, high)
        return stretch.beta, stretch.correct

    def _right_of(self, betas: Tensor) -> Tensor:
        """Number of images classified correctly just above each beta."""
        begun = _up_to(self.low_inside, betas) + _up_to(self.low_outside, betas)
        return begun - _up_to(self.high_inside, betas) - _up_to(self.high_outside, betas)


def exact(s0: Tensor, b: Tensor, labels: Tensor) -> Curve:
    """Compute the number of correctly classified images over beta for the logits s₀ + beta · b.

    Shapes that do not agree and logits that are not finite raise a ValueError.

    Args:
        s0: Zero-shot logits [N, C].
        b: Logit bias [N, C].
        labels: Classes [N].

    Returns:
        The exact curve.

    Example:
        The first image is classified correctly where beta > 2, the second where beta ≤ 4.

        >>> s0, b = torch.tensor([[2.0, 0.0], [4.0, 0.0]]), torch.tensor([[0.0, 1.0], [0.0, 1.0]])
        >>> curve = exact(s0, b, torch.tensor([1, 0]))
        >>> curve.at([1, 2, 3, 4, 5])
        [1, 1, 2, 2, 1]
        >>> curve.best()
        (3.0, 2)
    """
    return joined([ends(s0, b, labels)])


def joined(parts: Iterable[Ends]) -> Curve:
    """The curve of all images from the intervals of parts of them, 18 bytes per image for any number of classes."""
    low, low_in, high, high_in = (torch.cat(column) for column in zip(*parts, strict=True))
    nonempty = (low < torch.inf) & ((low < high) | ((low == high) & low_in & high_in))
    found = (low[nonempty & low_in], low[nonempty & ~low_in], high[nonempty & high_in], high[nonempty & ~high_in])
    return Curve(*(end.sort().values for end in found))


def ends(s0: Tensor, b: Tensor, labels: Tensor) -> Ends:
    """Compute the interval of beta on which each image is classified correctly by s₀ + beta · b.

    Args:
        s0: Zero-shot logits [n, C].
        b: Logit bias [n, C].
        labels: Classes [n].

    Returns:
        Intervals in double precision.

    Raises:
        ValueError: The shapes do not agree, or a logit is not finite.
    """
    if s0.shape != b.shape or len(s0) != len(labels):
        raise ValueError(
            f"s0 {list(s0.shape)}, b {list(b.shape)}, labels {list(labels.shape)}: expected [N, C], [N, C], [N]"
        )
    if not (s0.isfinite().all() and b.isfinite().all()):
        raise ValueError("a logit is not finite, so there is no curve over beta")
    rows = max(1, AT_A_TIME // s0.shape[1])
    parts = zip(s0.split(rows), b.split(rows), labels.split(rows), strict=True)
    return Ends(*(torch.cat(column) for column in zip(*(_ends(*part) for part in parts), strict=True)))


def _ends(s0: Tensor, b: Tensor, labels: Tensor) -> Ends:
    """Intervals of one part of the images, with all logits compared at once."""
    s0, b, own = s0.double(), b.double(), labels[:, None]
    gain = (b.gather(1, own) + 0.0) - b  # + 0.0 turns a gain of -0, whose bound had the wrong sign, into 0
    bound = (s0 - s0.gather(1, own)).scatter_(1, own, -1.0).div_(gain)  # -1 / 0 for the own class: no bound
    from_below = gain >= 0
    low, low_by = (least := bound.where(from_below, -torch.inf)).max(1)
    if low.isnan().any():  # 0 / 0: a class tied at every beta, which argmax prefers if it comes first
        earlier = torch.arange(s0.shape[1], device=s0.device) < own
        low, low_by = least.where(~least.isnan(), torch.where(earlier, torch.inf, -torch.inf)).max(1)
    high, high_by = bound.masked_fill_(from_below, torch.inf).min(1)
    # Of classes with equal bounds, max and min return the first: an end is excluded if that class precedes the label.
    return Ends(low, low_by > labels, high, high_by > labels)


def _up_to(ends: Tensor, betas: Tensor) -> Tensor:
    """Number of sorted ends that are at most each beta."""
    return torch.searchsorted(ends, betas, right=True)


def _below(ends: Tensor, betas: Tensor) -> Tensor:
    """Number of sorted ends below each beta."""
    return torch.searchsorted(ends, betas)
