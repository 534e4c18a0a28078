"""Two methods on the same images: closed forms against slow twins, intervals and tests against simulation."""

from itertools import product
from math import comb, inf, isinf

import numpy as np
import pytest
from scipy import stats as scipy_stats

from benchmark.numerics import stats
from benchmark.numerics.stats import Scatter


def world(
    rng: np.random.Generator, seeds: int, images: int, effect: float, seed_sd: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Two methods whose expected difference is `effect`: images differ in difficulty, the left method's seeds in luck."""
    difficulty = rng.uniform(0.2, 0.8, images)
    luck = rng.normal(0, seed_sd, seeds)
    right = [rng.uniform(size=images) < difficulty for _ in range(seeds)]
    left = [rng.uniform(size=images) < difficulty + effect + shift for shift in luck]
    return left, right


def test_the_variance_is_that_of_a_two_way_analysis_worked_out_cell_by_cell() -> None:
    rng = np.random.default_rng(0)
    left, right = world(rng, 3, 40, 0.1, 0.05)
    d = [[float(a) - float(b) for a, b in zip(x, y, strict=True)] for x, y in zip(left, right, strict=True)]
    s, n = 3, 40
    m = sum(map(sum, d)) / (s * n)
    rows = [sum(row) / n for row in d]
    columns = [sum(d[i][j] for i in range(s)) / s for j in range(n)]
    v_seed = sum((r - m) ** 2 for r in rows) / (s - 1) / s
    v_image = sum((c - m) ** 2 for c in columns) / (n - 1) / n
    v_both = sum((d[i][j] - rows[i] - columns[j] + m) ** 2 for i, j in product(range(s), range(n)))
    v_both /= (s - 1) * (n - 1) * s * n
    variance = max(v_seed + v_image - v_both, v_seed, v_image)
    df = variance**2 / (v_seed**2 / (s - 1) + v_image**2 / (n - 1))
    half = scipy_stats.t.ppf(0.975, df) * variance**0.5
    found = stats.paired(left, right)
    assert (found.effect, found.low, found.high) == pytest.approx((100 * m, 100 * (m - half), 100 * (m + half)))
    assert found.p == pytest.approx(2 * scipy_stats.t.sf(abs(m) / variance**0.5, df))


def test_with_many_seeds_it_is_what_resampling_seeds_and_images_gives() -> None:
    rng = np.random.default_rng(1)
    left, right = world(rng, 40, 400, 0.05, 0.15)
    d = np.stack(left).astype(float) - np.stack(right)
    drawn = [d[rng.integers(0, 40, 40)][:, rng.integers(0, 400, 400)].mean() for _ in range(2000)]
    found = stats.paired(left, right)
    # the seeds decide here; what seeds and images have in common resampling would count three times
    assert found.high - found.low == pytest.approx(
        100 * (np.quantile(drawn, 0.975) - np.quantile(drawn, 0.025)), rel=0.1
    )


def resampled(d: np.ndarray, rng: np.random.Generator, seeds: bool, images: bool, draws: int = 4000) -> float:
    """The variance of the mean of differences [S, N] when seeds, images or both are drawn again with replacement."""
    s, n = d.shape
    of_seeds = rng.multinomial(s, np.full(s, 1 / s), draws) / s if seeds else np.full((draws, s), 1 / s)
    of_images = rng.multinomial(n, np.full(n, 1 / n), draws) / n if images else np.full((draws, n), 1 / n)
    return float(((of_seeds @ d) * of_images).sum(1).var())


@pytest.mark.parametrize(("seeds", "seed_sd"), [(3, 0.05), (3, 0.0), (5, 0.02)])
def test_with_few_seeds_it_is_what_three_bootstraps_give_without_their_bias(seeds: int, seed_sd: float) -> None:
    """Drawing seeds again, images again, and both again gives the three mean squares, each short by its degrees of freedom;
    the hierarchical bootstrap alone, of both, counts what seeds and images have in common three times."""
    rng = np.random.default_rng(8)
    images = 120
    left, right = world(rng, seeds, images, 0.05, seed_sd)
    d = np.stack(left).astype(float) - np.stack(right)
    by_seed, by_image, by_both = (resampled(d, rng, *which) for which in ((True, False), (False, True), (True, True)))
    in_common = by_both - by_seed - by_image
    v_seed, v_image = by_seed * seeds / (seeds - 1), by_image * images / (images - 1)
    v_common = in_common * seeds / (seeds - 1) * images / (images - 1)
    variance = max(v_seed + v_image - v_common, v_seed, v_image)
    degrees = variance**2 / (v_seed**2 / (seeds - 1) + v_image**2 / (images - 1))
    found = stats.paired(left, right)
    half = 100 * scipy_stats.t.ppf(0.975, degrees) * variance**0.5
    assert found.high - found.effect == pytest.approx(half, rel=0.08)


def test_over_many_worlds_the_variance_is_that_of_the_effect() -> None:
    """Seeds and images drawn anew each time: what `paired` says of one world is on average what the worlds scatter by."""
    rng = np.random.default_rng(9)
    found = [stats.paired(*world(rng, 5, 200, 0.05, 0.08)) for _ in range(1500)]
    parts = np.mean([[part**2 for part in f.scatter[:3]] for f in found if f.scatter], axis=0)
    said = parts @ [1 / 5, 1 / 200, 1 / 1000]
    assert said == pytest.approx(np.var([f.effect for f in found], ddof=1), rel=0.1)  # under three standard errors


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "seed_sd"), [(1, 0.0), (3, 0.0), (3, 0.02), (5, 0.03)])
def test_the_interval_covers_the_true_difference_as_often_as_it_says(seeds: int, seed_sd: float) -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(1000):
        found = stats.paired(*world(rng, seeds, 300, 0.03, seed_sd))
        covered += found.low <= 3 <= found.high
    assert 930 <= covered <= 1000  # the bound is from below: at few seeds the interval is rather too wide


