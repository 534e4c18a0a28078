"""Means with 95 % confidence intervals, paired comparisons of two methods, and Holm's adjustment.

Distributions come from scipy.special, because importing scipy.stats takes a second.
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
"""Confidence level of the intervals: the probability with which an interval covers the true value.

It is not a significance level; that of the corresponding tests is 1 - LEVEL = 0.05.
"""


def interval(correct: Sequence[int], n: Sequence[int]) -> tuple[float, float, float]:
    """Mean accuracy over seeds with its 95 % interval.

    With several seeds: Student's t interval over the seeds' accuracies, for the mean over draws of the support set on this
    test set. With one seed: Wilson's interval for a proportion, over images.

    Args:
        correct: Number of correctly classified images for each seed.
        n: Number of images for each seed.

    Returns:
        Mean, low and high in per cent.

    Example:
        >>> interval([50, 50], [100, 100])
        (50.0, 50.0, 50.0)
        >>> [round(value, 1) for value in interval([50], [100])]
        [50.0, 40.4, 59.6]
    """
    if len(correct) == 1:
        return 100 * correct[0] / n[0], *wilson(correct[0], n[0])
    return over_seeds([100 * c / of for c, of in zip(correct, n, strict=True)])


def wilson(correct: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a proportion p: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) (Wilson 1927).

    Args:
        correct: Number of correctly classified images.
        n: Number of images.

    Returns:
        Low and high in per cent.

    Example:
        With none of n images correct the interval ends at z² / (n + z²): 3.84 / (16 + 3.84) = 0.194.

        >>> [round(value, 1) for value in wilson(0, 16)]
        [0.0, 19.4]
    """
    p, z = correct / n, t_quantile(inf)
    middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return 100 * max(0.0, middle - half) / (1 + z * z / n), 100 * min(1.0, (middle + half) / (1 + z * z / n))


