"""Means and 95 % intervals."""

from collections.abc import Sequence
from functools import cache
from statistics import mean, stdev

from scipy import stats

LEVEL = 0.95


def interval(correct: Sequence[int], n: Sequence[int]) -> tuple[float, float, float]:
    """Mean accuracy and its 95 % interval (low, high), in per cent, from correct of n images, one pair a seed.

    Several seeds: Student's t over the seeds' accuracies, so the interval is that of a mean over draws of the support
    set on this test set. One seed: Wilson's interval for a proportion, over images.
    """
    if len(correct) == 1:
        ci = stats.binomtest(correct[0], n[0]).proportion_ci(LEVEL, method="wilson")
        return 100 * correct[0] / n[0], 100 * ci.low, 100 * ci.high
    return over_seeds([100 * c / of for c, of in zip(correct, n, strict=True)])


def over_seeds(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval of accuracies in per cent, one a seed and at least two: Student's t, kept within 0 to 100."""
    middle, low, high = spread(values)
    return middle, max(0.0, low), min(100.0, high)


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval (low, high) by Student's t over at least two values."""
    middle = mean(values)
    half = _quantile(len(values) - 1) * stdev(values) / len(values) ** 0.5
    return middle, middle - half, middle + half


@cache
def _quantile(degrees: int) -> float:
    """Of Student's t, such that LEVEL of it lies between minus this and this."""
    return float(stats.t.ppf(0.5 + LEVEL / 2, degrees))


def of_means(correct: Sequence[int], n: Sequence[int]) -> tuple[float, float, float]:
    """Mean of several data sets' accuracies and its 95 % interval over images, in per cent, at one seed.

    By the normal approximation: the variance of the mean is Σ p (1 - p) / n over the square of how many there are.
    """
    parts = [c / of for c, of in zip(correct, n, strict=True)]
    variance = sum(p * (1 - p) / of for p, of in zip(parts, n, strict=True)) / len(parts) ** 2
    middle, half = 100 * mean(parts), 100 * stats.norm.ppf(0.5 + LEVEL / 2) * variance**0.5
    return middle, max(0.0, middle - half), min(100.0, middle + half)
