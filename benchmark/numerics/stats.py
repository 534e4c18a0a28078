"""Means and 95 % intervals, two methods compared on the same images, many comparisons at once.

By the functions of scipy.special: its stats take a second to import, and these are what they rest on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, isnan, sqrt
from statistics import mean, stdev
from typing import NamedTuple

import numpy as np
from scipy import special

LEVEL = 0.95


def interval(correct: Sequence[int], n: Sequence[int]) -> tuple[float, float, float]:
    """Mean accuracy and its 95 % interval (low, high), in per cent, from correct of n images, one pair a seed.

    Several seeds: Student's t over the seeds' accuracies, so the interval is that of a mean over draws of the support
    set on this test set. One seed: Wilson's interval for a proportion, over images.
    """
    if len(correct) == 1:
        return 100 * correct[0] / n[0], *wilson(correct[0], n[0])
    return over_seeds([100 * c / of for c, of in zip(correct, n, strict=True)])


def wilson(correct: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval (low, high) for a proportion, in per cent: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)."""
    p, z = correct / n, t_quantile(inf)
    middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return 100 * max(0.0, middle - half) / (1 + z * z / n), 100 * min(1.0, (middle + half) / (1 + z * z / n))


def over_seeds(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval of accuracies in per cent, one a seed and at least two: Student's t, kept within 0 to 100."""
    middle, low, high = spread(values)
    return middle, max(0.0, low), min(100.0, high)


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval (low, high) by Student's t over at least two values."""
    middle = mean(values)
    half = t_quantile(len(values) - 1) * stdev(values) / len(values) ** 0.5
    return middle, middle - half, middle + half


def student(values: Sequence[float]) -> float:
    """Two-sided p of Student's t test that values, at least two, have mean 0."""
    if len(set(values)) == 1:
        return 0.0 if values[0] else 1.0
    return 2 * t_tail(abs(mean(values)) / (stdev(values) / len(values) ** 0.5), len(values) - 1)


@cache
def t_quantile(degrees: float, level: float = LEVEL) -> float:
    """Of Student's t (at infinite degrees of freedom the normal): `level` of it lies between minus this and this."""
    return float(special.stdtrit(degrees, 0.5 + level / 2))


def t_tail(t: float, degrees: float) -> float:
    """How much of Student's t lies above."""
    return float(special.stdtr(degrees, -t))


def of_means(correct: Sequence[int], n: Sequence[int]) -> tuple[float, float, float]:
    """Mean of several data sets' accuracies and its 95 % interval over images, in per cent, at one seed.

    By the normal approximation: the variance of the mean is Σ p (1 - p) / n over the square of how many there are.
    """
    parts = [c / of for c, of in zip(correct, n, strict=True)]
    variance = sum(p * (1 - p) / of for p, of in zip(parts, n, strict=True)) / len(parts) ** 2
    middle, half = 100 * mean(parts), 100 * t_quantile(inf) * variance**0.5
    return middle, max(0.0, middle - half), min(100.0, middle + half)


class Scatter(NamedTuple):
    """What a difference of two methods varies by, in points: standard deviations of one more seed and of one more image by
    themselves, and of what a seed and an image have in common beyond them; and the number of images.
    """

    seed: float
    image: float
    both: float
    images: int


@dataclass(frozen=True)
class Paired:
    """One method less another on the same images, in points, with its 95 % interval.

    p: two-sided, of no difference.  scatter: None for one seed, which does not tell.
    """

    effect: float
    low: float
    high: float
    p: float
    seeds: int
    images: int
    scatter: Scatter | None


def paired(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> Paired:
    """Compare two methods seed by seed and image by image.

    left, right: whether each test image was classified rightly, booleans [N], one array a seed, the seeds in one order.

    The difference D (1, 0 or -1 of every seed and image) has seeds and images crossed: both are drawn, and another draw of
    either would have given another mean. So Var = V_seed + V_image - V_both, each the mean square of its kind over how many
    means there are (two-way random effects without replication), with Satterthwaite's degrees of freedom. It is what
    resampling seeds and images with replacement estimates, without its bias for a handful of seeds. One seed: images alone.
    ValueError where the shapes differ.
    """
    difference = np.stack(left).astype(np.int8) - np.stack(right).astype(np.int8)
    seeds, images = difference.shape
    by_seed, by_image = difference.mean(1), difference.mean(0)
    middle = float(by_seed.mean())
    per_image = _variance(by_image - middle, images - 1)
    scatter, both = None, 0.0
    if seeds == 1:
        parts = [(per_image / images, images - 1)]
    else:
        per_seed = _variance(by_seed - middle, seeds - 1)
        rest = difference - by_seed[:, None] - by_image[None] + middle
        both = _variance(rest, (seeds - 1) * (images - 1))
        parts = [(per_seed / seeds, seeds - 1), (per_image / images, images - 1)]
        seed, image = max(0.0, per_seed - both / images), max(0.0, per_image - both / seeds)
        scatter = Scatter(100 * sqrt(seed), 100 * sqrt(image), 100 * sqrt(both), images)
    # Never below the larger part: the estimate may fall under it by chance, the truth cannot.
    variance = max(sum(part for part, _ in parts) - both / (seeds * images), *(part for part, _ in parts))
    error, quantile, p = _student(variance, parts, middle)
    low, high = middle - quantile * error, middle + quantile * error
    return Paired(100 * middle, 100 * low, 100 * high, p, seeds, images, scatter)


def _variance(deviations: np.ndarray, degrees: int) -> float:
    return float(np.square(deviations).sum() / max(1, degrees))


def _student(variance: float, parts: Sequence[tuple[float, int]], effect: float) -> tuple[float, float, float]:
    """Standard error, quantile for the interval, two-sided p; by Satterthwaite's degrees of freedom."""
    if variance == 0:
        return 0.0, 0.0, 1.0 if effect == 0 else 0.0
    degrees = variance**2 / sum(part**2 / df for part, df in parts if df)
    error = sqrt(variance)
    return error, t_quantile(degrees), 2 * t_tail(abs(effect) / error, degrees)


def mcnemar(left: np.ndarray, right: np.ndarray) -> float:
    """Exact two-sided p of McNemar's test: of the images that one method alone has right, is it as often either?

    left, right: booleans [N] of one seed.
    """
    only_left, only_right = int((left & ~right).sum()), int((right & ~left).sum())
    return min(1.0, 2 * float(special.bdtr(min(only_left, only_right), only_left + only_right, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values of a family (Holm 1979): the chance of any false alarm in it stays at the level asked for."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, float)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted.tolist()


MOST_SEEDS = 10_000
"""Beyond it the number of seeds is no advice."""


def seeds_needed(effect: float, scatter: Scatter, level: float = 1 - LEVEL, power: float = 0.8) -> float:
    """Seeds at which a difference of `effect` points would be found at the level with this power; inf where no number would.

    More seeds do not help against what the images vary by themselves, for they stay the same. By the noncentral t
    distribution with the degrees of freedom that `paired` would have.
    """
    seed, image, both, images = scatter.seed**2, scatter.image**2, scatter.both**2, scatter.images

    def enough(seeds: int) -> bool:
        parts = [
            ((seed + both / images) / seeds, seeds - 1),
            ((image + both / seeds) / images, max(1, images - 1)),
        ]
        variance = sum(part for part, _ in parts) - both / (seeds * images)
        if variance == 0:
            return effect != 0
        degrees = variance**2 / sum(part**2 / df for part, df in parts)
        edge, lead = t_quantile(degrees, 1 - level), abs(effect) / sqrt(variance)
        found = 1 - float(special.nctdtr(degrees, lead, edge))
        return (float(special.ndtr(lead - edge)) if isnan(found) else found) >= power

    if not enough(MOST_SEEDS):
        return inf
    low, high = 1, 2
    while not enough(high):
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
