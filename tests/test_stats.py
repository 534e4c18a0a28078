"""Intervals against their formulas, a table of the t distribution, and a simulation."""

import math

import numpy as np
import pytest

from benchmark.stats import interval

Z = 1.959963984540054  # the 97.5 % point of the normal distribution
T = {1: 12.706, 2: 4.303, 4: 2.776}  # the 97.5 % points of Student's t, from any table


def wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson, JASA 1927: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)."""
    p = k / n
    middle, spread = p + Z * Z / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return (middle - spread) / (1 + Z * Z / n), (middle + spread) / (1 + Z * Z / n)


def test_three_seeds_by_hand() -> None:
    # 40, 50 and 60 %: mean 50, standard deviation 10, half-width 4.303 · 10 / √3 = 24.84
    mean, low, high = interval([40, 50, 60], [100] * 3)
    assert mean == 50
    assert (low, high) == pytest.approx((50 - 24.84, 50 + 24.84), abs=0.01)


@pytest.mark.parametrize("correct", [[50, 52], [61, 60, 66], [31, 32, 33, 34, 39]])
def test_several_seeds_against_the_formula_with_loops(correct: list[int]) -> None:
    k = len(correct)
    total = 0.0
    for c in correct:
        total += c / 2
    squares = 0.0
    for c in correct:
        squares += (c / 2 - total / k) ** 2
    half = T[k - 1] * math.sqrt(squares / (k - 1)) / math.sqrt(k)
    mean, low, high = interval(correct, [200] * k)
    assert mean == pytest.approx(total / k)
    assert high - mean == pytest.approx(half, rel=1e-3)
    assert mean - low == pytest.approx(half, rel=1e-3)


def test_every_seed_counts_alike_whatever_its_number_of_images() -> None:
    assert interval([1, 50], [2, 200])[0] == pytest.approx((50 + 25) / 2)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (1, 10), (37, 100), (6200, 10_000)])
def test_one_seed_has_wilson_s_interval(k: int, n: int) -> None:
    mean, low, high = interval([k], [n])
    assert mean == pytest.approx(100 * k / n)
    assert (low, high) == pytest.approx(tuple(100 * x for x in wilson(k, n)), abs=1e-9)


def test_equal_seeds_have_an_interval_of_no_width() -> None:
    assert interval([7, 7, 7], [10] * 3) == pytest.approx((70, 70, 70))


@pytest.mark.parametrize("correct", [[1, 0], [10, 9], [0, 10]])
def test_an_interval_stays_between_nothing_and_everything(correct: list[int]) -> None:
    _, low, high = interval(correct, [10, 10])
    assert 0 <= low <= high <= 100


def test_ninety_five_in_a_hundred_intervals_hold_the_truth() -> None:
    draws = np.random.default_rng(0).binomial(1000, 0.6, (2000, 3))
    held = [low <= 60 <= high for _, low, high in (interval(row.tolist(), [1000] * 3) for row in draws)]
    assert 0.935 < np.mean(held) < 0.965  # three standard errors of a share of 2000