def over_seeds(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean of accuracies over seeds with Student's 95 % interval, clipped to 0 to 100.

    Args:
        values: Accuracy of each seed in per cent, at least two.

    Returns:
        Mean, low and high in per cent.

    Example:
        >>> over_seeds([40.0, 60.0])
        (50.0, 0.0, 100.0)
    """
    middle, low, high = spread(values)
    return middle, max(0.0, low), min(100.0, high)


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean of values with Student's 95 % interval.

    Args:
        values: At least two numbers.

    Returns:
        Mean, low and high.

    Example:
        The standard error of 1 and 3 is 1, and the 0.975 quantile of t with one degree of freedom is 12.706.

        >>> [round(value, 3) for value in spread([1, 3])]
        [2, -10.706, 14.706]
    """
    middle = mean(values)
    half = t_quantile(len(values) - 1) * stdev(values) / len(values) ** 0.5
    return middle, middle - half, middle + half


def student(values: Sequence[float]) -> float:
    """Two-sided p value of Student's t test of the hypothesis that the mean is 0.

    Args:
        values: At least two numbers.

    Returns:
        P value.

    Example:
        >>> student([-1, 1]), student([1, 1])
        (1.0, 0.0)
        >>> round(student([0, 2]), 3)  # t = 1 with one degree of freedom
        0.5
    """
    if len(set(values)) == 1:
        return 0.0 if values[0] else 1.0
    return 2 * t_tail(abs(mean(values)) / (stdev(values) / len(values) ** 0.5), len(values) - 1)


@cache
def t_quantile(degrees: float, level: float = LEVEL) -> float:
    """Two-sided quantile of Student's t: the t for which the probability of [-t, t] is `level`.

    Args:
        degrees: Degrees of freedom; inf gives the normal distribution.
        level: Probability of [-t, t].

    Returns:
        The quantile t.

    Example:
        >>> round(t_quantile(inf), 2), round(t_quantile(1, 0.5), 2)
        (1.96, 1.0)
    """
    return float(special.stdtrit(degrees, 0.5 + level / 2))


def t_tail(t: float, degrees: float) -> float:
    """Probability that Student's t with these degrees of freedom exceeds `t`.

    Args:
        t: Lower end of the tail.
        degrees: Degrees of freedom.

    Returns:
        One-sided tail probability.

    Example:
        >>> t_tail(0, 7), round(t_tail(1, 1), 2)
        (0.5, 0.25)
    """
    return float(special.stdtr(degrees, -t))


def of_means(correct: Sequence[int], n: Sequence[int]) -> tuple[float, float, float]:
    """Mean accuracy over data sets at one seed, with its 95 % interval over images.

    Normal approximation: the variance of the mean over K data sets is Σ p (1 - p) / n / K².

    Args:
        correct: Number of correctly classified images of each data set.
        n: Number of images of each data set.

    Returns:
        Mean, low and high in per cent; low and high are clipped to 0 to 100.

    Example:
        The standard error of 50 of 100 images is 5 points, and 1.96 · 5 = 9.8.

        >>> [round(value, 1) for value in of_means([50], [100])]
        [50.0, 40.2, 59.8]
    """
    parts = [c / of for c, of in zip(correct, n, strict=True)]
    variance = sum(p * (1 - p) / of for p, of in zip(parts, n, strict=True)) / len(parts) ** 2
    middle, half = 100 * mean(parts), 100 * t_quantile(inf) * variance**0.5
    return middle, max(0.0, middle - half), min(100.0, middle + half)


class Scatter(NamedTuple):
    """Standard deviations, in points, of the variance components of a difference of two methods.

    Attributes:
        seed: Between seeds.
        image: Between images.
        both: Interaction of seed and image, with the residual.
        images: Number of images.
    """

    seed: float
    image: float
    both: float
    images: int


@dataclass(frozen=True)
class Paired:
    """Difference in accuracy of two methods on the same images.

    Attributes:
        effect: Accuracy of the left method minus that of the right, in points.
        low: Lower end of the 95 % interval, in points.
        high: Upper end of the 95 % interval, in points.
        p: Two-sided p value of the hypothesis of no difference.
        seeds: Number of seeds.
        images: Number of images.
        scatter: Variance components; None for one seed, from which they cannot be estimated.
    """

    effect: float
    low: float
    high: float
    p: float
    seeds: int
    images: int
    scatter: Scatter | None


def paired(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> Paired:
    """Compare two methods, paired by seed and image.

    Arrays whose shapes differ raise a ValueError.

    Args:
        left: Whether the left method classifies each test image correctly: one boolean array [N] for each seed.
        right: The right method's arrays, with the seeds in the order of `left`.

    Returns:
        The difference, its interval and its p value.

    Example:
        >>> left, right = np.array([True, True, True, False]), np.array([True, False, True, False])
        >>> found = paired([left, left], [right, right])
        >>> found.effect, found.seeds, found.images, found.scatter.seed
        (25.0, 2, 4, 0.0)
    """
    return crossed(np.stack(left).astype(np.int8) - np.stack(right).astype(np.int8))


def crossed(difference: np.ndarray) -> Paired:
    """The mean of a number that every seed and image has, with its interval.

    Seeds and images are crossed random effects without replication. The variance of the mean over S seeds and N images is
    V_seed / S + V_image / N - V_both / (S · N) with the sample variances of the seeds' means, of the images' means and of
    the residuals. The degrees of freedom are Satterthwaite's. Resampling seeds and images with replacement estimates this
    variance too, but with a bias for few seeds. With one seed the variance is that over images alone.

    Args:
        difference: Of each seed and image, [S, N]: 1, 0 or -1 for the difference of two methods, or a mean of such over
            numbers of shots.

    Returns:
        The mean in points (100 times), its interval and the p value of the hypothesis that it is 0.

    Example:
        >>> crossed(np.array([[1, 0, 0, 0]])).effect
        25.0
    """
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
    # The variance is at least its larger part; its estimate may fall below that by chance.
    variance = max(sum(part for part, _ in parts) - both / (seeds * images), *(part for part, _ in parts))
    error, quantile, p = _student(variance, parts, middle)
    low, high = middle - quantile * error, middle + quantile * error
    return Paired(100 * middle, 100 * low, 100 * high, p, seeds, images, scatter)


def _variance(deviations: np.ndarray, degrees: int) -> float:
    """Sum of squared deviations divided by the degrees of freedom, at least 1."""
    return float(np.square(deviations).sum() / max(1, degrees))


def _student(variance: float, parts: Sequence[tuple[float, int]], effect: float) -> tuple[float, float, float]:
    """Standard error, quantile for the interval and two-sided p value, with Satterthwaite's degrees of freedom."""
    if variance == 0:
        return 0.0, 0.0, 1.0 if effect == 0 else 0.0
    degrees = variance**2 / sum(part**2 / df for part, df in parts if df)
    error = sqrt(variance)
    return error, t_quantile(degrees), 2 * t_tail(abs(effect) / error, degrees)


def mcnemar(left: np.ndarray, right: np.ndarray) -> float:
    """Exact McNemar test: are images that only one method classifies correctly equally likely to be either method's?

    Args:
        left: Whether the left method classifies each image correctly, booleans [N] of one seed.
        right: Whether the right method does, booleans [N] of the same seed.

    Returns:
        Two-sided p value.

    Example:
        Five images are classified correctly by the left method only, none by the right only: 2 · (1/2)⁵.

        >>> mcnemar(np.array([True] * 5 + [False]), np.array([False] * 6))
        0.0625
    """
    only_left, only_right = int((left & ~right).sum()), int((right & ~left).sum())
    return min(1.0, 2 * float(special.bdtr(min(only_left, only_right), only_left + only_right, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust the p values of a family of tests so that its family-wise error rate is controlled (Holm 1979).

    Args:
        p_values: P values of the tests.

    Returns:
        Adjusted p values in the order of the tests.

    Example:
        The smallest is multiplied by 3, the next by 2, the largest by 1, and none falls below its predecessor.

        >>> holm([0.25, 0.125, 0.03125])
        [0.25, 0.25, 0.09375]
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, float)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted.tolist()


MOST_SEEDS = 10_000
"""Largest number of seeds that `seeds_needed` considers; more would be impractical."""


def seeds_needed(effect: float, scatter: Scatter, level: float = 1 - LEVEL, power: float = 0.8) -> float:
    """Number of seeds with which the test of `paired` detects a given difference with a given power.

    The power is that of a noncentral t distribution with Satterthwaite's degrees of freedom. More seeds do not reduce the
    variance between images, since the test images stay the same.

    Args:
        effect: Difference of two methods in points.
        scatter: Variance components of the difference.
        level: Significance level of the two-sided test.
        power: Probability of detecting the difference.

    Returns:
        At least 2; inf if more than `MOST_SEEDS` would be needed.

    Example:
        An effect of one standard deviation between seeds takes ten, as in tables of the one-sample t test. Where the
        standard error over images alone equals the effect, no number of seeds suffices.

        >>> seeds_needed(1.0, Scatter(seed=1.0, image=0.0, both=0.0, images=100))
        10
        >>> seeds_needed(1.0, Scatter(seed=0.0, image=10.0, both=0.0, images=100))
        inf
    """
    seed, image, both, images = scatter.seed**2, scatter.image**2, scatter.both**2, scatter.images

    def enough(seeds: int) -> bool:
        """Whether the test with this number of seeds has the power asked for."""
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
