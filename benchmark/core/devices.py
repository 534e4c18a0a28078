"""The device of tensors and networks, checked for use, and the number of worker processes that suits it."""

import os
from collections.abc import Callable, Iterator, Mapping
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


ALL, VISIBLE = "cuda:all", "CUDA_VISIBLE_DEVICES"


def pinned(
    said: str, environment: Mapping[str, str] = os.environ, count: Callable[[], int] = torch.cuda.device_count
) -> list[dict[str, str]]:
    """Environments of worker processes of which each sees one GPU, which is its device "cuda".

    Args:
        said: "cuda:all", or several devices such as "cuda:0,cuda:1".
        environment: Variables of this process, whose CUDA_VISIBLE_DEVICES the devices are counted in.
        count: Number of GPUs that this process sees.

    Returns:
        An environment for each worker, in the order of the devices; none for the name of a single device.

    Raises:
        BenchError: There is no GPU, or not one of the devices.
    """
    names = said.split(",")
    if said != ALL and len(names) == 1:
        return []
    there = [f"cuda:{number}" for number in range(count())]
    names = there if said == ALL else [name.strip() for name in names]
    if not there:
        raise BenchError(f"device {said!r} cannot be used (there is no GPU here); --device cpu always can")
    for name in names:
        if name not in there or names.count(name) > 1:
            twice = "it is named twice" if names.count(name) > 1 else f"there are {', '.join(there)}"
            raise BenchError(f"device {said!r}: {name!r} cannot be used ({twice}); --device {ALL} takes each")
    visible = [one.strip() for one in environment.get(VISIBLE, "").split(",") if one.strip()]
    return [{VISIBLE: visible[there.index(name)] if visible else str(there.index(name))} for name in names]


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
