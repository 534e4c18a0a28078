"""Draws are the repositories' own, image by image; each is compared with a plain transcription of its protocol."""

import random
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmark.core.errors import BenchError
from benchmark.data.dataset import Draw, nested_draw
from benchmark.data.published import listing, sampling
from benchmark.data.published.listing import Listing

SEEDS = (1, 2, 3)
SHOTS = (0, 1, 2, 4, 8, 16)


def listed(labels: list[int]) -> Listing:
    return listing.of(Path("/data"), [f"{i}.jpg" for i in range(len(labels))], labels)


NOTHING = listed([])
UNSORTED = [int(i) for i in np.random.default_rng(0).integers(0, 5, 150)]
"""Labels in no order, as in Flowers102's list."""


def ids(pool: np.ndarray, places: np.ndarray) -> list[int]:
    return pool[places].tolist()


def support(draw: Draw) -> list[int]:
    return ids(draw.pool, draw.support)


def val(draw: Draw) -> list[int]:
    return ids(draw.val_pool, draw.val)


# --- the protocols, written out


def of_imagenet(folders: list[list[int]], shots: int, seed: int) -> list[int]:
    """Tip-Adapter, CaFo, AMU-Tuning on ImageNet: the global generator, label by label, from the sorted folder's list."""
    random.seed(seed)
    drawn = []
    for images in folders:
        drawn += random.sample(images, shots)
    return drawn


def of_a_list(entries: list[tuple[int, int]], shots: int, repeat: bool) -> list[int]:
    """The ten: (image, label) in the list's order, grouped as labels first appear; `repeat` as Tip-Adapter has it."""
    groups = defaultdict(list)
    for image, label in entries:
        groups[label].append(image)
    drawn = []
    for images in groups.values():
        if len(images) >= shots:
            drawn += random.sample(images, shots)
        else:
            drawn += random.choices(images, k=shots) if repeat else images
    return drawn


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shots", SHOTS)
def test_imagenets_draw_is_the_repositories(shots: int, seed: int) -> None:
    folders = [list(range(c * 30, c * 30 + 30)) for c in range(6)]
    labels = [c for c in range(6) for _ in range(30)]
    assert support(sampling.official(listed(labels), NOTHING, shots, seed)) == of_imagenet(folders, shots, seed)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shots", SHOTS)
def test_the_tens_draw_is_the_repositories_and_validation_coops(shots: int, seed: int) -> None:
    train, behind = listed(UNSORTED), listed(UNSORTED[:60])
    draw = sampling.official(train, behind, shots, seed)
    random.seed(seed)
    assert support(draw) == of_a_list(list(enumerate(UNSORTED)), shots, repeat=True)
    entries = [(150 + i, label) for i, label in enumerate(UNSORTED[:60])]
    assert val(draw) == of_a_list(entries, min(shots, 4), repeat=False)


# fmt: off
PUBLISHED_1_SHOT_SEED_1 = [
    8, 96, 174, 231, 288, 304, 376, 427, 511, 588, 628, 690, 761, 804, 890, 913, 966, 1051, 1081, 1197, 1253, 1284, 1347,
    1418, 1488, 1549, 1560, 1664, 1708, 1757, 1846, 1911, 1934, 2017, 2046, 2157, 2180, 2221, 2281, 2341, 2441, 2494, 2520,
    2636, 2664, 2743, 2773,
]
PUBLISHED_4_SHOTS_SEED_2 = {
    "train": [55, 54, 3, 5, 65, 83, 113, 70, 167, 171, 162, 174, 199, 196, 218, 193],  # of the first four classes
    "val": [3, 2, 0, 1, 47, 24, 35, 32, 52, 53, 71, 64, 94, 72, 84, 90],
    "last": [1112, 1107, 1106, 1123],  # of the last class's validation images
}
# fmt: on


def test_the_draw_is_the_one_that_was_published_of_dtd() -> None:
    """linzhiqiu/cross_modal_adaptation, indices/dtd: places in the lists of DTD, 47 classes of 60 and of 24 images."""
    train = listed([label for label in range(47) for _ in range(60)])
    behind = listed([label for label in range(47) for _ in range(24)])
    assert support(sampling.official(train, behind, 1, seed=1)) == PUBLISHED_1_SHOT_SEED_1
    draw = sampling.official(train, behind, 4, seed=2)
    assert support(draw)[:16] == PUBLISHED_4_SHOTS_SEED_2["train"]
    places = [i - len(train) for i in val(draw)]
    assert places[:16] == PUBLISHED_4_SHOTS_SEED_2["val"]
    assert places[-4:] == PUBLISHED_4_SHOTS_SEED_2["last"]