def test_without_a_difference_it_is_found_one_time_in_twenty() -> None:
    rng = np.random.default_rng(3)
    alarms = sum(stats.paired(*world(rng, 3, 300, 0.0, 0.0)).p < 0.05 for _ in range(600))
    assert alarms <= 45  # 30 expected; 45 is three standard deviations above


def test_one_seed_has_an_interval_over_images() -> None:
    left, right = np.array([1, 1, 1, 0, 1, 1], bool), np.array([1, 0, 0, 1, 1, 0], bool)
    d = np.array([0, 1, 1, -1, 0, 1])
    half = scipy_stats.t.ppf(0.975, 5) * d.std(ddof=1) / 6**0.5
    found = stats.paired([left], [right])
    assert (found.effect, found.high) == pytest.approx((100 / 3, 100 * (1 / 3 + half)))
    assert (found.seeds, found.images, found.scatter) == (1, 6, None)


def test_the_same_answers_differ_by_nothing_and_surely_so() -> None:
    right = [np.array([1, 0, 1], bool)] * 2
    found = stats.paired(right, right)
    assert (found.effect, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        stats.paired([np.ones(3, bool)], [np.ones(4, bool)])


@pytest.mark.parametrize(("b", "c"), [(0, 0), (3, 0), (1, 9), (6, 6), (12, 5)])
def test_mcnemar_is_the_binomial_tail_counted_out(b: int, c: int) -> None:
    left = np.array([True] * b + [False] * c + [True] * 7)
    right = np.array([False] * b + [True] * c + [True] * 7)
    n = b + c
    weights = [comb(n, k) / 2**n for k in range(n + 1)]
    two_sided = sum(w for w in weights if w <= weights[b] * (1 + 1e-9))
    assert stats.mcnemar(left, right) == pytest.approx(two_sided)


def test_mcnemar_finds_nothing_where_there_is_nothing_nineteen_times_of_twenty_at_least() -> None:
    rng = np.random.default_rng(6)
    alarms = [stats.mcnemar(rng.uniform(size=200) < 0.6, rng.uniform(size=200) < 0.6) <= 0.05 for _ in range(1000)]
    assert sum(alarms) <= 70  # 50 at most are expected; 70 is three standard deviations above


def test_mcnemar_is_scipy_s_binomial_test_of_the_images_that_one_alone_has_right() -> None:
    rng = np.random.default_rng(7)
    left, right = rng.uniform(size=300) < 0.7, rng.uniform(size=300) < 0.6
    pairs = list(zip(left.tolist(), right.tolist(), strict=True))
    only = pairs.count((True, False)), pairs.count((False, True))
    assert stats.mcnemar(left, right) == pytest.approx(scipy_stats.binomtest(only[0], sum(only)).pvalue, rel=1e-12)


@pytest.mark.parametrize("scatter", [Scatter(2, 0, 0, 1000), Scatter(2, 40, 40, 1000), Scatter(0.5, 20, 45, 10_000)])
@pytest.mark.parametrize("effect", [0.9, 2.0, 5.0])
def test_the_seeds_needed_are_those_of_scipy_s_noncentral_t(effect: float, scatter: Scatter) -> None:
    def enough(n: int) -> bool:
        parts = [
            ((scatter.seed**2 + scatter.both**2 / scatter.images) / n, n - 1),
            ((scatter.image**2 + scatter.both**2 / n) / scatter.images, scatter.images - 1),
        ]
        variance = sum(part for part, _ in parts) - scatter.both**2 / n / scatter.images
        degrees = variance**2 / sum(part**2 / df for part, df in parts)
        edge = scipy_stats.t.ppf(0.975, degrees)
        return bool(scipy_stats.nct.sf(edge, degrees, effect / variance**0.5) >= 0.8)

    needed = stats.seeds_needed(effect, scatter)
    if isinf(needed):
        assert not enough(10_000)
    else:
        assert enough(int(needed))
        assert needed == 2 or not enough(int(needed) - 1)


def test_holm_multiplies_the_smallest_by_all_and_never_goes_down() -> None:
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert stats.holm([0.5, 0.9]) == [1.0, 1.0]
    assert stats.holm([]) == []


def test_holm_rejects_what_its_step_down_procedure_rejects() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        p = rng.uniform(0, 0.2, 6).tolist()
        rejected, left = set(), sorted(range(6), key=p.__getitem__)
        while left and p[left[0]] <= 0.05 / len(left):
            rejected.add(left.pop(0))
        assert {i for i, value in enumerate(stats.holm(p)) if value <= 0.05} == rejected


@pytest.mark.parametrize(("effect", "seed_sd"), [(3.0, 2.0), (2.0, 2.0)])
def test_the_seeds_needed_find_the_difference_four_times_in_five_and_one_less_does_not(
    effect: float, seed_sd: float
) -> None:
    rng = np.random.default_rng(5)
    seeds = int(stats.seeds_needed(effect, Scatter(seed_sd, 0.0, 0.0, 1000)))
    power = {}
    for n in (seeds - 1, seeds):
        drawn = rng.normal(effect, seed_sd, (20_000, n))
        t = drawn.mean(1) / (drawn.std(1, ddof=1) / n**0.5)
        power[n] = (t > scipy_stats.t.ppf(0.975, n - 1)).mean()
    assert power[seeds] > 0.79
    assert power[seeds - 1] < 0.81


@pytest.mark.slow
def test_at_the_seeds_needed_the_paired_test_finds_the_difference_four_times_in_five() -> None:
    rng = np.random.default_rng(10)
    images, effect, luck = 1000, 0.04, 0.04
    pilot = [stats.paired(*world(rng, 40, images, effect, luck)).scatter for _ in range(20)]
    seed, image, both = np.mean([p[:3] for p in pilot if p], axis=0)
    seeds = int(stats.seeds_needed(100 * effect, Scatter(seed, image, both, images)))
    assert seeds > 3

    def power(seeds: int) -> float:
        return float(np.mean([stats.paired(*world(rng, seeds, images, effect, luck)).p < 0.05 for _ in range(1000)]))

    assert 0.76 < power(seeds) < 0.9
    assert power(seeds - 1) < 0.84


def test_no_number_of_seeds_helps_against_too_few_images() -> None:
    assert isinf(stats.seeds_needed(0.1, Scatter(seed=0.5, image=40, both=0, images=1000)))
    assert stats.seeds_needed(5.0, Scatter(seed=0, image=1, both=0, images=1000)) == 2
    assert stats.seeds_needed(0.0, Scatter(1, 1, 1, 100)) == inf


def test_more_seeds_do_help_against_what_each_of_them_does_by_chance_on_every_image() -> None:
    assert 100 < stats.seeds_needed(0.1, Scatter(seed=0, image=0, both=40, images=1000)) < inf


def test_a_stricter_level_needs_more_seeds() -> None:
    scatter = Scatter(2.0, 0.0, 0.0, 100)
    assert stats.seeds_needed(2.0, scatter, level=0.01) > stats.seeds_needed(2.0, scatter)


def test_student_s_p_is_that_of_the_interval_that_ends_at_zero() -> None:
    values = [1.0, 2.0, 4.0]
    mean, low, _ = stats.spread(values)
    t = mean / ((mean - low) / scipy_stats.t.ppf(0.975, 2))
    assert stats.student(values) == pytest.approx(2 * scipy_stats.t.sf(t, 2))
    assert (stats.student([0.0, 0.0]), stats.student([2.0, 2.0])) == (1.0, 0.0)
