"""A few-shot draw: so many of each class, none twice, and few shots part of many."""

import numpy as np
import pytest

from benchmark.data.dataset import Draw, nested_draw

LABELS = np.arange(75) % 3
IDS = np.arange(75) + 1000  # ids are not positions


def draw(shots: int, seed: int = 1) -> Draw:
    return nested_draw(LABELS, IDS, shots, seed)


def support(shots: int, seed: int = 1) -> list[int]:
    drawn = draw(shots, seed)
    return drawn.pool[drawn.support].tolist()


def val(shots: int, seed: int = 1) -> list[int]:
    drawn = draw(shots, seed)
    return drawn.val_pool[drawn.val].tolist()


def classes(ids: list[int]) -> list[int]:
    return [LABELS[i - 1000] for i in ids]


@pytest.mark.parametrize(("shots", "validation"), [(1, 1), (2, 2), (4, 4), (8, 4), (16, 4)])
def test_every_class_gives_its_shots_and_at_most_four_more_to_validate(shots: int, validation: int) -> None:
    assert classes(support(shots)) == [0] * shots + [1] * shots + [2] * shots
    assert classes(val(shots)) == [0] * validation + [1] * validation + [2] * validation


@pytest.mark.parametrize("shots", [1, 2, 4, 8, 16])
def test_no_image_is_drawn_twice(shots: int) -> None:
    drawn = support(shots) + val(shots)
    assert len(set(drawn)) == len(drawn)


def test_pools_have_no_image_in_common() -> None:
    drawn = draw(1)
    assert (len(drawn.pool), len(drawn.val_pool)) == (48, 12)
    assert set(drawn.pool).isdisjoint(drawn.val_pool)


def test_few_shots_are_part_of_many_and_share_their_pool() -> None:
    for few, many in ((1, 2), (2, 4), (4, 8), (8, 16)):
        assert set(support(few)) < set(support(many))
        assert set(val(few)) <= set(val(many))
    np.testing.assert_array_equal(draw(1).pool, draw(16).pool)


def test_another_seed_is_another_draw_and_the_same_the_same() -> None:
    assert support(4, seed=1) == support(4, seed=1)
    assert len({tuple(support(4, seed)) for seed in range(10)}) == 10


def test_every_image_has_the_same_chance() -> None:
    counts = np.bincount([i - 1000 for seed in range(300) for i in support(4, seed)], minlength=75)
    # 300 draws of 4 of 25 images: 48 times each, standard deviation √(300 · 0.16 · 0.84) = 6.3
    assert abs(counts - 48).max() < 5 * 6.3


def test_no_shots_are_no_images() -> None:
    assert support(0) == val(0) == []


@pytest.mark.parametrize("shots", [-1, 17, 100])
def test_more_shots_than_the_pool_has_are_refused(shots: int) -> None:
    with pytest.raises(ValueError, match=f"{shots} shots; a draw has 0 to 16"):
        draw(shots)


def test_a_class_that_is_too_small_is_named() -> None:
    labels = np.repeat([0, 1], [20, 19])
    with pytest.raises(ValueError, match="class 1 has 19 images; a draw needs 20"):
        nested_draw(labels, np.arange(39), 1, 1)