def test_a_class_with_too_few_images_gives_some_twice_to_train_and_each_once_to_validate() -> None:
    few = [0] * 3 + [1] * 20
    draw = sampling.official(listed(few), listed([1, 1, 1, 1, 1, 0, 0]), 8, 1)
    random.seed(1)
    assert support(draw) == of_a_list(list(enumerate(few)), 8, repeat=True)
    assert len(support(draw)) == 16
    assert len(set(support(draw)[:8])) <= 3
    assert sorted(val(draw)[4:]) == [28, 29]  # class 0 comes first in train, last in val


@pytest.mark.parametrize("shots", [1, 2, 4, 8, 16])
def test_without_a_validation_list_it_comes_from_the_rest_of_train(shots: int) -> None:
    labels = [c for c in range(4) for _ in range(18)]
    draw = sampling.official(listed(labels), NOTHING, shots, 2)
    left = min(shots, 4, 18 - shots)
    assert [labels[i] for i in val(draw)] == [c for c in range(4) for _ in range(left)]
    assert set(val(draw)).isdisjoint(support(draw))
    assert len(set(val(draw))) == len(val(draw))


def test_the_draw_is_the_pool_and_is_not_nested() -> None:
    draws = [sampling.official(listed(UNSORTED), NOTHING, shots, 1) for shots in (1, 2)]
    assert [len(draw.pool) for draw in draws] == [5, 10]
    np.testing.assert_array_equal(draws[1].support, np.arange(10))
    assert not set(support(draws[0])) <= set(support(draws[1]))


def test_other_random_numbers_are_neither_used_nor_disturbed() -> None:
    random.seed(7)
    expected = random.random()
    random.seed(7)
    sampling.official(listed(UNSORTED), NOTHING, 4, 1)
    assert random.random() == expected


# --- nested


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shots", SHOTS)
def test_a_nested_draw_of_large_classes_is_the_harnesss_own(shots: int, seed: int) -> None:
    labels = np.array(UNSORTED)
    ours = sampling.nested(listed(UNSORTED), NOTHING, shots, seed)
    theirs = nested_draw(labels, np.arange(150), shots, seed)
    for name in ("pool", "support", "val_pool", "val"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


SMALL = [0] * 30 + [1] * 12 + [2] * 5 + [3] * 1
"""Classes with as many images as people have."""


@pytest.mark.parametrize("behind", [NOTHING, listed([0, 0, 1, 2, 2, 2, 2, 2, 2])])
def test_a_nested_draw_of_small_classes_takes_what_there_is(behind: Listing) -> None:
    draws = {shots: sampling.nested(listed(SMALL), behind, shots, 1) for shots in SHOTS}
    for few, many in pairwise(SHOTS):
        assert set(support(draws[few])) <= set(support(draws[many]))
        assert set(val(draws[few])) <= set(val(draws[many]))
        np.testing.assert_array_equal(draws[few].pool, draws[many].pool)
    draw = draws[16]
    assert set(draw.pool.tolist()).isdisjoint(draw.val_pool.tolist())
    counts = np.bincount([SMALL[i] for i in support(draw)], minlength=4).tolist()
    assert counts == ([16, 10, 4, 1] if behind is NOTHING else [16, 12, 5, 1])
    assert len(val(draw)) == (4 + 2 + 1 + 0 if behind is NOTHING else 2 + 1 + 4 + 0)


@pytest.mark.parametrize("shots", [-1, 17])
def test_a_nested_draw_has_at_most_sixteen(shots: int) -> None:
    with pytest.raises(BenchError, match=f"{shots} shots; a nested draw has 0 to 16"):
        sampling.nested(listed(UNSORTED), NOTHING, shots, 1)


def test_classes_come_in_the_order_of_their_first_image() -> None:
    groups = sampling.by_class(np.array([3, 1, 3, 0, 1]), first=100)
    assert {label: places.tolist() for label, places in groups.items()} == {3: [100, 102], 1: [101, 104], 0: [103]}
    assert list(groups) == [3, 1, 0]
