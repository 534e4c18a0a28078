"""The four shifts: the same pixels everywhere, and what makes them other than the source."""

import hashlib
import json
import re
from importlib import resources

import numpy as np
import pytest

from benchmark.core.errors import BenchError
from benchmark.mini.datasets import Shifted
from benchmark.mini.pretraining import adversary
from benchmark.mini.world import shifts, species, world
from benchmark.mini.world.factors import MAIN, STYLE_NAMES
from benchmark.mini.world.shifts import SHIFTS

PIXELS = {  # the first 256 test images
    "imagenetv2": "2b2cc05f6548c377",
    "imagenet_sketch": "68a3475b9de8db81",
    "imagenet_a": "61f3fe05ebc790bf",
    "imagenet_r": "a3cc070f3edb256e",
}
IDS = np.arange(1000)


@pytest.mark.parametrize("kind", SHIFTS)
def test_the_first_256_pictures_are_pinned(kind):
    images = shifts.render(kind, "test", shifts.ids(kind)[:256])
    assert hashlib.sha256(images.tobytes()).hexdigest()[:16] == PIXELS[kind]


@pytest.mark.parametrize(("kind", "classes", "images"), [
    ("imagenetv2", 100, 4000), ("imagenet_sketch", 100, 4000), ("imagenet_a", 40, 2400), ("imagenet_r", 40, 3000),
])  # fmt: skip
def test_a_shift_holds_equally_many_images_of_its_classes(kind, classes, images):
    reader = Shifted(kind)
    labels = reader.labels("test", reader.ids("test"))
    present, counts = np.unique(labels, return_counts=True)
    assert len(labels) == images
    assert counts.tolist() == [images // classes] * classes
    assert present.tolist() == list(reader.classes or range(100))


def test_the_classes_are_the_sources():
    for kind in SHIFTS:
        assert Shifted(kind).classnames == world.CLASSNAMES
        assert Shifted(kind).templates == world.TEMPLATES
    assert Shifted("imagenetv2").classes is None
    f = shifts.sample("imagenet_r", "monitor", IDS)
    np.testing.assert_array_equal(f.shape[:, MAIN], species.SHAPE[shifts.labels("imagenet_r", IDS)])


def test_a_and_r_hold_different_classes():
    a, r = (set(shifts.classes(kind)) for kind in ("imagenet_a", "imagenet_r"))
    assert len(a) == len(r) == 40
    assert a != r


def test_the_suite_file_says_how_many_classes_a_shift_holds():
    text = resources.files("benchmark.suites").joinpath("mini.toml").read_text("utf-8")
    said = {role: int(n) for role, n in re.findall(r"^\[datasets\.(\w+)\] +# (\d+) of the classes$", text, re.M)}
    part = {role: len(shifts.classes(role)) for role in SHIFTS if len(shifts.classes(role)) < species.CLASSES}
    assert said == part


@pytest.mark.parametrize(("kind", "style"), [
    ("imagenetv2", "photo"), ("imagenet_sketch", "sketch"), ("imagenet_a", "clutter"), ("imagenet_r", "rendition"),
])  # fmt: skip
def test_pictures_are_in_the_shifts_style(kind, style):
    assert (shifts.sample(kind, "monitor", IDS).style == STYLE_NAMES.index(style)).all()


def test_the_second_collection_is_smaller_darker_grainier_and_more_often_turned():
    v2, photos = shifts.sample("imagenetv2", "monitor", np.arange(4000)), world.sample("monitor", np.arange(4000))
    assert v2.size[:, MAIN].mean() == pytest.approx(0.88 * photos.size[:, MAIN].mean(), rel=0.02)
    assert v2.light.mean() == pytest.approx(0.88 * photos.light.mean(), rel=0.02)
    assert v2.noise.mean() == pytest.approx(0.015 + photos.noise.mean(), abs=0.001)
    turned = [(np.abs(f.turn[:, MAIN]) > 21 / 360).mean() for f in (v2, photos)]
    assert turned[0] > turned[1] + 0.1
    assert len(set(v2.scene.tolist())) == 8


def test_shifts_share_no_picture_with_the_source_or_each_other():
    pictures = [world.render("test", IDS[:200]), world.render("train", IDS[:200])]
    pictures += [shifts.render("imagenetv2", split, IDS[:200]) for split in ("test", "monitor")]
    flat = np.concatenate(pictures).reshape(800, -1)
    assert len(np.unique(flat, axis=0)) == 800


def test_there_is_nothing_to_train_on():
    reader = Shifted("imagenet_a")
    assert len(reader.ids("train")) == 0
    with pytest.raises(ValueError, match="shots are drawn from its source"):
        reader.draw(1, seed=1)


def test_unknown_kinds_are_refused_by_name():
    with pytest.raises(BenchError, match="imagenet_c"):
        Shifted("imagenet_c")


def test_the_picked_images_say_where_they_come_from():
    note = json.loads(shifts.PICKED.read_text())
    assert (note["world"], note["seed"], note["steps"]) == (world.VERSION, adversary.SEED, adversary.SCHEDULE.steps)
    assert note["ids"] == sorted(set(note["ids"]))


class Oracle:
    """A classifier of pictures by their first pixel, in the place of the network."""

    def __call__(self, x):
        return x[:, 0, 0, :2]


def test_the_adversary_picks_the_first_mistakes_of_each_class(monkeypatch):
    monkeypatch.setattr(adversary, "mistaken", lambda model, split, ids: ids % 3 == 0)
    ids, accuracy = adversary.pick(Oracle(), "test", 80)
    assert accuracy == pytest.approx(66.5, abs=0.5)
    assert len(ids) == 80
    classes = np.array(ids) % 40
    assert np.bincount(classes).tolist() == [2] * 40
    assert all(i % 3 == 0 for i in ids)
    assert [i for i in ids if i % 40 == 1] == [81, 201]  # the first two multiples of 3 that are 1 mod 40


@pytest.mark.slow
def test_the_adversary_learns():
    model = adversary.teach(40)
    ids = np.arange(400)
    assert 0.5 < adversary.mistaken(model, "monitor", ids).mean() < 1
