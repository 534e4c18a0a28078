"""MoCo v3. Chen, Xie and He, ICCV 2021, https://arxiv.org/abs/2104.02057, Algorithm 1.

The query network (encoder, projector, predictor) classifies one view of an image among keys of the batch. The key of an image
comes from the other view by the momentum network, a slowly moving copy of encoder and projector.
"""

import copy
import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from benchmark.mini import networks
from benchmark.mini.pretraining import monitor, views
from benchmark.mini.pretraining.algorithm import Algorithm, Schedule, mixed_precision

TEMPERATURE = 0.2  # the paper, for ViT; the authors' ResNet-50 recipe has 1.0 at batch 4096
MOMENTUM = 0.99  # the paper: cosine from .99 to 1
HIDDEN, OUT = 512, 128  # the paper: 4096, 256


def mlp(*widths: int) -> nn.Sequential:
    """A head of MoCo v3 (section 3): Linear, BN, ReLU, ..., Linear, BN without affine parameters."""
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(widths)):
        last = i == len(widths) - 2
        layers += [nn.Linear(a, b, bias=False), nn.BatchNorm1d(b, affine=not last)]
        layers += [] if last else [nn.ReLU()]
    return nn.Sequential(*layers)


def info_nce(queries: Tensor, keys: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """The contrastive loss `ctr` of Algorithm 1: 2 tau times the cross-entropy of cosines q k^T / tau.

    Args:
        queries: features of one view, [N, D], normalised here.
        keys: features of the other view, [N, D], normalised here; row i is the positive of query i.
        temperature: tau.

    Returns:
        The loss, a scalar.
    """
    logits = normalize(queries, dim=1) @ normalize(keys, dim=1).T / temperature
    return 2 * temperature * cross_entropy(logits, torch.arange(len(logits)))


def momentum_at(progress: float, start: float) -> float:
    """Momentum at a share `progress` of the run, from `start` to 1 along half a cosine."""
    return 1 - (1 - start) * (math.cos(math.pi * progress) + 1) / 2


@torch.no_grad()
def follow(slow: nn.Module, fast: nn.Module, momentum: float) -> None:
    """Update `slow` in place as a moving average of the parameters of `fast`; BN statistics are not averaged."""
    for s, f in zip(slow.parameters(), fast.parameters(), strict=True):
        s.mul_(momentum).add_(f, alpha=1 - momentum)


class MocoV3(Algorithm):
    """MoCo v3 on two renderings of each object."""

    title = "MoCo v3 (Chen, Xie, He 2021): InfoNCE with a momentum encoder and a predictor"
    data = views.DATA

    def __init__(self, role: str) -> None:
        super().__init__()
        encoder = networks.build_auxiliary(role)
        self.online = nn.Sequential(encoder, mlp(networks.WIDTHS[-1], HIDDEN, HIDDEN, OUT))
        self.predictor = mlp(OUT, HIDDEN, OUT)
        self.slow = copy.deepcopy(self.online).requires_grad_(False)
        self.schedule = Schedule(steps=4500, batch=192)

    def loss(self, step: int) -> Tensor:
        """The symmetrised loss of Algorithm 1, ctr(q1, k2) + ctr(q2, k1)."""
        ids = np.arange(self.schedule.batch) + step * self.schedule.batch
        one, two = views.seen(ids, 0), views.seen(ids, 1)
        with mixed_precision():
            q1, q2 = (self.predictor(self.online(x)) for x in (one, two))
            with torch.no_grad():
                k1, k2 = (self.slow(x) for x in (one, two))
        return info_nce(q1.float(), k2.float()) + info_nce(q2.float(), k1.float())

    def after(self, progress: float) -> None:
        """Update the momentum network."""
        follow(self.slow, self.online, momentum_at(progress, MOMENTUM))

    def product(self) -> nn.Module:
        """The encoder of the query network without projector and predictor."""
        return self.online[0]

    def monitor(self) -> dict[str, float]:
        """Accuracies (%) of nearest neighbours and a linear probe on the encoder."""
        return monitor.probes(self.product())
