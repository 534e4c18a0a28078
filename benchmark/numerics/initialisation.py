"""Random initial weights, drawn from a generator that the caller seeds and never from the global one."""

import math

import torch
from torch import Tensor, nn


def linear_weight(outputs: int, inputs: int, generator: torch.Generator) -> Tensor:
    """Draw a weight as `nn.Linear` does: uniform within ±1/√inputs.

    Args:
        outputs: Number of rows.
        inputs: Number of columns.
        generator: Random generator on the CPU.

    Returns:
        Weight [outputs, inputs], float32.

    Example:
        >>> weight = linear_weight(3, 4, torch.Generator().manual_seed(0))
        >>> list(weight.shape), weight.abs().max().item() <= 1 / 2
        ([3, 4], True)
    """
    return nn.init.kaiming_uniform_(torch.empty(outputs, inputs), a=math.sqrt(5), generator=generator)


def linear(outputs: int, inputs: int, generator: torch.Generator) -> nn.Linear:
    """Make an `nn.Linear` whose weight and bias are drawn from `generator`, both uniform within ±1/√inputs.

    Args:
        outputs: Number of outputs.
        inputs: Number of inputs.
        generator: Random generator on the CPU.

    Returns:
        Layer with a weight [outputs, inputs] and a bias [outputs].

    Example:
        >>> layer = linear(3, 4, torch.Generator().manual_seed(0))
        >>> list(layer.bias.shape), layer.bias.abs().max().item() <= 1 / 2
        ([3], True)
    """
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
    with torch.no_grad():
        layer.weight.copy_(linear_weight(outputs, inputs, generator))
        layer.bias.uniform_(-1 / math.sqrt(inputs), 1 / math.sqrt(inputs), generator=generator)
    return layer
