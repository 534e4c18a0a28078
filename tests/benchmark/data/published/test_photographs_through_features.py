"""Photographs go the way of all images: the harness's features are those of the files, and named by what decides them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_trees import make, make_generated, make_prompts, truncate, write
from PIL import Image
from toy_world import WORLDS, here, toy

from benchmark.core.errors import BenchError
from benchmark.data.published import listing
from benchmark.data.published.photographs import Photographs
from benchmark.exhibits import run as runs
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.question import Question
from benchmark.features import filling
from benchmark.features import requests as requests_module
from benchmark.features.requests import Request
from benchmark.records.store import Store
from benchmark.running import jobs, measure, workers
from benchmark.suites.suite import Suite


@pytest.fixture
def suite(root: Path) -> Iterator[Suite]:
    make(root, ["eurosat"], train=6, val=2, val_every=1)
    spec = {"reader": "benchmark.data.published.readers:split", "key": "eurosat", "generated": 2, "sentences": True}
    WORLDS.clear()
    yield toy(datasets={"eurosat": spec, "imagenet": {"reader": "toy_world:Squares"}}, views=3, batch_size=7)
    WORLDS.clear()


def eurosat(suite: Suite) -> Photographs:
    dataset = here(suite).dataset("eurosat")
    assert isinstance(dataset, Photographs)
    return dataset


def of(part: str, suite: Suite, shots: int = 2) -> Request:
    return requests_module.request("eurosat", "pixels", part, 1, shots, here(suite))


@pytest.mark.parametrize("part", ["pool", "val", "test"])
def test_what_encoders_see_is_what_the_files_give(part: str, suite: Suite) -> None:
    request = of(part, suite)
    images = requests_module.images_of(request, here(suite))
    expected = eurosat(suite).views(images.split, images.ids, images.views, request.seed)
    assert torch.equal(filling.load(request, here(suite)), expected)


def test_crops_at_another_scale_are_of_the_files_too(suite: Suite) -> None:
    request = replace(of("pool", suite), scale=(0.08, 1.0))
    images = requests_module.images_of(request, here(suite))
    expected = eurosat(suite).views(images.split, images.ids, images.views, request.seed, [(0.08, 1.0)])
    assert torch.equal(filling.load(request, here(suite)), expected)
    usual = filling.load(of("pool", suite), here(suite))
    assert torch.equal(expected[0], usual[0])
    assert not torch.equal(expected[1:], usual[1:])


def test_every_number_of_shots_has_its_own_pool(suite: Suite) -> None:
    requests = [of("pool", suite, shots) for shots in (1, 2)]
    assert len({requests_module.path(request, here(suite)) for request in requests}) == 2
    assert [requests_module.images_of(request, here(suite)).size for request in requests] == [10 * 3, 20 * 3]


def test_generated_images_are_cropped_from_their_files(suite: Suite, root: Path) -> None:
    make_generated(root, "eurosat", eurosat(suite).classnames, per_class=2)
    made = filling.load(of("generated", suite), here(suite))
    images, _ = eurosat(suite).generated(2)
    assert torch.equal(made, images.views(np.arange(20), 3, seed=0))


def test_other_generated_images_have_other_features(suite: Suite, root: Path) -> None:
    make_generated(root, "eurosat", eurosat(suite).classnames, per_class=2)
    before, test = (
        requests_module.path(of("generated", suite), here(suite)),
        requests_module.path(of("test", suite), here(suite)),
    )
    make_generated(root, "eurosat", eurosat(suite).classnames, per_class=3)
    assert requests_module.path(of("generated", suite), here(suite)) != before
    assert requests_module.path(of("test", suite), here(suite)) == test


@pytest.mark.parametrize("part", ["generated", "sentences"])
def test_a_record_is_stale_when_its_generated_images_or_sentences_change(part: str, suite: Suite, root: Path) -> None:
    names = eurosat(suite).classnames
    question = Question("baselines.cafo:CaFo", {"generated": True}, dataset="eurosat", backbone="RN50", shots=1)
    run = runs.make(suite, question, seed=1)
    make_generated(root, "eurosat", names, per_class=2)
    file = make_prompts(root, "eurosat", names)
    before = Opened(run, here(suite)).fingerprints
    if part == "generated":
        make_generated(root, "eurosat", names, per_class=3)
    else:
        file.write_text(file.read_text() + " ")
    after = Opened(run, here(suite)).fingerprints
    assert [name for name in before if before[name] != after[name]] == [part]
    alone = runs.make(suite, replace(question, method="baselines.tip_adapter:TipAdapter", arguments=None), seed=1)
    assert not {"generated", "sentences"} & Opened(alone, here(suite)).fingerprints.keys()


def files_of(part: str, suite: Suite) -> list[Path]:
    images = requests_module.images_of(of(part, suite), here(suite))
    if part == "generated":
        listed = eurosat(suite).generated(2)[0].listed
        return [listed.stored(i) for i in range(len(listed))]
    return eurosat(suite).stored(images.split, images.ids)


@pytest.mark.parametrize("part", ["pool", "val", "test", "generated"])
def test_features_of_other_bytes_are_other_features(part: str, suite: Suite, root: Path) -> None:
    make_generated(root, "eurosat", eurosat(suite).classnames, per_class=2)
    before = requests_module.path(of(part, suite), here(suite))
    one, other = files_of(part, suite)[:2]
    one.write_bytes(other.read_bytes())
    WORLDS.clear()
    assert requests_module.path(of(part, suite), here(suite)) != before


@pytest.mark.parametrize("part", ["pool", "test", "generated"])
@pytest.mark.parametrize("shard", [2048, 7])
def test_features_of_files_that_changed_behind_their_identity_can_be_dropped(
    shard: int, part: str, suite: Suite, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a long list the bytes of a sample identify it: here of its first and last file alone."""
    make_generated(root, "eurosat", eurosat(suite).classnames, per_class=2)
    monkeypatch.setattr(listing, "WHOLE", 5)
    monkeypatch.setattr(listing, "SAMPLE", 2)
    monkeypatch.setattr(requests_module, "DECODED", shard)
    request, world = of(part, suite), here(suite)
    before = filling.load(request, world).clone()
    assert filling.drop_outdated([request], world) == 0
    one, other = files_of(part, suite)[1:3]
    one.write_bytes(other.read_bytes())
    assert torch.equal(filling.load(request, world), before)
    assert filling.drop_outdated([request], world) == 1
    assert not torch.equal(filling.load(request, world), before)
    assert filling.drop_outdated([request], world) == 0


