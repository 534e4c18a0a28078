"""Photographs are decoded ahead of the encoders, not too far, and features keep the precision they were made in."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_world import Album, here, toy

from benchmark.core.errors import BenchError
from benchmark.encoders.encoder import Encoder, Loaded
from benchmark.features import extraction, filling, requests, shard_files
from benchmark.features.requests import Request

TEST = Request("imagenet", "RN50", "test", 0)
HANG = 600
"""Seconds after which threads that do not come are given up; no outcome depends on it."""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)


def numbered(ids: np.ndarray) -> torch.Tensor:
    """Two views of images whose pixels are their ids."""
    return torch.from_numpy(ids.astype(np.uint8))[:, None, None, None].expand(2, -1, 3, 8, 8)


def pixels(look: Any, n: int, ahead: bool = True, batch_size: int = 16) -> torch.Tensor:
    (found,) = extraction.extract(look, np.arange(n), ["pixels"], here(toy(batch_size=batch_size)), ahead=ahead)
    return found


@pytest.mark.parametrize("ahead", [False, True])
def test_images_keep_their_order_however_long_each_takes(ahead: bool) -> None:
    def late(ids: np.ndarray) -> torch.Tensor:
        time.sleep(0.02 * (ids[0] % 3))
        return numbered(ids)

    found = pixels(late, 101, ahead)
    assert found.shape == (2, 101, 3, 8, 8)
    assert torch.equal(found[:, :, 0, 0, 0], torch.arange(101, dtype=torch.uint8).expand(2, -1))


def test_photographs_are_decoded_by_several_threads_and_drawn_images_by_none() -> None:
    threads: set[int] = set()
    together = threading.Barrier(4, timeout=HANG)

    def noting(ids: np.ndarray) -> torch.Tensor:
        threads.add(threading.get_ident())
        return numbered(ids)

    def waiting(ids: np.ndarray) -> torch.Tensor:
        together.wait()
        return noting(ids)

    pixels(waiting, 64)  # eight parts, four at a time
    assert len(threads) == 4
    assert threading.get_ident() not in threads
    threads.clear()
    pixels(noting, 64, ahead=False)
    assert threads == {threading.get_ident()}


def test_no_more_is_decoded_than_two_batches_ahead() -> None:
    seen: list[int] = []

    def noting(ids: np.ndarray) -> torch.Tensor:
        seen.extend(ids.tolist())
        return numbered(ids)

    pictures = extraction._decoded(noting, np.array_split(np.arange(320), 20))
    for taken in range(1, 4):
        next(pictures)
        until = time.monotonic() + HANG
        while len(seen) < 16 * (taken + extraction.AHEAD):
            assert time.monotonic() < until
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(seen) == 16 * (taken + extraction.AHEAD)
    pictures.close()
    time.sleep(0.05)
    assert len(seen) == 16 * 5, "who stops taking stops the decoding"


def test_a_file_that_cannot_be_read_ends_it_with_its_own_line() -> None:
    def broken(ids: np.ndarray) -> torch.Tensor:
        if 70 in ids:
            raise BenchError("n01440764/70.JPEG: damaged")
        return numbered(ids)

    with pytest.raises(BenchError, match=r"70\.JPEG: damaged"):
        pixels(broken, 200)
    assert not [t for t in threading.enumerate() if t.name.startswith("decode") and not _ends(t)]


def _ends(thread: threading.Thread) -> bool:
    thread.join(2)
    return not thread.is_alive()


def test_no_images_have_no_features_but_their_shape() -> None:
    assert pixels(numbered, 0).shape == (2, 0, 3, 8, 8)


# --- precision


def half(role: str, dtype: str) -> Encoder:
    """An encoder that works, and answers, in half precision."""
    matrix = torch.randn(3 * 8 * 8, 12, generator=torch.Generator().manual_seed(0)).to(getattr(torch, dtype))
    return Encoder(role, f"half-{dtype}", lambda: Loaded(lambda x: (x.flatten(1).to(matrix) / 255) @ matrix))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_kept_as_it_is_and_given_back_as_float32(dtype: str) -> None:
    world = toy(encoders={"RN50": {"loader": f"{__name__}:half", "dtype": dtype}})
    found = filling.load(TEST, here(world))
    kept = shard_files.read(requests.path(TEST, here(world)))
    assert (found.dtype, kept.dtype) == (torch.float32, getattr(torch, dtype))
    assert torch.equal(found, kept.float())
    images = torch.from_numpy(Album().images("test", np.arange(160))).permute(0, 3, 1, 2)
    assert torch.equal(found[0], here(world).encoder("RN50").encode(images, 64))


def test_pixels_stay_whole_numbers() -> None:
    assert filling.load(replace(TEST, role="pixels"), here(toy())).dtype == torch.uint8


# --- devices


def test_a_batch_goes_to_a_device_once_for_all_encoders_there(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[torch.device] = []
    original = extraction._moved
    monkeypatch.setattr(extraction, "_moved", lambda images, device: moved.append(device) or original(images, device))
    ids, roles = np.arange(32), ["RN50", "dino", "pixels"]
    extraction.extract(lambda ids: numbered(ids)[:1], ids, roles, here(toy(batch_size=16)), ahead=False)
    assert moved == [torch.device("cpu")] * 2


def test_an_accelerator_is_handed_a_batch_before_the_last_ones_features_are_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order: list[str] = []
    encoded, fetch = extraction._encoded, extraction._Sheet.add

    def launching(images: torch.Tensor, *rest: Any) -> list[torch.Tensor]:
        order.append(f"launch {int(images[0, 0, 0, 0])}")
        return encoded(images, *rest)

    def fetching(sheet: Any, batch: Any) -> None:
        order.append(f"fetch {sheet.filled}")
        fetch(sheet, batch)

    monkeypatch.setattr(extraction, "_encoded", launching)
    monkeypatch.setattr(extraction._Sheet, "add", fetching)
    extraction.extract(lambda ids: numbered(ids)[:1], np.arange(48), ["RN50"], here(toy(batch_size=16)), ahead=False)
    assert order == ["launch 0", "launch 16", "fetch 0", "launch 32", "fetch 16", "fetch 32"]


class OnGpu:
    """Features of a batch that stay on a GPU until they are copied."""

    dtype, device = torch.float32, torch.device("cuda")

    def __init__(self, images: torch.Tensor) -> None:
        self.values = images.float().mean((1, 2, 3))[:, None]
        self.shape = self.values.shape


class Recorder:
    """What a GPU is asked for, in order: a stand-in for its only stream, its events, and pinned memory."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.copied = ""

    def forward(self, images: torch.Tensor) -> Any:
        self.asked.append(f"launch {int(images[0, 0, 0, 0])}")
        return OnGpu(images)

    def empty(self, shape: Any, *, dtype: torch.dtype, pin_memory: bool) -> Any:
        recorder, pinned = self, torch.zeros(shape, dtype=dtype)

        class Pinned:
            def copy_(self, features: OnGpu, *, non_blocking: bool) -> torch.Tensor:
                recorder.copied = str(int(features.values[0, 0]))
                recorder.asked.append(f"copy {recorder.copied}" + (" later" if non_blocking and pin_memory else ""))
                return pinned.copy_(features.values)

        return Pinned()

    def record_event(self) -> Any:
        recorder, batch = self, self.copied
        self.asked.append(f"event behind {batch}")

        class Event:
            def synchronize(self) -> None:
                recorder.asked.append(f"wait for {batch}")

        return Event()


