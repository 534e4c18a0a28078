"""Several GPUs are as many workers, of which each sees its own."""

import pytest
from toy_house import FILE
from toy_world import bench

from benchmark.core import devices
from benchmark.core.errors import BenchError

VISIBLE = "CUDA_VISIBLE_DEVICES"


def seen(said: str, count: int, visible: str = "") -> list[str]:
    """What each worker sees, on a machine of so many GPUs."""
    environment = {VISIBLE: visible} if visible else {}
    return [one[VISIBLE] for one in devices.pinned(said, environment, lambda: count)]


def test_each_worker_sees_one_gpu_of_all_or_of_those_named() -> None:
    assert seen("cuda:all", 3) == ["0", "1", "2"]
    assert seen("cuda:2,cuda:0", 3) == ["2", "0"]


def test_gpus_are_counted_in_those_that_the_command_sees() -> None:
    assert seen("cuda:all", 2, "4,GPU-7") == ["4", "GPU-7"]
    assert seen("cuda:1,cuda:0", 2, "4, GPU-7") == ["GPU-7", "4"]


@pytest.mark.parametrize("said", ["cpu", "cuda", "cuda:1"])
def test_a_single_device_pins_nothing(said: str) -> None:
    assert seen(said, 2) == []


@pytest.mark.parametrize(
    ("said", "count", "words"),
    [
        ("cuda:all", 0, "there is no GPU here"),
        ("cuda:0,cuda:5", 2, "'cuda:5' cannot be used (there are cuda:0, cuda:1)"),
        ("cuda:0,cuda:0", 2, "it is named twice"),
        ("cuda:0,cpu", 2, "'cpu' cannot be used"),
    ],
)
def test_what_is_not_there_is_named(said: str, count: int, words: str) -> None:
    with pytest.raises(BenchError, match=r"^device ") as found:
        seen(said, count)
    assert words in str(found.value)


@pytest.mark.parametrize("more", [[], ["--cluster", "local:2"]])
def test_without_a_gpu_all_of_them_are_refused_in_a_line(more: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.pinned, "__defaults__", ({}, lambda: 0))
    code, _, err = bench("run", "--suite", FILE, "--table", "4", "--device", "cuda:all", *more)
    assert (code, err) == (
        2,
        "bench: device 'cuda:all' cannot be used (there is no GPU here); --device cpu always can\n",
    )
