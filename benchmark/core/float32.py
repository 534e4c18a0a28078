"""Precision of products and convolutions of float32: torch's switches, and the context in which none rounds to TF32."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import torch

CUDNN, CUDA, MKLDNN = torch.backends.cudnn, torch.backends.cuda, torch.backends.mkldnn

PRECISIONS = {
    "torch.backends.cuda.matmul.allow_tf32": (CUDA.matmul, "allow_tf32"),
    "torch.backends.cudnn.allow_tf32": (CUDNN, "allow_tf32"),
    "torch.backends.fp32_precision": (torch.backends, "fp32_precision"),
    "torch.backends.cudnn.fp32_precision": (CUDNN, "fp32_precision"),
    "torch.backends.cudnn.conv.fp32_precision": (getattr(CUDNN, "conv", None), "fp32_precision"),
    "torch.backends.cudnn.rnn.fp32_precision": (getattr(CUDNN, "rnn", None), "fp32_precision"),
    "torch.backends.cuda.matmul.fp32_precision": (CUDA.matmul, "fp32_precision"),
    "torch.backends.mkldnn.fp32_precision": (MKLDNN, "fp32_precision"),
    "torch.backends.mkldnn.matmul.fp32_precision": (getattr(MKLDNN, "matmul", None), "fp32_precision"),
    "torch.backends.mkldnn.conv.fp32_precision": (getattr(MKLDNN, "conv", None), "fp32_precision"),
}
"""Precision of float32 products: the older switches first, because they set the newer ones as well."""

PRECISION = "torch.set_float32_matmul_precision()"


@contextmanager
def exact() -> Iterator[None]:
    """Within the context, no product and no convolution of float32 rounds its inputs to TF32, in this process.

    Torch lets cuDNN round the inputs of convolutions, and the environment variable TORCH_ALLOW_TF32_CUBLAS_OVERRIDE, which
    NVIDIA's containers set, those of matrix products. `torch.backends.cudnn.flags` is no way to forbid it: what it is not
    told it sets to values of its own, among them cuDNN as a whole to off.

    Yields:
        Nothing.
    """
    before = switches()
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        switch(before)


def switches() -> dict[str, Any]:
    """Value of every switch, by its name."""
    found: dict[str, Any] = {PRECISION: _read(torch.get_float32_matmul_precision)}
    for words, (owner, name) in PRECISIONS.items():
        found[words] = _read(partial(getattr, owner, name, None))
    return found


def _read(read: Callable[[], Any]) -> Any:
    """A precision; torch refuses to tell one that was set by an older and a newer switch."""
    try:
        return read()
    except RuntimeError:
        return "by two switches"


def switch(before: Mapping[str, Any]) -> None:
    """Give switches the values in `before`, and the newer ones that it does not name the values that they have."""
    newer = {words: value for words, value in switches().items() if words.endswith("fp32_precision")}
    if PRECISION in before:
        with suppress(RuntimeError):  # as above; what follows sets it
            torch.set_float32_matmul_precision(before[PRECISION])
    whole = {**newer, **before}
    for words, (owner, name) in PRECISIONS.items():
        if words in whole and owner is not None:
            with suppress(RuntimeError):
                setattr(owner, name, whole[words])