METHODS = [
    "baselines.lp_clip:LPCLIP",
    "baselines.tip_adapter:TipAdapterF",
    "baselines.cafo:CaFo",
    "amu.tuning:AMUTuning",
]


@pytest.mark.parametrize("sampler", ["nested", "official"])
def test_methods_take_classes_of_any_size(sampler: str, tmp_path: Path) -> None:
    """Of thirty images, twelve, five, two: in one sampler with fewer shots, in the other with some twice."""
    for label, images in enumerate((30, 12, 5, 2)):
        for i in range(images):
            write(tmp_path / f"mine/class {label}/{i}.jpg", i, label)
    folder = {
        "reader": "benchmark.data.published.folder:ImageFolder",
        "path": str(tmp_path / "mine"),
        "sampler": sampler,
    }
    loader = {"loader": "toy_world:pooled"}
    world = toy(
        datasets={"mine": folder}, encoders={"RN50": {**loader, "clip": True}, "mocov3": loader, "dino": loader}
    )
    store = Store(tmp_path / "results")
    for method in METHODS:
        question = Question(method, dataset="mine", backbone="RN50", shots=8)
        record = measure.measure(runs.make(world, question, seed=1), here(world), store)
        assert record.conditions["features_resizing"].startswith("224 pixels, bicubic, Pillow ")
        assert record.n == 9 + 4 + 2 + 1, method


def test_all_broken_images_of_a_part_are_named_at_once(suite: Suite) -> None:
    paths = eurosat(suite).stored("test", np.arange(10))
    paths[2].write_bytes(b"")
    truncate(paths[7])
    with pytest.raises(BenchError, match=r"2 of 10 images cannot be read: ") as caught:
        filling.load(of("test", suite), here(suite))
    assert all(str(paths[place]) in str(caught.value) for place in (2, 7))
    assert "\n" not in str(caught.value)


def test_broken_generated_images_are_named_at_once_too(suite: Suite, root: Path) -> None:
    make_generated(root, "eurosat", eurosat(suite).classnames, per_class=2)
    paths = eurosat(suite).generated(2)[0].stored(np.arange(20))
    for place in (0, 19):
        paths[place].write_bytes(b"")
    with pytest.raises(BenchError, match=r"2 of 20 images cannot be read: ") as caught:
        filling.load(of("generated", suite), here(suite))
    assert all(str(paths[place]) in str(caught.value) for place in (0, 19))


def test_a_broken_image_costs_its_own_shard_and_no_other(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_module, "DECODED", 4)
    broken = eurosat(suite).stored("test", np.arange(10))[5]
    whole = broken.read_bytes()
    broken.write_bytes(b"")
    shards = filling.missing([of("test", suite)], here(suite))
    with workers.Crew(1, here(suite)) as crew:
        ends = list(crew.each(jobs.fill, shards))
    assert [bool(end.error) for end in ends] == [False, True, False]
    assert "1 of 3 images cannot be read" in ends[1].error
    assert [shard.index for shard in filling.missing([of("test", suite)], here(suite))] == [1], "the others are kept"
    broken.write_bytes(whole)
    filling.load(of("test", suite), here(suite))


def test_what_is_said_of_a_file_while_it_is_decoded_is_heard_with_its_name(suite: Suite) -> None:
    path = eurosat(suite).stored("test", np.arange(10))[3]
    turned = Image.Exif()
    turned[0x0112] = 8
    with Image.open(path) as image:
        image.save(path, exif=turned)
    (shard,) = filling.missing([of("test", suite)], here(suite))
    with workers.Crew(1, here(suite)) as crew:
        (end,) = crew.each(jobs.fill, [shard])
    (line,) = end.warnings
    assert line.startswith("the EXIF orientation is not followed")
    assert line.endswith(f"({path})")
