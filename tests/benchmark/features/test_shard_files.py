"""A large extraction is made in shards: what is there is not made again, and who reads finds one whole file or none."""

import gc
import io
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import safetensors.torch
import torch
from safetensors import safe_open
from toy_world import Album, here, toy

from benchmark.features import filling, hashes, requests, shard_files
from benchmark.features.requests import Request, Wave

WORLD = toy(name="album", datasets={"imagenet": {"reader": "toy_world:Album"}}, batch_size=16)
TEST = Request("imagenet", "RN50", "test", 0)
POOL = Request("imagenet", "RN50", "pool", 1)
WAVE = Wave((TEST, Request("imagenet", "dino", "test", 0)))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(requests, "DECODED", 32)  # of 160 test images: five shards
    Album.seen.clear()
    yield tmp_path / "cache"
    Album.fatal.clear()


def files(cache: Path) -> list[str]:
    return sorted(str(p.relative_to(cache / "features")) for p in cache.rglob("*") if p.is_file())


def test_a_wave_is_cut_into_shards_of_its_images_and_views() -> None:
    cut = requests.shards_of(WAVE, here(WORLD))
    assert [(shard.index, shard.of, shard.size) for shard in cut] == [(i, 5, 32) for i in range(5)]
    assert cut[1].label(WORLD) == "imagenet, test images: RN50, dino (2 of 5)"
    assert sum(shard.size for shard in requests.shards_of(Wave((POOL,)), here(WORLD))) == 2 * 256
    assert len(requests.shards_of(Wave((POOL,)), here(WORLD))) == 16


def test_images_that_are_drawn_and_not_decoded_are_one_shard() -> None:
    (whole,) = requests.shards_of(WAVE, here(toy()))
    assert (whole.label(WORLD), whole.size) == ("imagenet, test images: RN50, dino", 160)


def test_shards_become_one_file_with_the_features_of_one_look(cache: Path) -> None:
    for request in (TEST, POOL):
        expected = filling.extract(request, here(WORLD))
        assert filling.fill(request, here(WORLD)) is True
        torch.testing.assert_close(filling.load(request, here(WORLD)), expected)
    assert len(files(cache)) == 2
    assert not [name for name in files(cache) if "shards" in name]


def test_one_look_at_each_image_serves_every_encoder_and_view() -> None:
    for shard in requests.shards_of(Wave((POOL, Request("imagenet", "dino", "pool", 1))), here(WORLD)):
        filling.fill_shard(shard, here(WORLD))
    assert len(Album.seen) == len(set(Album.seen)) == 16 * 16


def test_what_was_stopped_goes_on_where_it_was(cache: Path) -> None:
    Album.fatal.add(100)  # in the fourth of five shards
    child = multiprocessing.get_context("fork").Process(target=filling.fill, args=(TEST, here(WORLD)))
    child.start()
    child.join()
    assert child.exitcode == -9
    assert len([name for name in files(cache) if name.endswith("-of-00005.safetensors")]) == 3
    assert not requests.path(TEST, here(WORLD)).exists()
    assert [shard.index for shard in filling.missing([TEST], here(WORLD))] == [3, 4]
    Album.fatal.clear()
    assert filling.fill(TEST, here(WORLD)) is True
    assert sorted(Album.seen) == list(range(96, 160))
    assert torch.equal(filling.load(TEST, here(WORLD)), alone(TEST))


