"""Means and 95 % intervals."""

from collections.abc import Sequence
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
    accuracies = [100 * c / of for c, of in zip(correct, n, strict=True)]
    middle = mean(accuracies)
    half = stats.t.ppf(0.5 + LEVEL / 2, len(correct) - 1) * stdev(accuracies) / len(correct) ** 0.5
    return middle, max(0.0, middle - half), min(100.0, middle + half)
