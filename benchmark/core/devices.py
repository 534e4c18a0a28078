"""The device that tensors and networks are put on, checked, and how many worker processes it takes."""

import os

import torch

from benchmark.core.errors import BenchError

CPU = torch.device("cpu")

KINDS = ("cpu", "cuda")
"""Metrics and the curve over beta are computed in double precision, which not every kind of device has."""


def usable(name: str) -> torch.device:
    """The device of this name. BenchError where it is of no kind that is known here, or not in this machine."""
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
    """For people: "cpu", "cuda (NVIDIA A100-SXM4-80GB)"."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def workers(asked: int | None, device: torch.device) -> int:
    """How many worker processes: as many as were asked for, else one a core; on an accelerator, which they share, one."""
    return asked or ((os.cpu_count() or 1) if device.type == "cpu" else 1)


def encoding_workers(workers: int, device: torch.device) -> int:
    """How many of them encode images: an accelerator is driven by one, whose threads decode for it."""
    return workers if device.type == "cpu" else 1
