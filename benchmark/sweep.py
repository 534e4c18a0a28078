"""How many images are right at every weight of the bias: the exact curve over beta, without a grid.

For s = s₀ + beta · b an image of class y is right where no other class c is ahead of it, beta · (b_y - b_c) ≥ s₀_c - s₀_y.
That is one half-line a class, so it is right on one interval: above the largest bound of the classes with b_c < b_y, below
the smallest of those with b_c > b_y. A class with b_c = b_y bounds nothing: it is ahead nowhere or everywhere.
Where two classes are level, argmax takes the first: against an earlier class the bound itself is wrong, against a later
one it is right. Counting the ends of all images' intervals gives the curve, every step of it.

It is exact for the logits as they are given, in double precision; logits added up in single precision can fall on the other
side of a bound within their rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

AT_A_TIME = 2**20
"""Logits compared at a time: 8 MiB in each of about six tensors."""


class Interval(NamedTuple):
    """From one beta to another (or infinity), and how many images are right in between."""

    low: float
    high: float
    correct: int

    @property
    def beta(self) -> float:
        """A beta well inside: the middle, or twice the low end (1 at zero) of one that has no other end."""
        if self.high < float("inf"):
            return self.low + (self.high - self.low) / 2
        return 2 * self.low if self.low > 0 else 1.0


class Steps(NamedTuple):
    """A step function: m points where it may change [m], its values at them [m] and between them [m + 1].

    between[0] is left of the first point, between[j] on the open interval from point j - 1 to point j.
    """

    points: Tensor
    at: Tensor
    between: Tensor


@dataclass(frozen=True)
class Curve:
    """The ends of the intervals on which images are right, sorted: four tensors, for an end is inside its interval or not.

    An image that is right nowhere has none; one without a bound has its end at infinity.
    """

    low_inside: Tensor
    low_outside: Tensor
    high_inside: Tensor
    high_outside: Tensor

    def count(self, betas: Tensor) -> Tensor:
        """Images that are right at each beta, int64 in the shape of `betas`."""
        betas = betas.to(self.low_inside)
        begun = _up_to(self.low_inside, betas) + _below(self.low_outside, betas)
        return begun - _below(self.high_inside, betas) - _up_to(self.high_outside, betas)

    def at(self, betas: Sequence[float]) -> list[int]:
        """The same of a list of numbers."""
        return self.count(torch.tensor(list(betas), dtype=torch.double)).tolist()

    def steps(self) -> Steps:
        """The whole curve."""
        ends = torch.cat([self.low_inside, self.low_outside, self.high_inside, self.high_outside])
        points = ends[ends.isfinite()].unique()
        return Steps(points, self.count(points), self._right_of(F.pad(points, (1, 0), value=-torch.inf)))

    def widest(self, low: float = 0.0, high: float = torch.inf) -> Interval:
        """Of the stretches of [low, high] with the most images right the widest; of equally wide ones the first.

        The stretch may be a single point. Whether its ends belong to it is not said. ValueError unless low is finite and
        not above high.
        """
        if not -torch.inf < low <= high:
            raise ValueError(f"beta from {low} to {high}: give a finite low end that is not above the high one")
        points = self.steps().points
        inner = points[(points > low) & (points < high)].tolist()
        ends = torch.tensor([low, *inner, *([high] if low < high < torch.inf else [])], dtype=torch.double)
        pieces = _pieces(ends, self.count(ends), self._right_of(ends), high)
        most = max(piece.correct for piece in pieces)
        runs = [list(run) for top, run in groupby(pieces, lambda piece: piece.correct == most) if top]
        return max((Interval(run[0].low, run[-1].high, most) for run in runs), key=lambda found: found.high - found.low)

    def best(self, low: float = 0.0, high: float = torch.inf) -> tuple[float, int]:
        """A beta in [low, high] with the most images right, from inside the widest such stretch, and how many."""
        stretch = self.widest(low, high)
        return stretch.beta, stretch.correct

    def _right_of(self, betas: Tensor) -> Tensor:
        """The count just above each beta, before the next point."""
        begun = _up_to(self.low_inside, betas) + _up_to(self.low_outside, betas)
        return begun - _up_to(self.high_inside, betas) - _up_to(self.high_outside, betas)


def exact(s0: Tensor, b: Tensor, labels: Tensor) -> Curve:
    """The curve over beta of s₀ + beta · b, both [N, C], for labels [N]. ValueError when a logit is not finite."""
    if s0.shape != b.shape or len(s0) != len(labels):
        raise ValueError(
            f"s0 {list(s0.shape)}, b {list(b.shape)}, labels {list(labels.shape)}: expected [N, C], [N, C], [N]"
        )
    if not (s0.isfinite().all() and b.isfinite().all()):
        raise ValueError("a logit is not finite, so there is no curve over beta")
    rows = max(1, AT_A_TIME // s0.shape[1])
    parts = [_intervals(*part) for part in zip(s0.split(rows), b.split(rows), labels.split(rows), strict=True)]
    low, low_in, high, high_in = (torch.cat(column) for column in zip(*parts, strict=True))
    there = (low < torch.inf) & ((low < high) | ((low == high) & low_in & high_in))
    ends = (low[there & low_in], low[there & ~low_in], high[there & high_in], high[there & ~high_in])
    return Curve(*(end.sort().values for end in ends))


def _intervals(s0: Tensor, b: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Each image's low end, whether it is inside, its high end, whether it is inside; each [N]."""
    s0, b, own = s0.double(), b.double(), labels[:, None]
    ahead, gain = s0 - s0.gather(1, own), b.gather(1, own) - b
    earlier = torch.arange(s0.shape[1], device=s0.device) < own
    bound = ahead / gain
    low, low_in = _tightest(bound.where(gain > 0, -torch.inf), earlier)
    high, high_in = _tightest((-bound).where(gain < 0, -torch.inf), earlier)
    never = ((gain == 0) & ((ahead > 0) | ((ahead == 0) & earlier))).any(1)
    return low.masked_fill(never, torch.inf), low_in, -high, high_in


def _tightest(bounds: Tensor, earlier: Tensor) -> tuple[Tensor, Tensor]:
    """The largest bound of a row, and whether it is inside: no earlier class sets it. Without a bound: -∞, inside."""
    largest = bounds.amax(1)
    outside = ((bounds == largest[:, None]) & earlier).any(1) & largest.isfinite()
    return largest, ~outside


def _up_to(ends: Tensor, betas: Tensor) -> Tensor:
    return torch.searchsorted(ends, betas, right=True)


def _below(ends: Tensor, betas: Tensor) -> Tensor:
    return torch.searchsorted(ends, betas)


def _pieces(ends: Tensor, at: Tensor, right_of: Tensor, high: float) -> list[Interval]:
    """Points and the open intervals between them, in turn; the last is open to infinity where `high` is."""
    points, pieces = ends.tolist(), []
    for point, following, here, behind in zip(points, [*points[1:], high], at.tolist(), right_of.tolist(), strict=True):
        pieces.append(Interval(point, point, here))
        if following > point:
            pieces.append(Interval(point, following, behind))
    return pieces
