"""How many images are right at every weight of the bias: the exact curve over beta, without a grid.

For s = s₀ + beta · b an image of class y is right where no other class c is ahead of it, beta · (b_y - b_c) ≥ s₀_c - s₀_y.
That is one half-line a class, so it is right on one interval: above the largest bound of the classes with b_c < b_y, below
the smallest of those with b_c > b_y. A class with b_c = b_y bounds nothing: it is ahead nowhere or everywhere.
Where two classes are level, argmax takes the first: against an earlier class the bound itself is wrong, against a later
one it is right. Counting the ends of all images' intervals gives the curve, every step of it.

It is exact for the logits as they are given, in double precision; logits added up in single precision can fall on the other
side of a bound within their rounding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

AT_A_TIME = 2**16
"""Logits compared at a time: half a MiB in each of about six tensors, so that they stay in the processor's cache."""


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


class Ends(NamedTuple):
    """Of some images the interval on which each is right: low end, whether that is inside, high end, whether; [n] each.

    low is infinite for an image that is right nowhere.
    """

    low: Tensor
    low_in: Tensor
    high: Tensor
    high_in: Tensor


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

    def bests(self, low: float = 0.0, high: float = torch.inf) -> list[Interval]:
        """The stretches of [low, high] with the most images right, from low to high.

        A stretch may be a single point. Whether its ends belong to it is not said. ValueError unless low is finite and not
        above high.
        """
        if not -torch.inf < low <= high:
            raise ValueError(f"beta from {low} to {high}: give a finite low end that is not above the high one")
        ends = torch.cat([self.low_inside, self.low_outside, self.high_inside, self.high_outside])
        ends = ends[(ends > low) & (ends < high)].unique()
        ends = F.pad(ends, (1, 0), value=low)
        if low < high < torch.inf:
            ends = F.pad(ends, (0, 1), value=high)
        # Points and the open pieces between them in turn; behind a finite last point there is none.
        pieces = torch.stack([self.count(ends), self._right_of(ends)], 1).flatten()[: None if high == torch.inf else -1]
        most = pieces.max()
        turns = F.pad(pieces == most, (1, 1)).int().diff()
        begun, over = (turns == 1).nonzero().squeeze(1), (turns == -1).nonzero().squeeze(1)
        lows, highs = ends[begun // 2], F.pad(ends, (0, 1), value=high)[over // 2]
        return [Interval(a, b, int(most)) for a, b in zip(lows.tolist(), highs.tolist(), strict=True)]

    def widest(self, low: float = 0.0, high: float = torch.inf) -> Interval:
        """Of the stretches of [low, high] with the most images right the widest; of equally wide ones the first."""
        return max(self.bests(low, high), key=lambda found: found.high - found.low)

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
    return joined([ends(s0, b, labels)])


def joined(parts: Iterable[Ends]) -> Curve:
    """The curve of all images, whose intervals are known part by part: 18 bytes an image, whatever the number of classes."""
    low, low_in, high, high_in = (torch.cat(column) for column in zip(*parts, strict=True))
    there = (low < torch.inf) & ((low < high) | ((low == high) & low_in & high_in))
    found = (low[there & low_in], low[there & ~low_in], high[there & high_in], high[there & ~high_in])
    return Curve(*(end.sort().values for end in found))


def ends(s0: Tensor, b: Tensor, labels: Tensor) -> Ends:
    """Where each image is right, of s₀ and b [n, C] and labels [n]. ValueError when a logit is not finite."""
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
    s0, b, own = s0.double(), b.double(), labels[:, None]
    gain = (b.gather(1, own) + 0.0) - b  # + 0.0: so that no gain is -0, and its bound of the wrong sign
    bound = (s0 - s0.gather(1, own)).scatter_(1, own, -1.0).div_(gain)  # of the class itself: -1 / 0, no bound
    from_below = gain >= 0
    low, low_by = (least := bound.where(from_below, -torch.inf)).max(1)
    if low.isnan().any():  # 0 / 0: a class that is level at every beta, and ahead where it is the earlier one
        earlier = torch.arange(s0.shape[1], device=s0.device) < own
        low, low_by = least.where(~least.isnan(), torch.where(earlier, torch.inf, -torch.inf)).max(1)
    high, high_by = bound.masked_fill_(from_below, torch.inf).min(1)
    # Of several classes with the same bound max and min name the first: an end is outside where that is an earlier one.
    return Ends(low, low_by > labels, high, high_by > labels)


def _up_to(ends: Tensor, betas: Tensor) -> Tensor:
    return torch.searchsorted(ends, betas, right=True)


def _below(ends: Tensor, betas: Tensor) -> Tensor:
    return torch.searchsorted(ends, betas)
