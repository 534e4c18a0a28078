"""The search over tunable settings after training, on a grid, and exactly over beta.

Every combination of the declared values is evaluated, except for `beta`, whose whole range from the smallest to the largest
declared value is searched exactly: `benchmark.numerics.beta_curve` computes the number of images classified correctly as a
function of beta. Among the best settings, those that keep most of the method's own values are chosen. A beta that is not the
method's own is the geometric mean of the widest interval of best values, because beta is a ratio of two weights: swapping the
roles of the bias and zero-shot CLIP inverts it.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from math import log, sqrt
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.methods import scoring
from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import Features, Samples, placed
from benchmark.methods.scoring import right_answers, tuned
from benchmark.methods.sealed import comparing
from benchmark.numerics import beta_curve

Grids = Mapping[str, Sequence[float]]
"""Tunable setting -> the values to search."""


class Found(NamedTuple):
    """Settings found by the search.

    Attributes:
        tuned: Value of each tunable setting.
        correct: Number of images classified correctly.
        kept: Number of settings that equal the method's own.
        width: Logarithm of the ratio of the ends of the interval that beta was chosen from; 0 for a value of the grid.
    """

    tuned: dict[str, float]
    correct: int
    kept: int
    width: float


@torch.no_grad()
def search(
    predictor: Predictor, prepared: Sequence[Features], samples: Samples, names: Sequence[str] | None = None
) -> Found | None:
    """Find the tunable settings with the most images classified correctly.

    Each combination of values other than beta takes one evaluation of `Predictor.combine`; `Predictor.match` does not depend
    on the settings and is computed once.

    Args:
        predictor: Fitted predictor.
        prepared: Parts of the images, as returned by `Predictor.prepare`.
        samples: All images with their labels.
        names: Settings to search among the tunable ones; None for all.

    Returns:
        The best settings; None if nothing is searched.
    """
    tunes = {name: values for name, values in predictor.tunes.items() if names is None or name in names}
    if "beta" not in tunes:
        candidates = [_found(predictor, *counted) for counted in grid(predictor, prepared, samples, tunes)]
    else:
        span = _range(tunes["beta"])
        candidates = [_on_curve(predictor, *pair, span) for pair in curves(predictor, prepared, samples, tunes)]
    return max(candidates, key=lambda found: found[1:], default=None)


@torch.no_grad()
def curves(
    predictor: Predictor, prepared: Sequence[Features], samples: Samples, tunes: Grids | None = None
) -> list[tuple[dict[str, float], beta_curve.Curve]]:
    """Every combination of values other than beta's, with its exact curve over beta, of `tunes`, by default all settings."""
    tunes = predictor.tunes if tunes is None else tunes
    points = _points({name: values for name, values in tunes.items() if name != "beta"})
    largest = max(tunes["beta"])
    ends: list[list[beta_curve.Ends]] = [[] for _ in points]
    for where, matched in _matched(predictor, prepared, samples):
        for found, point in zip(ends, points, strict=True):
            line = _line(predictor, matched, point, largest)
            with comparing():
                found.append(beta_curve.ends(*line, samples.labels[where]))
    return list(zip(points, map(beta_curve.joined, ends), strict=True))


@torch.no_grad()
def grid(
    predictor: Predictor, prepared: Sequence[Features], samples: Samples, tunes: Grids | None = None
) -> list[tuple[dict[str, float], int]]:
    """Every combination of values with its number of images classified correctly: the grid search of official code."""
    tunes = predictor.tunes if tunes is None else tunes
    points = _points(tunes) if tunes else []
    counts = [0] * len(points)
    for where, matched in _matched(predictor, prepared, samples):
        for place, point in enumerate(points):
            with tuned(predictor, point):
                answers = predictor.combine(matched).fused.argmax(-1)
            counts[place] += int(right_answers(answers, samples, where).sum())
    return list(zip(points, counts, strict=True))


def _points(grids: Grids) -> list[dict[str, float]]:
    """Every combination of values; one empty combination if there is nothing to combine."""
    return [dict(zip(grids, values, strict=True)) for values in itertools.product(*grids.values())]


def _range(betas: Sequence[float]) -> tuple[float, float]:
    if not min(betas) > 0:
        raise ValueError(
            f"beta is tuned from {min(betas):g}: its range must lie above 0, where it can be halved and doubled"
        )
    return min(betas), max(betas)


def _matched(predictor: Predictor, prepared: Sequence[Features], samples: Samples) -> Iterator[tuple[slice, Features]]:
    """Slice of each part within the images, and the result of `Predictor.match` on the part."""
    for part, x in enumerate(prepared):
        yield slice(part * scoring.PART, (part + 1) * scoring.PART), predictor.match(placed(x, samples.device))


def _line(predictor: Predictor, matched: Features, point: dict[str, float], beta: float) -> tuple[Tensor, Tensor]:
    """s₀ and b, [B, C] each, of the scores s₀ + beta · b, computed at the largest beta, where rounding affects b least."""
    with tuned(predictor, {**point, "beta": beta}):
        s = predictor.combine(matched)
    return s.zero_shot, (s.fused - s.zero_shot).double() / beta


def _on_curve(
    predictor: Predictor, point: dict[str, float], curve: beta_curve.Curve, span: tuple[float, float]
) -> Found:
    """Choose beta for given other values: the method's own if none is better, else the middle of the widest interval."""
    widest = max(curve.bests(*span), key=lambda stretch: stretch.high / stretch.low)
    own = float(predictor.settings()["beta"])
    if span[0] <= own <= span[1] and curve.at([own]) == [widest.correct]:
        return _found(predictor, {**point, "beta": own}, widest.correct)
    middle, width = sqrt(widest.low * widest.high), log(widest.high / widest.low)
    return _found(predictor, {**point, "beta": middle}, widest.correct, width)


def _found(predictor: Predictor, point: dict[str, float], correct: int, width: float = 0.0) -> Found:
    own = predictor.settings()
    return Found(point, correct, sum(own[name] == value for name, value in point.items()), width)
