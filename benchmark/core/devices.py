"""The device of tensors and networks, checked for use, and the number of worker processes that suits it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from benchmark.core.cores import cores
from benchmark.core.errors import BenchError

CPU = torch.device("cpu")

KINDS = ("cpu", "cuda")
"""Kinds of devices that support double precision, in which metrics and the accuracy curve over beta are computed."""


def usable(name: str) -> torch.device:
    """The device of this name; BenchError if its kind is not in `KINDS` or this machine has no such device."""
    try:
        device = torch.device(name)
        if device.type not in KINDS:
            raise RuntimeError(f"there are {' and '.join(KINDS)}")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:100]
        raise BenchError(f"device {name!r} cannot be used ({reason}); --device cpu always can") from error
    return device


def name(device: torch.device) -> str:
    """Name of a device for printing: "cpu", "cuda (NVIDIA A100-SXM4-80GB)"."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


_spared: list[bool] = []
"""Contexts of `sparing` that are open."""


@contextmanager
def sparing() -> Iterator[None]:
    """Within the context an accelerator counts as full, so that large features stay in the memory of the machine."""
    _spared.append(True)
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    try:
        yield
    finally:
        _spared.pop()


def free_memory(device: torch.device) -> int | None:
    """Bytes that are free on an accelerator; None on the CPU, where features are mapped from their files."""
    if device.type != "cuda":
        return None
    return 0 if _spared else torch.cuda.mem_get_info(device)[0]


def workers(asked: int | None, device: torch.device) -> int:
    """Number of worker processes: `asked` if given, else one for each core, or one in all if they share an accelerator."""
    return asked or (cores() if device.type == "cpu" else 1)


def encoding_workers(workers: int, device: torch.device) -> int:
    """Number of the worker processes that encode images: one on an accelerator, with threads that decode; else all."""
    return workers if device.type == "cpu" else 1
