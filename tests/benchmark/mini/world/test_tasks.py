"""The downstream tasks: the same pixels everywhere, balanced, decidable, and in the language of the captions."""

import hashlib

import numpy as np
import pytest

from benchmark.core.errors import BenchError
from benchmark.mini.datasets import Digits, Downstream
from benchmark.mini.world import digits, scenes, species, tasks
from benchmark.mini.world.captions import CONTEXT, Tokenizer
from benchmark.mini.world.factors import BEHIND, FRONT, MAIN
from benchmark.mini.world.shapes import SHAPE_NAMES
from benchmark.mini.world.tasks import TASKS

PIXELS = {  # the first 256 pictures of "train" and of "test"
    "caltech101": ("54d168fbfab56492", "aea1aa2cb161712e"),
    "oxford_pets": ("a9c94a612db2071a", "4278d3f9949eebd7"),
    "stanford_cars": ("142d091c6549f363", "d8b62ff36367208b"),
    "flowers102": ("e3d8aae2e1a89be7", "c5a52951cdac6113"),
    "food101": ("1f90cc68472305dc", "77d2cca0ee7eeb44"),
    "fgvc_aircraft": ("02d5d1b5a5543970", "c3b76dd9f2866150"),
    "sun397": ("c8d8be149b08b4b7", "527667d58c582bdb"),
    "dtd": ("ea0dd2f1cbf971fe", "51528ed23ee8ee0e"),
    "ucf101": ("c1236720d6e81179", "7e3a14ef3ff4fd16"),
}
IDS = np.arange(600)
READERS = [Digits(), *(Downstream(kind) for kind in TASKS)]


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


def words(kind: str) -> list[str]:
    return [TASKS[kind].classnames[label] for label in tasks.labels(kind, IDS)]


@pytest.mark.parametrize("kind", TASKS)
def test_the_first_256_pictures_are_pinned(kind):
    assert tuple(digest(tasks.render(kind, split, np.arange(256))) for split in ("train", "test")) == PIXELS[kind]


def test_a_picture_depends_on_its_id_alone():
    together = tasks.render("ucf101", "test", np.arange(70))
    np.testing.assert_array_equal(tasks.render("ucf101", "test", np.array([66]))[0], together[66])


def test_the_digits_are_pinned():
    assert digest(digits.images(digits.ids("test"))) == "2f42b6febd75fdcc"
    assert digest(digits.ids("train")) == "d3976115fa89f8c9"


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.fingerprint)
def test_classes_are_balanced_and_pools_hold_a_hundred_of_each(reader):
    train = np.bincount(reader.labels("train", reader.ids("train")))
    test = np.bincount(reader.labels("test", reader.ids("test")))
    assert train.tolist() == [100] * len(reader.classnames)
    assert len(test) == len(reader.classnames)
    assert test.max() - test.min() <= max(1, 0.15 * test.max())


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.fingerprint)
def test_a_draw_takes_sixteen_of_each_class_and_images_come_as_bytes(reader):
    drawn = reader.draw(16, seed=1)
    labels = reader.labels("train", drawn.pool[drawn.support])
    assert np.bincount(labels).tolist() == [16] * len(reader.classnames)
    images = reader.images("train", drawn.pool[:5])
    assert images.shape == (5, 48, 48, 3)
    assert images.dtype == np.uint8


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.fingerprint)
def test_classes_have_names_of_their_own_in_words_that_captions_use(reader):
    tokenizer = Tokenizer()
    for template in reader.templates:
        ids = tokenizer([template.format(name) for name in reader.classnames])
        assert len({tuple(row.tolist()) for row in ids}) == len(reader.classnames)
        assert not (ids == tokenizer.words.index("<unk>")).any()
        assert (ids == len(tokenizer) - 1).sum(1).eq(1).all()  # each ends before the context does
        assert ids.shape[1] == CONTEXT


@pytest.mark.parametrize("kind", TASKS)
def test_a_picture_shows_what_its_class_fixes(kind):
    f, y = tasks.sample(kind, "monitor", IDS), tasks.labels(kind, IDS)
    for name in ("shape", "texture", "colour", "second"):
        if name in TASKS[kind].fixed:
            np.testing.assert_array_equal(getattr(f, name)[:, MAIN], np.array(TASKS[kind].fixed[name])[y])
    if "scene" in TASKS[kind].fixed:
        np.testing.assert_array_equal(f.scene, y)


