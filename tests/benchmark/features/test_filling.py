"""Features on disk are named by what decides them, and a view is the same crop in every space."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_world import Anew, Squares, here, some_run, toy

from benchmark.core.errors import BenchError
from benchmark.data.views import augmented
from benchmark.encoders.encoder import Encoder
from benchmark.exhibits.opened import Opened
from benchmark.features import filling, requests
from benchmark.features.requests import Request
from benchmark.methods.crops import SCALE
from benchmark.suites.suite import Suite

POOL = Request("imagenet", "RN50", "pool", 1)
WIDER = (0.08, 1.0)
TEST = Request("imagenet", "RN50", "test", 0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def with_images(**changes: Any) -> Suite:
    return toy(datasets={"imagenet": {"reader": "toy_world:Squares", **changes}})


def with_encoder(**changes: Any) -> Suite:
    return toy(encoders={"RN50": {"loader": "toy_world:projection", **changes}})


def test_the_name_depends_on_the_images() -> None:
    assert requests.path(POOL, here(with_images(fingerprint="squares-2"))) != requests.path(POOL, here(toy()))


def test_the_name_depends_on_the_weights() -> None:
    assert requests.path(POOL, here(with_encoder(fingerprint="1"))) != requests.path(
        POOL, here(with_encoder(fingerprint="2"))
    )


def test_the_name_depends_on_views_seed_and_part() -> None:
    names = [
        requests.path(POOL, here(toy())),
        requests.path(POOL, here(toy(views=3))),
        requests.path(replace(POOL, seed=2), here(toy())),
        requests.path(replace(POOL, part="val"), here(toy())),
        requests.path(replace(POOL, part="test"), here(toy())),
        requests.path(replace(POOL, role="dino"), here(toy())),
    ]
    assert len(set(names)) == len(names)


def test_the_name_depends_on_the_crops_and_of_the_usual_ones_is_what_it_was_without_a_scale() -> None:
    world, data = here(toy()), Squares()
    ids = hashlib.sha256(data.draw(16, 1).pool.astype("<i8").tobytes()).hexdigest()
    parts = [world.data_fingerprint("imagenet"), "train", ids, world.encoder_fingerprint("RN50"), "2", "1 1"]
    names = [requests.path(replace(POOL, **scale), world).stem for scale in ({}, {"scale": WIDER})]
    for name, more in zip(names, ([], ["0.08 to 1"]), strict=True):
        assert name.endswith("-" + hashlib.sha256("\n".join([*parts, *more]).encode()).hexdigest()[:20])


def test_a_request_has_a_scale_only_where_its_images_are_cropped_at_it() -> None:
    def scale(suite: Suite, part: str = "pool", role: str = "RN50") -> tuple[float, float]:
        return requests.request("imagenet", role, part, 1, 1, here(suite), WIDER).scale

    assert scale(toy()) == WIDER
    assert scale(toy(views=1)) == SCALE
    assert [scale(toy(), part) for part in ("test", "val")] == [SCALE, SCALE]
    assert scale(with_images(reader="toy_world:Anew")) == SCALE, "its views are of its own making, alike for all"


class AnewAtAnyScale(Anew):
    def views(
        self, split: str, ids: np.ndarray, views: int, seed: int, scales: Sequence[tuple[float, float]] = (SCALE,)
    ) -> torch.Tensor:
        made = super().views(split, ids, views, seed)
        return torch.cat([made[:1], *(made[1:] // round(10 * scale[0]) for scale in scales)])


def test_a_data_set_that_makes_its_own_views_may_make_them_at_any_scale() -> None:
    world = here(with_images(reader=f"{__name__}:AnewAtAnyScale"))
    usual, wider = (requests.request("imagenet", "pixels", "pool", 1, 1, world, s) for s in (SCALE, (0.1, 1.0)))
    found = [filling.load(request, world) for request in (usual, wider)]
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1] // 5)


def test_pools_of_two_families_are_made_of_one_look_at_each_image(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    encoded: list[str] = []
    images, forward = Squares.images, Encoder.forward
    monkeypatch.setattr(Squares, "images", lambda self, *of: looks.append(len(of[1])) or images(self, *of))
    monkeypatch.setattr(
        Encoder, "forward", lambda self, *of, **how: encoded.append(self.role) or forward(self, *of, **how)
    )
    world = here(toy())
    wanted = [POOL, replace(POOL, role="dino"), replace(POOL, scale=WIDER)]
    (shard,) = filling.missing(wanted, world)
    assert shard.label(toy()) == "imagenet, pool images of seed 1: RN50, dino, RN50 (crops of 0.08 to 1)"
    assert shard.size == 16 * 16 * 3
    filling.fill_shard(shard, world)
    batches = len(looks)
    assert sum(looks) == 16 * 16
    assert (encoded.count("RN50"), encoded.count("dino")) == (3 * batches, 2 * batches), "view 0 is encoded once"
    found = [filling.load(request, world) for request in wanted]
    for request, features in zip(wanted, found, strict=True):
        assert torch.equal(features, filling.extract(request, world))
    assert torch.equal(found[0][0], found[2][0])
    assert not torch.equal(found[0][1], found[2][1])


def test_the_test_images_are_the_same_for_every_seed_and_number_of_views() -> None:
    again = requests.path(replace(TEST, seed=5), here(toy(views=3)))
    assert again == requests.path(TEST, here(toy()))


def test_shapes_are_views_images_dimensions() -> None:
    assert filling.load(POOL, here(toy())).shape == (2, 16 * 16, 16)
    assert filling.load(replace(POOL, part="val"), here(toy())).shape == (1, 4 * 16, 16)
    assert filling.load(TEST, here(toy())).shape == (1, 160, 16)


def test_what_is_there_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert filling.fill(TEST, here(toy())) is True
    monkeypatch.setattr(filling, "fill_shard", lambda *_: pytest.fail("made again"))
    assert filling.fill(TEST, here(toy())) is False


@pytest.mark.parametrize("content", [b"", b"torn", b"\xff" * 64])
def test_a_damaged_file_is_made_again(content: bytes) -> None:
    where = requests.path(TEST, here(toy()))
    where.parent.mkdir(parents=True)
    where.write_bytes(content)
    assert filling.fill(TEST, here(toy())) is True
    assert torch.equal(filling.load(TEST, here(toy())), filling.extract(TEST, here(toy())))


def test_what_is_read_is_what_was_extracted() -> None:
    assert torch.equal(filling.load(POOL, here(toy())), filling.extract(POOL, here(toy())))


def test_features_do_not_depend_on_the_size_of_a_chunk() -> None:
    torch.testing.assert_close(filling.extract(POOL, here(toy(batch_size=7))), filling.extract(POOL, here(toy())))


def test_view_0_is_the_image_itself() -> None:
    world, data = toy(), Squares()
    images = torch.from_numpy(data.images("train", data.draw(1, 1).pool)).permute(0, 3, 1, 2)
    torch.testing.assert_close(filling.extract(POOL, here(world))[0], here(world).encoder("RN50").encode(images, 64))


def test_view_1_is_the_same_crop_in_every_space() -> None:
    # Both encoders are linear, so features of the same pixels determine each other through the images.
    world, data = toy(), Squares()
    pool = data.draw(1, 1).pool
    images = torch.from_numpy(data.images("train", pool)).permute(0, 3, 1, 2)
    crops = augmented(images, pool.tolist(), 1, seed=1)
    assert not torch.equal(crops, images)
    for role in ("RN50", "mocov3", "dino"):
        expected = here(world).encoder(role).encode(crops, 64)
        torch.testing.assert_close(filling.extract(replace(POOL, role=role), here(world))[1], expected)


def noise(n: int = 8) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (n, 3, 24, 24), dtype=np.uint8))


def test_a_view_is_decided_by_seed_image_and_number_alone() -> None:
    images, ids = noise(), list(range(8))
    whole = augmented(images, ids, 3, seed=1)
    torch.manual_seed(99)
    alone = torch.cat([augmented(images[i : i + 1], [i], 3, seed=1) for i in reversed(ids)]).flip(0)
    assert torch.equal(whole, alone)
    assert whole.dtype == torch.uint8


@pytest.mark.parametrize(("view", "seed", "shift"), [(4, 1, 0), (3, 2, 0), (3, 1, 8)])
def test_another_view_seed_or_image_is_another_crop(view: int, seed: int, shift: int) -> None:
    images, ids = noise(), list(range(8))
    assert not torch.equal(augmented(images, ids, 3, 1), augmented(images, [i + shift for i in ids], view, seed))


def test_making_views_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    augmented(noise(), list(range(8)), 1, 1)
    assert torch.equal(torch.rand(3), expected)


def test_a_cache_that_cannot_be_written_is_said_in_one_line(cache: Path) -> None:
    cache.write_text("a file")
    with pytest.raises(BenchError, match=r"cache folder .*cannot be written \(.*\); choose another with BENCH_CACHE$"):
        filling.load(TEST, here(toy()))


def test_a_run_that_learns_needs_its_pool_and_validation_images_in_every_space() -> None:
    run = some_run(method="amu.tuning:AMUTuning", settings={"aux": "dino"}, seed=3, shots=4)
    needed = requests.of(Opened(run, here(toy())))
    assert [(r.role, r.part, r.seed) for r in needed] == [
        (role, part, seed) for role in ("RN50", "dino") for part, seed in (("test", 0), ("pool", 3), ("val", 3))
    ]
    assert [r.part for r in requests.of(Opened(some_run(shots=0), here(toy())))] == ["test"]


def test_one_pool_serves_every_number_of_shots_unless_the_data_set_draws_anew() -> None:
    anew = toy(datasets={"imagenet": {"reader": "toy_world:Anew"}})
    runs = {k: Opened(some_run(shots=k), here(anew)) for k in (1, 4)}
    pools = {k: [r for r in requests.of(run) if r.part == "pool"] for k, run in runs.items()}
    assert [r.shots for k in (1, 4) for r in pools[k]] == [1, 4]
    assert [filling.load(pools[k][0], here(anew)).shape[1] for k in (1, 4)] == [1 * 16, 4 * 16]
    assert requests.request("imagenet", "RN50", "pool", 1, 4, here(toy())) == requests.request(
        "imagenet", "RN50", "pool", 1, 16, here(toy())
    )


def test_a_request_has_a_label_for_people() -> None:
    assert TEST.label(toy()) == "RN50 features of imagenet, test images"
    assert POOL.label(toy()) == "RN50 features of imagenet, pool images of seed 1"
