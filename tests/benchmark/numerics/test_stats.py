"""Intervals against their formulas, a table of the t distribution, and a simulation."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from benchmark.numerics import stats
from benchmark.numerics.stats import interval, of_means, spread

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


def coverage(truths: np.ndarray, n: int) -> list[float]:
    """How often Wilson's interval holds the truth, exactly: over every count that n images may give."""
    ends = np.array([interval([k], [n])[1:] for k in range(n + 1)]).T
    return [
        float(scipy_stats.binom.pmf(range(n + 1), n, p) @ ((ends[0] <= 100 * p) & (100 * p <= ends[1]))) for p in truths
    ]


@pytest.mark.parametrize(("n", "worst"), [(30, 0.91), (200, 0.93), (1000, 0.94)])
def test_an_interval_over_images_holds_the_truth_as_often_as_it_says(n: int, worst: float) -> None:
    """Counts are whole, so that it is 95 % on average over the truth, and near it everywhere but at the ends."""
    found = coverage(np.linspace(0.05, 0.95, 37), n)
    assert np.mean(found) == pytest.approx(0.95, abs=0.006)
    assert min(found) > worst


@pytest.mark.parametrize("degrees", [1, 2, 3.7, 50, math.inf])
def test_quantiles_and_tails_are_scipy_s(degrees: float) -> None:
    for level in (0.9, 0.95, 0.9999):
        assert stats.t_quantile(degrees, level) == pytest.approx(scipy_stats.t.ppf(0.5 + level / 2, degrees))
    for t in (0.0, 1.3, 12.0):
        assert stats.t_tail(t, degrees) == pytest.approx(scipy_stats.t.sf(t, degrees), rel=1e-9)


def test_student_s_test_is_scipy_s() -> None:
    values = [0.4, -0.1, 0.9, 0.3]
    assert stats.student(values) == pytest.approx(scipy_stats.ttest_1samp(values, 0).pvalue)


def test_an_interval_over_images_is_scipy_s() -> None:
    for k, n in ((3, 17), (371, 1000)):
        theirs = scipy_stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
        assert interval([k], [n])[1:] == pytest.approx((100 * theirs.low, 100 * theirs.high))


@pytest.mark.parametrize("sizes", [(2000, 2000), (1000, 300, 5000), (10_000, *[2000] * 10)])
def test_the_interval_of_a_mean_of_data_sets_holds_the_truth_as_often_as_it_says(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    truths = rng.uniform(0.3, 0.95, len(sizes))
    drawn = rng.binomial(sizes, truths, (2000, len(sizes)))
    held = [low <= 100 * truths.mean() <= high for _, low, high in (of_means(row, sizes) for row in drawn.tolist())]
    assert 0.935 < np.mean(held) < 0.965


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_an_interval_over_seeds_holds_the_truth_where_seeds_and_images_both_scatter(seeds: int) -> None:
    """What a support set is worth varies normally, and each is scored on other images: the mean's interval has both."""
    rng = np.random.default_rng(2)
    shares = np.clip(rng.normal(0.6, 0.02, (2000, seeds)), 0, 1)
    drawn = rng.binomial(2000, shares)
    found = [interval(row, [2000] * seeds) for row in drawn.tolist()]
    assert 0.935 < np.mean([low <= 60 <= high for _, low, high in found]) < 0.965


def test_the_interval_of_values_of_any_kind_is_student_s() -> None:
    values = [0.31, 0.28, 0.4, 0.33]
    theirs = scipy_stats.t.interval(0.95, 3, np.mean(values), scipy_stats.sem(values))
    assert spread(values) == pytest.approx((np.mean(values), *theirs))


def test_a_family_without_a_difference_gives_a_false_alarm_one_time_in_twenty() -> None:
    """Ten tests, all of them true nulls: without the adjustment two families in five would have an alarm."""
    p_values = np.random.default_rng(3).uniform(size=(4000, 10))
    alarms = np.mean([min(stats.holm(row)) <= 0.05 for row in p_values.tolist()])
    assert alarms == pytest.approx(0.05, abs=0.0103)  # three standard errors of a share of 4000
    assert (p_values.min(1) <= 0.05).mean() > 0.35