@pytest.mark.parametrize("kind", [kind for kind, task in TASKS.items() if not task.species])
def test_a_texture_stands_out(kind):
    f = tasks.sample(kind, "monitor", IDS)
    if "second" not in TASKS[kind].fixed:
        first, second = (scenes.PALETTE[c[:, MAIN]] for c in (f.colour, f.second))
        assert np.abs(first - second).max(axis=1).min() > 0.45


@pytest.mark.parametrize("kind", [kind for kind, task in TASKS.items() if not task.companion])
def test_where_companions_say_nothing_there_are_none(kind):
    f = tasks.sample(kind, "monitor", IDS)
    np.testing.assert_array_equal(f.count, 1)
    assert (f.relation == -1).all()
    low, high = TASKS[kind].size
    assert low <= f.size[:, MAIN].min() <= f.size[:, MAIN].max() < high


def test_what_no_class_speaks_of_is_independent_of_the_class():
    f, y = tasks.sample("stanford_cars", "monitor", np.arange(4800)), tasks.labels("stanford_cars", np.arange(4800))
    for c in range(24):
        shares = np.bincount(f.colour[y == c, MAIN], minlength=12) / 200
        assert shares.max() < 0.18  # a twelfth each


def test_breeds_are_true_species():
    f, y = tasks.sample("oxford_pets", "monitor", IDS), tasks.labels("oxford_pets", IDS)
    np.testing.assert_array_equal(f.texture[:, MAIN], species.TEXTURE[y])
    assert TASKS["oxford_pets"].classnames == species.CLASSNAMES[:20]
    assert 0.75 < (f.colour[:, MAIN] == species.COLOUR[y]).mean() < 0.95


def test_swatches_are_upright_because_striped_is_banded_turned():
    f = tasks.sample("dtd", "monitor", IDS)
    assert np.abs(f.turn[:, MAIN]).max() <= 5 / 360


def test_actors_do_what_their_class_says():
    f, names = tasks.sample("ucf101", "monitor", IDS), words("ucf101")
    across, down = (f.centre[:, MAIN] - f.centre[:, BEHIND]).T
    for i, name in enumerate(names):
        actor, *deed = name.split()
        assert SHAPE_NAMES[f.shape[i, MAIN]] == actor
        if deed[0] in ("above", "below"):
            assert f.present[i].tolist() == [True, True, False]
            assert SHAPE_NAMES[f.shape[i, BEHIND]] == "fish"
            assert (down[i] < 0) == (deed[0] == "above")
            assert abs(down[i]) > abs(across[i]) - 0.05
        else:
            assert f.count[i] == {"alone": 1, "one of three": 3}[" ".join(deed)]
            assert f.present[i, FRONT] == (f.count[i] == 3)


def test_digits_are_split_without_overlap():
    train, test = digits.ids("train"), digits.ids("test")
    assert len(train) + len(test) == 1797
    assert set(train).isdisjoint(test)


def test_a_digit_is_enlarged_with_straight_lines():
    ramp = np.tile(np.arange(8, dtype=np.float32), (1, 8, 1))
    rows = digits.enlarged(ramp)[0]
    assert (rows == rows[0]).all()
    assert rows[0, :3].tolist() == [0, 0, 0]  # before the first centre
    assert rows[0, -3:].tolist() == [7, 7, 7]
    np.testing.assert_allclose(np.diff(rows[0, 3:45]), 1 / 6, atol=1e-5)


def test_digits_are_dark_on_light_and_grey():
    images = digits.images(digits.ids("train")[:50])
    assert (images[..., 0] == images[..., 2]).all()
    assert images.max() == 230  # paper: .9 * 255, rounded
    assert images.min() == 26  # ink: .1 * 255, rounded


def test_unknown_kinds_are_refused_by_name():
    with pytest.raises(BenchError, match="imagewoof"):
        Downstream("imagewoof")
