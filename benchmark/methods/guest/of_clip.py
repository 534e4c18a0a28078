"""State of a CLIP that several runs share: weights, gradients, modes, hooks, and the functions around it."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.methods.clip import Clip
from benchmark.methods.guest.fact import Values

BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Bytes of a number -> whole numbers of this size."""

PLAIN = (bool, int, float, str, tuple, type(None))


def of_clip(clip: Clip) -> Values:
    """Values of everything that a method could change in a CLIP; sums of the weights' bits stand for the weights."""
    found: dict[str, Any] = {}
    for name, tensor in (*clip.model.named_parameters(), *clip.model.named_buffers()):
        found[name] = (tensor.data_ptr(), tensor.device, tensor.dtype, _sums(tensor))
        found[f"gradient of {name}"] = (tensor.requires_grad, tensor.grad is not None)
    for name, module in clip.model.named_modules():
        found |= {f"{words} of {name or 'the model'}": value for words, value in _of_module(module)}
    found |= {words: value for words, value in _attributes(clip)}
    return found | {f"{words} of the tokenizer": value for words, value in _attributes(clip.tokenizer)}


def _sums(tensor: Tensor) -> tuple[bytes, bytes]:
    """Sums of the bits by row and by column, which differ for other weights and for weights in another order."""
    flat = tensor.detach().reshape(len(tensor) if tensor.ndim else 1, -1)
    bits = flat.contiguous().view(BITS[flat.element_size()]) if not flat.is_complex() else flat.real
    return tuple(bytes(bits.sum(axis).cpu().numpy()) for axis in (0, 1))  # type: ignore[return-value]


def _of_module(module: nn.Module) -> Iterator[tuple[str, Any]]:
    yield "training mode", module.training
    for name, value in vars(module).items():
        if name.endswith("_hooks"):
            yield f"hooks ({name.strip('_').replace('_', ' ')})", tuple(value.items())
    yield from _attributes(module)


def _attributes(thing: object) -> Iterator[tuple[str, Any]]:
    """Attributes that are called or are plain; tables such as a tokenizer's memory of words may grow."""
    for name, value in getattr(thing, "__dict__", {}).items():
        if (callable(value) or isinstance(value, PLAIN)) and name != "training":
            yield f"attribute {name}", value