def alone(request: Request) -> torch.Tensor:
    """The features of a request, made in another cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(requests.path(request, here(WORLD)).parents[2] / "other"))
        return filling.load(request, here(WORLD))


def test_an_encoder_that_comes_later_makes_the_others_shards_no_second_time() -> None:
    for shard in filling.missing([TEST], here(WORLD))[:2]:
        filling.fill_shard(shard, here(WORLD))
    before = {path: path.stat().st_mtime_ns for path in made(TEST)}
    assert len(before) == 2
    for shard in filling.missing(WAVE.requests, here(WORLD))[:2]:
        filling.fill_shard(shard, here(WORLD))
    assert {path: path.stat().st_mtime_ns for path in made(TEST)} == before
    assert len(made(WAVE.requests[1])) == 2


def made(request: Request) -> list[Path]:
    where = requests.path(request, here(WORLD))
    return [p for i in range(5) if (p := shard_files.shard(where, i, 5)).exists()]


def test_shards_that_were_only_not_joined_yet_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shard_files, "join", lambda *_: None)
        filling.fill(TEST, here(WORLD))
    looked = len(Album.seen)
    assert len(filling.missing([TEST], here(WORLD))) == 1
    assert filling.load(TEST, here(WORLD)).shape == (1, 160, 16)
    assert len(Album.seen) == looked


def test_a_torn_shard_is_made_again() -> None:
    for shard in filling.missing([TEST], here(WORLD))[:3]:
        filling.fill_shard(shard, here(WORLD))
    torn = made(TEST)[1]
    torn.write_bytes(torn.read_bytes()[:-4])
    assert [shard.index for shard in filling.missing([TEST], here(WORLD))] == [1, 3, 4]
    assert torch.equal(filling.load(TEST, here(WORLD)), alone(TEST))


def zeroed(content: bytes) -> bytes:
    return content[:-8] + bytes(8)


@pytest.mark.parametrize("place", ["the same", "another"])
def test_a_damaged_or_exchanged_shard_is_named_and_never_joined(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    for shard in filling.missing([TEST], here(WORLD))[:4]:
        filling.fill_shard(shard, here(WORLD))
    other, damaged = made(TEST)[:2]
    damaged.write_bytes(other.read_bytes() if place == "another" else zeroed(damaged.read_bytes()))
    assert shard_files.there(requests.path(TEST, here(WORLD)), 5) == 3
    assert [shard.index for shard in filling.missing([TEST], here(WORLD))] == [1, 4]
    assert capsys.readouterr().err.startswith(f"bench: {damaged}: damaged, made again: ")
    assert torch.equal(filling.load(TEST, here(WORLD)), alone(TEST))


def test_several_workers_share_a_wave() -> None:
    fork, todo = multiprocessing.get_context("fork"), filling.missing(WAVE.requests, here(WORLD))
    workers = [fork.Process(target=_fill, args=(todo[share::2],)) for share in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert filling.missing(WAVE.requests, here(WORLD)) == []
    for request in WAVE.requests:
        torch.testing.assert_close(filling.load(request, here(WORLD)), filling.extract(request, here(WORLD)))


def _fill(share: list[requests.Shard]) -> None:
    for shard in share:
        filling.fill_shard(shard, here(WORLD))


def test_it_is_noted_how_features_were_made() -> None:
    filling.fill(TEST, here(WORLD))
    notes = shard_files.about(requests.path(TEST, here(WORLD)))
    assert (notes["pictures"], notes["together"], notes["device"], notes["precision"]) == ("160", "RN50", "cpu", "fp32")
    assert float(notes["seconds"]) > 0


def test_what_a_killed_process_left_is_tidied_up_and_what_a_living_one_writes_is_not(cache: Path) -> None:
    filling.fill(TEST, here(WORLD))
    where = requests.path(TEST, here(WORLD))
    dead, living = (where.with_name(f".{name}.tmp") for name in ("dead", "living"))
    for temporary in (dead, living):
        temporary.touch()
    os.utime(dead, (0, 0))
    left = shard_files.shard(where, 1, 5)
    shard_files.write(left, values(3), {})
    other = shard_files.shard(where.with_name("other.safetensors"), 1, 5)
    shard_files.write(other, values(3), {})
    shard_files.tidy(requests.folder(here(WORLD)))
    assert {path.name for path in where.parent.iterdir()} == {where.name, living.name, other.parent.name}
    assert other.exists()


# --- files


def values(n: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    drawn = 100 * torch.rand(3, n, 2, 5, generator=torch.Generator().manual_seed(seed))
    return drawn.to(dtype)


@pytest.mark.parametrize("dtype", list(shard_files.TYPES))
def test_a_joined_file_is_as_safetensors_writes_it(tmp_path: Path, dtype: torch.dtype) -> None:
    where, parts = tmp_path / "a.safetensors", [values(n, dtype, n) for n in (4, 3, 3)]
    for index, part in enumerate(parts):
        shard_files.write(shard_files.shard(where, index, 3), part, {"seconds": 0.5 + index, "device": "cpu"})
        shard_files.join(where, 3)
        assert where.exists() is (index == 2)
    with safe_open(where, "pt") as file:
        said = file.metadata()
    assert said == {"seconds": "4.5", "device": "cpu", "of": "a", "sha256": hashes.digest(where).hex()}
    found = safetensors.torch.load_file(where)[shard_files.NAME]
    assert found.dtype == dtype
    assert torch.equal(found, torch.cat(parts, dim=1))
    assert [path.name for path in tmp_path.iterdir()] == [where.name]


class Noting(io.BytesIO):
    """A file that keeps nothing but how much memory its process took at every write."""

    taken: ClassVar[list[float]] = []

    def write(self, data: Any) -> int:
        self.taken.append(own_memory())
        return memoryview(data).nbytes


def own_memory() -> float:
    """Memory that is no file's, MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at memory in /proc")
