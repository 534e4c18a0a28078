"""Methods that misbehave, and work for the engine that does; importable, so that a worker process finds them."""

import os
import signal
import sys
import time
import warnings
from pathlib import Path

import torch
from torch import Tensor

from benchmark.core.errors import BenchError
from benchmark.methods import Features, Predictor, Scores, Task


class Flat(Predictor):
    """Every class scores alike, so that class 0 is always the answer."""

    text: Tensor

    def __init__(self, *, strength: float = 1.0) -> None:
        super().__init__()
        self.strength = strength

    @classmethod
    def published(cls, dataset: str, shots: int) -> dict[str, float]:
        return {"strength": float(shots)} if dataset == "imagenet" else {}

    def build(self, task: Task) -> None:
        self.register_buffer("text", task.text.clone())

    def scores(self, x: Features) -> Scores:
        zeros = torch.zeros(len(x["clip"]), len(self.text))
        return Scores(zero_shot=zeros, bias=zeros, fused=zeros)


class PixelsAlone(Flat):
    """Reads the images themselves and no features."""

    reads = ("pixels",)


class Failing(Flat):
    """Its training ends in an error of several lines."""

    def fit(self, task: Task) -> None:
        raise ValueError("first line\nsecond line")


class Warned(Flat):
    """Warns three times in its training, in two lines."""

    def fit(self, task: Task) -> None:
        for number in range(3):
            warnings.warn(f"failed to converge\n  (status={number})", RuntimeWarning, stacklevel=1)
        super().fit(task)


class Killing(Flat):
    """Its training ends its process, as running out of memory does."""

    def fit(self, task: Task) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Slow(Flat):
    """Its training says where it is in a file named by BENCH_TEST_STARTED, and does not end by itself."""

    def fit(self, task: Task) -> None:
        Path(os.environ["BENCH_TEST_STARTED"]).touch()
        time.sleep(120)


class Forgetful(Predictor):
    """Does not keep its constructor's argument under its own name."""

    def __init__(self, *, strength: float = 1.0) -> None:
        super().__init__()


class Unnameable(Flat):
    """Has a setting that is no plain data."""

    def __init__(self, *, strength: object = object) -> None:
        super().__init__()
        self.strength = strength  # type: ignore[assignment]


class NoPredictor:
    """Not derived from Predictor."""


def work(item: str) -> str:
    """What an item's name says, such as "die", "fail", "leave", "interrupt" or "warn", or its own name in capitals."""
    if item == "die":
        os._exit(3)
    if item == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "fail":
        raise RuntimeError("one\n  two")
    if item == "explain":
        raise BenchError("type this instead")
    if item == "refuse":
        raise PermissionError(13, "Permission denied", "some/file")
    if item == "leave":
        raise SystemExit(5)
    if item == "interrupt":
        raise KeyboardInterrupt
    if item == "end":
        os._exit(0)
    if item == "warn":
        for _ in range(2):
            warnings.warn("one\n  two", RuntimeWarning, stacklevel=1)
    if item.startswith("once:"):  # kills its worker the first time only
        path = Path(item.removeprefix("once:"))
        if not path.exists():
            path.touch()
            os._exit(3)
    return item.upper()


def sleep_long(path: str) -> None:
    """Write the process's id to `path`, work for two minutes, and leave `path`.finished."""
    Path(path).write_text(str(os.getpid()))
    time.sleep(120)
    Path(f"{path}.finished").touch()


def printed(item: str) -> str:
    """Print signs that few encodings have, and return the encoding."""
    print("… † β", flush=True)
    return sys.stdout.encoding


def joined(first: str, second: str, item: str) -> str:
    """Work that a crew gives two arguments before the item."""
    return first + second + item


def least(item: str) -> float:
    """Half of the smallest normal number, as this process computes it; `item` says nothing."""
    return float(torch.tensor(torch.finfo(torch.float32).tiny) * 0.5)


def rounding(item: str = "") -> tuple[str, bool, bool, bool]:
    """Precision of float32 products, whether they and convolutions may become TF32, and whether cuDNN is used."""
    cudnn = torch.backends.cudnn
    return torch.get_float32_matmul_precision(), torch.backends.cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.enabled


def most_threads(item: str) -> int:
    """The most threads of a library of linear algebra, SciPy's included, which is loaded here; `item` says nothing."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


def held(path: str) -> str:
    """Write the id of the parent process to `path` and work for two minutes; a second attempt returns "done" at once."""
    file = Path(path)
    if file.exists():
        return "done"
    file.write_text(str(os.getppid()))
    time.sleep(120)
    return "slept"


def variable(name: str) -> str:
    """Value of a variable of this process, and the process."""
    return f"{os.environ.get(name)} {os.getpid()}"


def napped(item: str) -> str:
    """Work some tenths of a second."""
    time.sleep(0.3)
    return f"napped {item}"
