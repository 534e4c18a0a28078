"""How fresh weights are drawn: from a generator that the caller seeds, never from the global one."""

import math

import torch
from torch import Tensor, nn


def linear_weight(outputs: int, inputs: int, generator: torch.Generator) -> Tensor:
    """A weight [outputs, inputs] as `nn.Linear` draws its own: uniform within ±1/√inputs."""
    return nn.init.kaiming_uniform_(torch.empty(outputs, inputs), a=math.sqrt(5), generator=generator)


def linear(outputs: int, inputs: int, generator: torch.Generator) -> nn.Linear:
    """An `nn.Linear` with fresh weight and bias, both uniform within ±1/√inputs as its own are."""
    layer = nn.utils.skip_init(nn.Linear, inputs, outputs)
    with torch.no_grad():
        layer.weight.copy_(linear_weight(outputs, inputs, generator))
        layer.bias.uniform_(-1 / math.sqrt(inputs), 1 / math.sqrt(inputs), generator=generator)
    return layer
