"""Stochastic gradient descent with momentum as torch.optim.SGD computes it, without its start-up.

The first step of an optimiser of torch.optim imports torch's compiler, which takes seconds in every process
(performance/step_speed.py). The updated parameters equal those of torch.optim.SGD bit for bit.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class SGD:
    """SGD: v ← momentum · v + (∇ + weight_decay · θ), θ ← θ - lr · v, with v = ∇ + weight_decay · θ at the first step.

    Args:
        parameters: Parameters θ, updated in place.
        momentum: Factor of the velocity v.
        weight_decay: Factor of the parameters that is added to the gradient.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, momentum: float, weight_decay: float) -> None:
        self.parameters = list(parameters)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.velocities: dict[nn.Parameter, Tensor] = {}

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Update every parameter that has a gradient, at learning rate `lr`."""
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.add_(self._velocity(parameter, parameter.grad), alpha=-lr)

    def _velocity(self, parameter: nn.Parameter, gradient: Tensor) -> Tensor:
        if self.weight_decay:
            gradient = gradient.add(parameter, alpha=self.weight_decay)
        if not self.momentum:
            return gradient
        if parameter not in self.velocities:
            self.velocities[parameter] = gradient.clone()
        else:
            self.velocities[parameter].mul_(self.momentum).add_(gradient)
        return self.velocities[parameter]
