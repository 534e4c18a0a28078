"""The search over tunable settings after training: every point of the grid, and of beta the exact curve.

The search goes through every point of the declared grid, but for `beta`, whose whole range (from the smallest to the largest
value declared) is searched exactly: `benchmark.numerics.beta_curve` says for which beta how many images are classified
correctly. Of the best settings, those are taken that keep most of the method's own; a beta that is not its own is the
geometric middle of the widest stretch: beta is a ratio, and whether the bias or zero-shot CLIP carries the weight is a way of
writing.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from math import log, sqrt
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.methods import scoring
from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import Features, Samples
from benchmark.methods.scoring import right_answers, tuned
from benchmark.methods.sealed import comparing
from benchmark.numerics import beta_curve


class Found(NamedTuple):
    """Settings, with how many images they put right, how many of the method's own they keep, how wide their stretch is."""

    tuned: dict[str, float]
    correct: int
    kept: int
    width: float


@torch.no_grad()
def search(predictor: Predictor, prepared: Sequence[Features], samples: Samples) -> Found | None:
    """The tunable settings with the most images right, of every beta in its range; None where nothing can be tuned.

    prepared: the images of `samples` part by part, as `prepare` gave them.
    One pass through the predictor a point of the grid without beta, and what no setting changes is worked out once.
    """
    if "beta" not in predictor.tunes:
        candidates = [_found(predictor, *counted) for counted in grid(predictor, prepared, samples)]
    else:
        span = _range(predictor.tunes["beta"])
        candidates = [_on_curve(predictor, *pair, span) for pair in curves(predictor, prepared, samples)]
    return max(candidates, key=lambda found: found[1:], default=None)


@torch.no_grad()
def curves(
    predictor: Predictor, prepared: Sequence[Features], samples: Samples
) -> list[tuple[dict[str, float], beta_curve.Curve]]:
    """Every combination of the declared values but beta's, with the exact curve over beta. Of a predictor that tunes beta."""
    points = _points({name: values for name, values in predictor.tunes.items() if name != "beta"})
    largest = max(predictor.tunes["beta"])
    ends: list[list[beta_curve.Ends]] = [[] for _ in points]
    for where, matched in _matched(predictor, prepared):
        for found, point in zip(ends, points, strict=True):
            line = _line(predictor, matched, point, largest)
            with comparing():
                found.append(beta_curve.ends(*line, samples.labels[where]))
    return list(zip(points, map(beta_curve.joined, ends), strict=True))


@torch.no_grad()
def grid(predictor: Predictor, prepared: Sequence[Features], samples: Samples) -> list[tuple[dict[str, float], int]]:
    """Every combination of the declared values, beta's too, with its images right: the search as the official codes do it."""
    points = _points(predictor.tunes) if predictor.tunes else []
    counts = [0] * len(points)
    for where, matched in _matched(predictor, prepared):
        for place, point in enumerate(points):
            with tuned(predictor, point):
                answers = predictor.combine(matched).fused.argmax(-1)
            counts[place] += int(right_answers(answers, samples, where).sum())
    return list(zip(points, counts, strict=True))


def _points(grids: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """Every combination of the values; the empty one, where there are none."""
    return [dict(zip(grids, values, strict=True)) for values in itertools.product(*grids.values())]


def _range(betas: Sequence[float]) -> tuple[float, float]:
    if not min(betas) > 0:
        raise ValueError(
            f"beta is tuned from {min(betas):g}: its range must lie above 0, where it can be halved and doubled"
        )
    return min(betas), max(betas)


def _matched(predictor: Predictor, prepared: Sequence[Features]) -> Iterator[tuple[slice, Features]]:
    """Each part's place among the images, and what the predictor matches of it."""
    for part, x in enumerate(prepared):
        yield slice(part * scoring.PART, (part + 1) * scoring.PART), predictor.match(x)


def _line(predictor: Predictor, matched: Features, point: dict[str, float], beta: float) -> tuple[Tensor, Tensor]:
    """s₀ and b of the scores s₀ + beta · b, worked out at the largest beta, where b is known best; [B, C] each."""
    with tuned(predictor, {**point, "beta": beta}):
        s = predictor.combine(matched)
    return s.zero_shot, (s.fused - s.zero_shot).double() / beta


def _on_curve(
    predictor: Predictor, point: dict[str, float], curve: beta_curve.Curve, span: tuple[float, float]
) -> Found:
    """The beta to take at a point of the rest: the method's own where none is better, else from the widest stretch."""
    widest = max(curve.bests(*span), key=lambda stretch: stretch.high / stretch.low)
    own = float(predictor.settings()["beta"])
    if span[0] <= own <= span[1] and curve.at([own]) == [widest.correct]:
        return _found(predictor, {**point, "beta": own}, widest.correct)
    middle, width = sqrt(widest.low * widest.high), log(widest.high / widest.low)
    return _found(predictor, {**point, "beta": middle}, widest.correct, width)


def _found(predictor: Predictor, point: dict[str, float], correct: int, width: float = 0.0) -> Found:
    own = predictor.settings()
    return Found(point, correct, sum(own[name] == value for name, value in point.items()), width)
