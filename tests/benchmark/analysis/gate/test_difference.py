"""The error of a difference: over test images from the answers, over paths of training from all differences."""

from math import inf, isnan, nan, sqrt

import numpy as np
import pytest

from benchmark.analysis.gate.difference import IMAGES, Difference, average, of_answers

SQUARES, CIRCLES = ("imagenet", "squares", 1000), ("dtd", "circles", 500)


def answers(gained: int, lost: int, n: int = 1000) -> np.ndarray:
    """Contributions in points of n images, of which some are right here alone and some in the reference alone."""
    return 100.0 * np.repeat([1, -1, 0], [gained, lost, n - gained - lost])


def test_the_error_over_images_is_that_of_a_mean() -> None:
    found = of_answers({SQUARES: answers(30, 50)}, {"a": 1.0})
    share = 0.08 - 0.02**2  # of squares, less the square of the mean
    assert (found.effect, found.how, found.exact) == (-2.0, IMAGES, False)
    assert found.variance == pytest.approx(1e4 * share * 1000 / 999 / 1000)


def test_images_of_two_data_sets_are_independent() -> None:
    one, two = answers(10, 0), answers(0, 20, 500)
    found = of_answers({SQUARES: one / 2, CIRCLES: two / 2}, {"a": 0.5, "b": 0.5})
    parts = [of_answers({SQUARES: one}, {"a": 1.0}), of_answers({CIRCLES: two}, {"b": 1.0})]
    assert found.effect == pytest.approx((1.0 - 4.0) / 2)
    assert found.variance == pytest.approx(sum(part.variance for part in parts) / 4)


def test_equal_answers_are_exact_and_tell_no_error() -> None:
    found = of_answers({SQUARES: answers(0, 0)}, {"a": 1.0})
    assert (found.exact, found.effect, found.variance) == (True, 0.0, 0.0)


def test_the_mean_of_two_questions_adds_them_image_by_image() -> None:
    """Two methods that lose the same images vary together; two that lose other images do not."""
    first, other = answers(0, 100), np.roll(answers(0, 100), 500)
    alike = average([of_answers({SQUARES: first}, {name: 1.0}) for name in "ab"])
    apart = average(
        [of_answers({SQUARES: values}, {name: 1.0}) for name, values in zip("ab", (first, other), strict=True)]
    )
    assert alike.effect == apart.effect == -10.0
    assert alike.variance == pytest.approx(100**2 * 0.1 * 0.9 / 999)
    assert apart.variance == pytest.approx((100 / 2) ** 2 * 0.2 * 0.8 / 999)


def test_a_run_that_two_questions_share_counts_with_both_of_its_weights() -> None:
    same = [of_answers({SQUARES: answers(0, 0)}, {"a": 1.0}), of_answers({CIRCLES: answers(0, 0)}, {"a": 1.0})]
    assert average(same).error(path=1.0)[0] == 1.0
    assert average([same[0], of_answers({CIRCLES: answers(0, 0)}, {"b": 1.0})]).error(path=1.0)[0] == sqrt(0.5)


def test_the_error_has_a_part_over_images_and_a_part_over_paths_of_training() -> None:
    three_seeds = Difference(0.0, 0.04, IMAGES, shares=dict.fromkeys("abc", 1 / 3), degrees=7.0)
    error, degrees = three_seeds.error(path=0.6)
    assert (error, degrees) == (pytest.approx(sqrt(0.04 + 0.36 / 3)), 7.0)


def test_there_is_an_error_even_where_all_answers_are_equal() -> None:
    assert Difference(0.0, 0.0, IMAGES, exact=True, shares={"a": 1.0}).error(path=0.3) == (0.3, inf)


def test_nothing_tells_the_error_of_a_mean_without_an_interval() -> None:
    assert isnan(Difference(1.0, nan).error(path=0.3)[0])
