"""Arrays of foreign files as tensors.

A conversion that keeps the meaning is made: byte orders, unsigned and sparse labels, one-hot labels of any type, features in
eight or sixty-four bits, names as bytes. Anything else raises BenchError, which names the array and what is needed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark.core.errors import BenchError

BYTES = (torch.int8, torch.uint8, torch.int16, torch.int32)
"""Integer types shorter than int64 that torch computes with."""

KEPT = (torch.float16, torch.bfloat16, torch.float32)
"""Precisions of features that are stored as they are; others become float32."""


def described(value: object) -> str:
    """Shape and type of an array for an error: "[48, 32] int64"; the type of any other object."""
    if isinstance(value, Tensor) and value.is_nested:
        return "a nested tensor"
    return f"{list(value.shape)} {value.dtype}" if isinstance(value, np.ndarray | Tensor) else type(value).__name__


def numbers(value: object, what: str) -> Tensor:
    """Convert an array to a dense tensor on the CPU: bool, int64 (a matrix: any integer type) or a floating-point type.

    Args:
        value: NumPy array or tensor of any type, byte order and layout.
        what: Words for it in an error: "x.npz: test_clip".

    Returns:
        The tensor; unsigned numbers beyond int64 become negative.

    Raises:
        BenchError: If it is no array of real numbers.
    """
    try:
        found = _plain(_from_numpy(value) if isinstance(value, np.ndarray) else value)
    except (RuntimeError, TypeError, ValueError) as error:  # types that torch stores and cannot compute with
        raise BenchError(f"{what} is {described(value)}; numbers are needed") from error
    if found is None:
        raise BenchError(f"{what} is {described(value)}; numbers are needed")
    return found


def _from_numpy(array: np.ndarray) -> Tensor:
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, which is refused later
            array = array.astype(np.float64)
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))


def _plain(tensor: object) -> Tensor | None:
    """The tensor in a type and layout that torch computes with; None for anything but real numbers in a rectangle."""
    if not isinstance(tensor, Tensor) or tensor.is_complex() or tensor.is_nested:
        return None
    tensor = tensor.detach().to_dense() if tensor.layout != torch.strided else tensor.detach()
    tensor = (tensor.dequantize() if tensor.is_quantized else tensor).cpu().resolve_neg()
    if tensor.is_floating_point():
        return tensor if tensor.dtype in (*KEPT, torch.float64) else tensor.float()
    matrix = tensor.ndim == 2 and tensor.shape[1] > 1  # of one-hot labels, large, and as good in a byte
    return tensor if tensor.dtype == torch.bool or (matrix and tensor.dtype in BYTES) else tensor.to(torch.int64)


def features(value: object, what: str, *dimensions: int) -> Tensor:
    """Convert an array to features.

    Args:
        value: Array of floating-point numbers, or tensor.
        what: Words for it in an error.
        *dimensions: Allowed numbers of dimensions.

    Returns:
        Features in half or single precision, every one of them of a finite length above zero.

    Raises:
        BenchError: If the array has another shape or type, or a feature has no direction.
    """
    found = numbers(value, what) if _may_have_fractions(value) else None
    if found is None or found.ndim not in dimensions:
        needed = f"{' or '.join(map(str, dimensions))} dimensions"
        raise BenchError(f"{what} is {described(value)}; numbers in {needed}, with fractions, are needed")
    found = found if found.dtype in KEPT else found.float()
    if not found.numel() or not found.isfinite().all():
        raise BenchError(f"{what} is empty, or holds values that are not finite")
    check_directions(found, what)
    return found


def _may_have_fractions(value: object) -> bool:
    """Whether an array is of a floating-point or quantised type, so that integers are not converted in vain."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f"
    return isinstance(value, Tensor) and (value.is_floating_point() or value.is_quantized)


def check_directions(vectors: Tensor, what: str) -> None:
    """Raise BenchError for a vector of zeros, or one too short or long for a length in single precision, [..., D]."""
    lengths = vectors.float().norm(dim=-1).flatten()
    bad = (~(lengths.isfinite() & (lengths > 0))).nonzero()
    if len(bad):
        raise BenchError(f"{what}: row {int(bad[0])} has the length {float(lengths[bad[0]]):g}, so it has no direction")


class Labels(NamedTuple):
    """Labels that were read: int64 class indices, unless `indices` has another type; C of one-hot labels, else 0."""

    indices: Tensor
    classes: int
    what: str


def labels(value: object, what: str) -> Labels:
    """Convert labels to class indices, as far as they are some; whether they fit their features is checked by the caller.

    Args:
        value: Class indices [N] or [N, 1], or one-hot labels [N, C] of any type.
        what: Words for it in an error.

    Returns:
        The labels, with the words for them.
    """
    found = numbers(value, what)
    if found.ndim != 2:
        return Labels(found, 0, what)
    if found.shape[1] == 1 and found.dtype == torch.int64:
        return Labels(found[:, 0], 0, what)
    return Labels(_of_one_hot(found, what), found.shape[1], what)


def _of_one_hot(rows: Tensor, what: str) -> Tensor:
    ones = rows == 1
    if not ((rows == 0) | ones).all() or not (ones.sum(1) == 1).all():
        raise BenchError(f"{what}: its rows are not one-hot")
    return ones.view(torch.uint8).argmax(1)


def scale(value: object, what: str) -> float:
    """Read the one number of an array of any shape; BenchError for any other array."""
    found = numbers(value, what)
    if found.numel() != 1 or found.dtype == torch.bool:
        raise BenchError(f"{what} is {described(value)}; one number is needed")
    return float(found)


def checked_scale(number: float, what: str) -> float:
    """Return a number that can be a logit scale in single precision; BenchError unless it is finite and above zero."""
    single = torch.tensor(number, dtype=torch.float32)
    if not single.isfinite() or single <= 0:
        raise BenchError(
            f"{what} is {number:g}; it has to be finite and above zero, as CLIP's 100: --logit-scale NUMBER"
        )
    return number


def names(value: object, what: str) -> list[str]:
    """Convert an array of texts or bytes (UTF-8) to names; BenchError for another array, other bytes and an empty name."""
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "US":
        raise BenchError(f"{what} is {described(value)}; texts in 1 dimension are needed")
    try:
        texts = [name.decode("utf-8") if isinstance(name, bytes) else str(name) for name in value.tolist()]
    except UnicodeDecodeError as error:
        raise BenchError(f"{what}: holds bytes that are no UTF-8 text ({error}); save texts") from error
    return _cleaned(texts, what)


def _cleaned(texts: Sequence[str], what: str) -> list[str]:
    """Names of one line, without a byte order mark and blanks around them."""
    found = [" ".join(text.removeprefix("\ufeff").split()) for text in texts]
    if not all(found):
        raise BenchError(f"{what}: name {found.index('')} is empty; every class needs one")
    return found
