"""x Wᵀ + b for large matrices, at the speed that the processor has.

torch multiplies float32 matrices on a CPU by MKL, which does without AVX-512 on processors that are not Intel's and is then
half as fast as it could be. oneDNN, which torch ships too, uses it wherever there is AVX-512. Both are float32 throughout and
differ in rounding alone (performance/product_speed.py).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

LARGE = 2**20
"""Multiplications from which on a call of oneDNN, 10 µs, is worth its while."""


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b of x [..., D], W [C, D], b [C] -> [..., C]: torch.nn.functional.linear, and as differentiable (once)."""
    if not _suits(x, weight):
        return F.linear(x, weight, bias)
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, weight, bias)):
        return _Product.apply(x, weight, bias)
    return _onednn(x, weight, bias)


def through(layer: nn.Module, x: Tensor) -> Tensor:
    """layer(x), where the layer or, in a sequence, each of its layers that is linear goes by `product`."""
    if isinstance(layer, nn.Sequential):
        for part in layer:
            x = through(part, x)
        return x
    if (
        isinstance(layer, nn.Linear) and type(layer).forward is nn.Linear.forward
    ):  # no subclass that does something else
        return product(x, layer.weight, layer.bias)
    return layer(x)


class _Product(torch.autograd.Function):
    """The product and its gradients, each of them such a product again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _onednn(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        rows = gradient.flatten(0, -2)
        return (
            _onednn(gradient, weight.T) if for_x else None,
            _onednn(rows.T, x.flatten(0, -2).T) if for_weight else None,
            rows.sum(0) if for_bias else None,
        )


def _suits(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN is there, takes these, and has enough to do."""
    if x.numel() * len(weight) < LARGE or x.ndim < 2:
        return False
    return x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32 and _available()


def _available() -> bool:
    there = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return there and bool(torch.backends.mkldnn.enabled)


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
