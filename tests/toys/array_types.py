"""Values in every type of NumPy and torch that a file can hold."""

import io
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

NUMPY = [np.dtype(order + code) for code in "bhilqBHILQefdgFDGMmSUVO?" for order in "<>"]
NUMPY.append(np.dtype([("a", "<f4"), ("b", "<i8")]))
"""Every type of NumPy by its letter, in both byte orders, and a structured one."""

TORCH = list(dict.fromkeys(kind for kind in vars(torch).values() if isinstance(kind, torch.dtype)))


def in_numpy(values: np.ndarray, kind: np.dtype) -> np.ndarray:
    """The values in another type, as far as it can hold them; else an array of its own zeros, texts or bytes."""
    try:
        return values.astype(kind)
    except (TypeError, ValueError):
        return np.zeros(values.shape, kind)


def in_torch(values: np.ndarray, kind: torch.dtype) -> Tensor | None:
    """The values in another type of torch, or memory of that type; None where torch cannot store such a tensor at all."""
    try:
        found = torch.from_numpy(values).to(kind)
    except (RuntimeError, TypeError):
        found = torch.empty(values.shape, dtype=kind)
    try:
        file = io.BytesIO()
        torch.save(found, file)
        file.seek(0)
        return torch.load(file, weights_only=True)  # type: ignore[no-any-return]
    except (RuntimeError, KeyError, NotImplementedError):
        return None


def of_every_type(values: np.ndarray) -> Iterator[object]:
    yield from (in_numpy(values, kind) for kind in NUMPY)
    yield from (found for kind in TORCH if (found := in_torch(values, kind)) is not None)
