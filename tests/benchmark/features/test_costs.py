"""A plan says what the features that are missing will cost before anything is made, by the sizes of what they are made of."""

from dataclasses import replace
from pathlib import Path

import fake_trees
import fake_weights
import pytest
from toy_world import bench, some_run, toy

from benchmark.core.settings import read
from benchmark.exhibits.opened import Opened
from benchmark.features import costs, filling, hashes, requests
from benchmark.features.requests import Request
from benchmark.suites.suite import Suite
from benchmark.suites.world import World

CLIP = {"loader": "benchmark.encoders.published:clip", "slot": "clip_vitb32"}
MAE = {"loader": "benchmark.encoders.published:auxiliary", "slot": "mae_vitb16"}
EUROSAT = {"reader": "benchmark.data.published.readers:split", "key": "eurosat"}


@pytest.fixture
def world(home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Ten classes of two test images, 4 training images and 1 for validation each, a ViT-B/32 of OpenAI's and an MAE."""
    fake_weights.make(home, ["clip_vitb32", "mae_vitb16"])
    root = fake_trees.make(home.parent / "data", ["eurosat"], train=4, val=1, val_every=1, test=2)
    monkeypatch.setenv("BENCH_DATA", str(root))
    monkeypatch.setattr(costs, "cores", lambda: 2)
    return World(album(), read())


def album() -> Suite:
    return toy(datasets={"imagenet": EUROSAT}, encoders={"RN50": CLIP, "mocov3": MAE, "dino": MAE}, views=3)


def cost(world: World, *asked: Request) -> costs.Cost:
    return costs.of_shards(costs.missing(asked, world), world, 1)


TEST, POOL = Request("imagenet", "RN50", "test", 0), Request("imagenet", "RN50", "pool", 1)


def test_images_passes_and_bytes_are_those_of_the_files_that_are_made(world: World) -> None:
    places, pixels = replace(TEST, role="RN50:spatial"), replace(TEST, role="pixels")
    asked = [TEST, replace(TEST, role="mocov3"), places, pixels, replace(POOL, shots=2)]
    expected = cost(world, *asked)
    sizes = []
    for request in asked:
        filling.fill(request, world)
        content = requests.path(request, world).stat().st_size
        with requests.path(request, world).open("rb") as file:
            sizes.append(content - 8 - int.from_bytes(file.read(8), "little"))
    assert expected.bytes == sum(sizes)
    assert expected.unsized == ()
    pool = requests.images_of(asked[-1], world)
    assert (expected.images, expected.passes) == (20 + pool.size, 20 * 3 + pool.size)
    assert cost(world, *asked) == costs.Cost()


def test_crops_of_two_scales_share_the_view_as_tested(world: World) -> None:
    one, other = replace(POOL, shots=2), replace(POOL, shots=2, scale=(0.08, 1.0))
    images = len(requests.images_of(one, world).ids)
    assert (cost(world, one).passes, cost(world, one, other).passes) == (3 * images, 5 * images)


def test_the_time_is_by_the_pace_of_features_made_here_else_by_a_stated_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (cost(world, TEST).seconds, cost(world, TEST).pace) == (
        1.0,
        costs.ASSUMED,
    )  # 20 images, 2 cores of 10 a second
    filling.fill(TEST, world)
    pictures = requests.images_of(TEST, world).size
    took = float(hashes.notes(requests.path(TEST, world))["seconds"])
    requests.path(TEST, world).rename(requests.path(TEST, world).with_stem("of-another-set"))
    found = cost(world, TEST)
    assert found.seconds == pytest.approx(took * 20 / pictures)
    assert found.pace == costs.HERE
    assert "20 images, 20 passes through encoders, 0 MB, about" in found.words
    assert found.words.endswith("(at the pace measured here)")


def test_an_encoder_of_unknown_width_is_named_beside_the_bytes_of_others(world: World) -> None:
    world.encoder("RN50").width = 0  # as of a loader that does not say it
    alone, beside = cost(world, TEST), cost(world, TEST, replace(TEST, role="mocov3"))
    assert (alone.bytes, alone.unsized) == (0, ("RN50",))
    assert "20 passes through encoders, about" in alone.words
    assert beside.bytes > 0
    assert "0 MB and those of RN50, about" in beside.words


def test_a_run_holds_the_features_of_all_its_images(world: World) -> None:
    run = some_run(shots=2)
    opened = Opened(run, world)
    images = sum(requests.images_of(request, world).size for request in dict.fromkeys(requests.of(opened)))
    assert costs.in_memory(opened) == 4 * 32 * images


def test_a_first_plan_tells_time_for_what_was_timed_and_the_cost_of_features(
    home: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = bench(
        *("run", "--suite", "paper", "--table", "4", "--dataset", "eurosat", "--backbone", "ViT-B/32", "--dry-run"),
        *("--method", "Zero-shot CLIP", "--seeds", "1", "--jobs", "1"),
    )
    assert code == 0, err
    assert "features to make: 20 images, 20 passes through encoders, 0 MB, about 1 s (at a stated pace)" in err
    assert "time: unknown (no method like it was timed)" in err
    said = bench("features", "--suite", "paper", "--dataset", "eurosat", "--encoder", "ViT-B/32", "--part", "test")[1]
    assert "to make: 20 images, 20 passes through encoders, 0 MB, about " in said


def test_drawn_images_cost_what_they_did_here_or_in_the_reference_run_else_their_time_is_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    drawn = World(toy(), read())
    shards = costs.missing([TEST], drawn)
    images = len(drawn.dataset("imagenet").ids("test"))
    unknown = costs.of_shards(shards, drawn, 1)
    assert (unknown.untimed, unknown.seconds) == (images, 0)
    assert "about" not in unknown.words
    there = costs.of_shards(shards, drawn, 2, {costs.ANY: 0.5, "mae": 9.0})
    assert (there.seconds, there.pace) == (images * 0.5 / 2, costs.REFERENCE)
    filling.fill(TEST, drawn)
    here = costs.of_shards(costs.missing([replace(TEST, role="mocov3")], drawn), drawn, 1)
    assert here.untimed == 0
    assert here.pace == costs.HERE


def note(together: str, pictures: int, seconds: float, device: str = "cpu") -> dict[str, str]:
    return {"together": together, "pictures": str(pictures), "seconds": str(seconds), "device": device}


def test_an_image_costs_the_median_of_its_group_and_of_all() -> None:
    notes = [
        note("RN50 dino", 100, 1.0),
        note("dino RN50", 100, 3.0),
        note("mae", 10, 1.0),
        note("mae", 10, 5.0, "cuda"),
    ]
    assert costs.of_notes(notes, "cpu") == {"RN50 dino": 0.02, "mae": 0.1, costs.ANY: 0.03}


def test_the_files_of_one_look_count_once() -> None:
    twice = [note("RN50 dino", 100, 1.0)] * 2
    assert costs.of_notes([*twice, note("RN50 dino", 100, 4.0)], "cpu") == {"RN50 dino": 0.025, costs.ANY: 0.025}


def test_notes_without_times_say_nothing() -> None:
    assert costs.of_notes([{}, {"together": "RN50"}, note("RN50", 0, 1.0)], "cpu") == {}