def test_joining_takes_no_memory_for_the_whole(tmp_path: Path) -> None:
    places = [shard_files.shard(tmp_path / "large.safetensors", index, 8) for index in range(8)]
    for index, place in enumerate(places):
        shard_files.write(place, torch.full((2, 1024, 1024), float(index)), {})  # 8 MiB each
    gc.collect()
    before = own_memory()
    with ExitStack() as stack:
        parts = [stack.enter_context(safe_open(place, "pt")).get_tensor(shard_files.NAME) for place in places]
        shard_files._write(parts, {}, Noting())
    assert max(Noting.taken) - before < 16, "of 64 MiB"


def test_two_processes_may_make_the_same_file_at_once(cache: Path) -> None:
    fork, where = multiprocessing.get_context("fork"), requests.path(TEST, here(WORLD))
    expected = filling.extract(TEST, here(WORLD))
    writers = [fork.Process(target=_write_often, args=(where, expected.numpy())) for _ in range(2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert not where.is_file() or shard_files.readable(where)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert torch.equal(filling.load(TEST, here(WORLD)), expected)
    assert [p.name for p in where.parent.iterdir()] == [where.name]


def _write_often(where: Path, values: np.ndarray) -> None:
    for _ in range(100):
        shard_files.write(where, torch.from_numpy(values), {})


def test_a_shard_that_is_removed_while_it_is_opened_is_no_longer_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path / "a.safetensors"
    for index in range(2):
        shard_files.write(shard_files.shard(where, index, 2), values(3), {})
    monkeypatch.setattr(shard_files, "safe_open", _removing)
    assert not shard_files.readable(shard_files.shard(where, 1, 2))


def _removing(where: Path, framework: str) -> Any:
    """Open a file that another process removes after it was found and before PyTorch maps it."""
    where.unlink()
    torch.UntypedStorage.from_file(str(where), shared=False, nbytes=8)


def test_two_processes_may_join_the_same_file_at_once(tmp_path: Path) -> None:
    fork, where = multiprocessing.get_context("fork"), tmp_path / "a.safetensors"
    for round_ in range(20):
        where.unlink(missing_ok=True)
        for index in range(4):
            shard_files.write(shard_files.shard(where, index, 4), torch.full((1, 4, 3), float(index + round_)), {})
        joiners = [fork.Process(target=shard_files.join, args=(where, 4)) for _ in range(2)]
        for joiner in joiners:
            joiner.start()
        for joiner in joiners:
            joiner.join()
        assert [joiner.exitcode for joiner in joiners] == [0, 0]
        assert shard_files.read(where)[0, :, 0].tolist() == [float(i + round_) for i in range(4) for _ in range(4)]
        assert [p.name for p in tmp_path.iterdir()] == [where.name]
