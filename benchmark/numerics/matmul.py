"""Linear layers x Wᵀ + b on large float32 matrices, computed by oneDNN on CPUs with AVX-512.

torch multiplies float32 matrices on a CPU by MKL. On CPUs not made by Intel, MKL does not use AVX-512 and reaches half the
possible speed. oneDNN, also part of torch, uses AVX-512 on every CPU that has it. Without AVX-512, MKL is the faster one: a
step of CoOp took 0.81 of its time with oneDNN. Both compute in float32 throughout and differ only in rounding
(performance/product_speed.py).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

LARGE = 2**20
"""Number of multiplications from which oneDNN is used: below it, its call overhead of 10 µs outweighs the gain."""


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute x Wᵀ + b as torch.nn.functional.linear does, large products by oneDNN; differentiable once.

    Args:
        x: Inputs [..., D].
        weight: Weight W [C, D].
        bias: Bias b [C].

    Returns:
        Outputs [..., C].

    Example:
        >>> x, weight, bias = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0], [5.0, 6.0]]), torch.tensor([10.0, 20.0])
        >>> product(x, weight, bias).tolist()  # 3 + 8 + 10, 5 + 12 + 20
        [[21.0, 37.0]]
    """
    if not _use_onednn(x, weight):
        return F.linear(x, weight, bias)
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, weight, bias)):
        differentiable: Tensor = _Product.apply(x, weight, bias)  # type: ignore[no-untyped-call]  # torch has no types here
        return differentiable
    return _onednn(x, weight, bias)


def through(layer: nn.Module, x: Tensor) -> Tensor:
    """Apply a layer, computing every `nn.Linear` in it by `product`.

    Args:
        layer: Any module; the parts of an `nn.Sequential` are applied one after another.
        x: Inputs of the layer.

    Returns:
        Outputs equal to layer(x) up to rounding.

    Example:
        >>> through(nn.Sequential(nn.ReLU(), nn.Flatten(0)), torch.tensor([[-1.0, 2.0]])).tolist()
        [0.0, 2.0]
    """
    if isinstance(layer, nn.Sequential):
        for part in layer:
            x = through(part, x)
        return x
    if isinstance(layer, nn.Linear) and type(layer).forward is nn.Linear.forward:  # no subclass with its own forward
        return product(x, layer.weight, layer.bias)
    outputs: Tensor = layer(x)
    return outputs


class _Product(torch.autograd.Function):
    """oneDNN's x Wᵀ + b with gradients that are computed by oneDNN too."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _onednn(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors  # no class of torch that describes `ctx` has it as a tuple of several tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        rows = gradient.flatten(0, -2)
        return (
            _onednn(gradient, weight.T) if for_x else None,
            _onednn(rows.T, x.flatten(0, -2).T) if for_weight else None,
            rows.sum(0) if for_bias else None,
        )


def _use_onednn(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN is available, supports these tensors, and the product is large enough to gain from it."""
    if x.numel() * len(weight) < LARGE or x.ndim < 2:
        return False
    return x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32 and _available()


def _available() -> bool:
    """Whether this build of torch has oneDNN's linear operator, it is enabled, and MKL would not be faster."""
    supported = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    faster = "AVX512" in torch.backends.cpu.get_cpu_capability() or not torch.backends.mkl.is_available()
    return supported and faster and bool(torch.backends.mkldnn.enabled)


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute x Wᵀ + b by oneDNN, without gradients."""
    outputs: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return outputs