def test_a_gpu_has_the_next_batch_before_the_copy_of_the_last_one_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu, empty = Recorder(), torch.empty
    world, add = here(toy(batch_size=16)), extraction._Sheet.add
    encoder = Encoder("RN50", "gpu", lambda: Loaded(gpu.forward, device=torch.device("cuda")))
    monkeypatch.setattr(world, "encoder", lambda role: encoder)
    monkeypatch.setattr(extraction, "_moved", lambda images, device: images)
    monkeypatch.setattr(
        torch, "empty", lambda *of, **how: gpu.empty(*of, **how) if how.get("pin_memory") else empty(*of, **how)
    )
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: gpu)
    monkeypatch.setattr(extraction._Sheet, "add", lambda *of: gpu.asked.append("read") or add(*of))
    (found,) = extraction.extract(lambda ids: numbered(ids)[:1], np.arange(48), ["RN50"], world, ahead=False)
    assert gpu.asked == [
        *("launch 0", "copy 0 later", "event behind 0"),
        *("launch 16", "copy 16 later", "event behind 16", "wait for 0", "read"),
        *("launch 32", "copy 32 later", "event behind 32", "wait for 16", "read"),
        *("wait for 32", "read"),
    ]
    assert found[0, :, 0].tolist() == list(range(48))


def test_a_view_that_two_requests_have_leaves_the_gpu_once(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[torch.Tensor] = []
    monkeypatch.setattr(extraction, "_homeward", lambda features: copied.append(features) or features)
    ids, seen = np.arange(16), [[0, 1], [0]]
    extraction.extract(numbered, ids, ["RN50", "RN50"], here(toy(batch_size=16)), ahead=False, views=seen)
    assert len(copied) == 2


class Noting:
    """Images that note how they are moved."""

    def __init__(self) -> None:
        self.notes: list[Any] = []

    def pin_memory(self) -> "Noting":
        self.notes.append("locked")
        return self

    def to(self, device: torch.device, *, non_blocking: bool) -> "Noting":
        self.notes.append((device.type, non_blocking))
        return self


@pytest.mark.parametrize(("device", "notes"), [("cuda", ["locked", ("cuda", True)]), ("cpu", [("cpu", True)])])
def test_images_go_to_a_gpu_from_locked_memory_while_this_process_goes_on(device: str, notes: list[Any]) -> None:
    images: Any = Noting()
    extraction._moved(images, torch.device(device))
    assert images.notes == notes
