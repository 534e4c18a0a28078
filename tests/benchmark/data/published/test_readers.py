"""The fifteen sets are read as they are published: labels from lists and folder names, never from sorting."""

import json
from pathlib import Path

import fake_trees
import numpy as np
import pytest

from benchmark.core.settings import read
from benchmark.data.published import decoding, imagenet, readers
from benchmark.data.published.photographs import Photographs
from benchmark.data.published.sets import SETS


def opened(key: str, **arguments: str) -> Photographs:
    """A data set by its key, as a suite's `reader` opens it."""
    kind = SETS[key].kind
    reader = getattr(readers, readers.READER[kind])
    named = {} if kind in ("imagenet", "aircraft") else {"key": key}
    return reader(**named, **arguments, settings=read())


@pytest.fixture
def whole(whole_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_DATA", str(whole_root))
    return whole_root


@pytest.mark.parametrize("key", SETS)
def test_every_set_is_read_with_all_its_classes(key: str, whole: Path) -> None:
    dataset = opened(key)
    held = len(dataset.classnames) if dataset.classes is None else len(dataset.classes)
    assert held == SETS[key].classes
    assert set(dataset.labels("test", dataset.ids("test"))) == set(dataset.classes or range(held))
    assert dataset.views("test", dataset.ids("test")[:8], 2, 1).shape == (2, 8, 3, 224, 224)


@pytest.mark.parametrize("key", [key for key in fake_trees.TEN if SETS[key].kind == "split"])
def test_names_and_labels_are_the_split_files_own(key: str, whole: Path) -> None:
    said = json.loads(fake_trees.split_file(whole, key).read_text())
    dataset = opened(key)
    for split, parts in (("train", said["train"] + said["val"]), ("test", said["test"])):
        ids = dataset.ids(split)
        named = [dataset.classnames[label] for label in dataset.labels(split, ids)]
        paths = [str(path.relative_to(whole / SETS[key].places[0])) for path in dataset.stored(split, ids)]
        found = zip(paths, dataset.labels(split, ids).tolist(), named, strict=True)
        assert [list(entry) for entry in found] == parts


def test_an_aircrafts_variant_may_hold_blanks_and_a_slash(whole: Path) -> None:
    dataset = opened("fgvc_aircraft")
    assert {"F-16A/B", "F/A-18", "Boeing 717"} < set(dataset.classnames)
    lists = whole / "fgvc_aircraft"
    variants = [line.split(" ", 1)[1] for line in (lists / "images_variant_test.txt").read_text().splitlines()]
    assert [dataset.classnames[label] for label in dataset.labels("test", dataset.ids("test"))] == variants


def test_an_image_is_the_file_of_its_path(whole: Path) -> None:
    dataset = opened("sun397")
    ids = np.array([396, 0, 0, 7])
    paths = dataset.stored("test", ids)
    expected = [np.asarray(decoding.as_tested(decoding.read(path))) for path in paths]
    np.testing.assert_array_equal(dataset.images("test", ids), expected)
    np.testing.assert_array_equal(dataset.views("test", ids, 1, 1)[0].permute(0, 2, 3, 1), expected)


def test_imagenets_names_are_in_the_order_of_the_synsets() -> None:
    assert len(imagenet.classnames()) == len(imagenet.synsets()) == 1000
    assert list(imagenet.synsets()) == sorted(imagenet.synsets())
    assert (imagenet.synsets()[0], imagenet.classnames()[0]) == ("n01440764", "tench")
    assert [i for i, name in enumerate(imagenet.classnames()) if name == "missile"] == [657, 744]
    assert imagenet.templates()[:2] == ("itap of a {}.", "a bad photo of the {}.")


def test_imagenetv2s_folders_are_numbers_not_text(whole: Path) -> None:
    dataset = opened("imagenetv2")
    ids = dataset.ids("test")
    assert [int(path.parent.name) for path in dataset.stored("test", ids)] == dataset.labels("test", ids).tolist()


@pytest.mark.parametrize("key", ["imagenet_a", "imagenet_r", "imagenet_sketch"])
def test_a_shifts_labels_are_the_sources(key: str, whole: Path) -> None:
    dataset = opened(key)
    ids = dataset.ids("test")
    synsets = [path.parent.name for path in dataset.stored("test", ids)]
    assert [imagenet.synsets()[label] for label in dataset.labels("test", ids)] == synsets


def test_support_comes_from_train_and_validation_from_val(whole: Path) -> None:
    dataset = opened("dtd")
    draw = dataset.draw(1, 1)
    assert (draw.pool < len(dataset.train)).all()
    assert (draw.val_pool >= len(dataset.train)).all()
    assert dataset.listed(draw.val_pool) == [dataset.val.name(i) for i in draw.val_pool - len(dataset.train)]


def test_a_draw_is_made_once(whole: Path) -> None:
    """A million labels take a tenth of a second to group, and a plan asks for every run."""
    dataset = opened("dtd")
    assert dataset.draw(1, 1) is dataset.draw(1, 1)
    assert dataset.draw(1, 2) is not dataset.draw(1, 1)


def test_imagenets_validation_is_never_a_shot(whole: Path) -> None:
    draw = opened("imagenet").draw(1, 2)
    assert len(draw.pool) == len(draw.val_pool) == 1000
    assert set(draw.pool).isdisjoint(draw.val_pool)
