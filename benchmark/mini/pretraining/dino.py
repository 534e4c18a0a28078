"""DINO. Caron et al., ICCV 2021, https://arxiv.org/abs/2104.14294, Algorithm 1, with the Sinkhorn-Knopp balancing that
DINOv2 (Oquab et al., 2023, https://arxiv.org/abs/2304.07193, section 4) uses instead of centring.

A student predicts, from one view, how a slowly moving teacher assigns another view to prototypes. In batches of a few hundred
images, training collapsed to the uniform prediction (loss ln K, over 300 steps) until four measures were added together:
batch normalisation in the hidden layers of the head, fixed random prototypes, a slower teacher, and, in the first steps, two
views of one rendering, because two renderings of an object look unrelated to a random teacher. No ablation tells which of the
four measures are necessary.
"""

import copy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import linear, log_softmax, normalize

from benchmark.mini import networks
from benchmark.mini.pretraining import monitor, views
from benchmark.mini.pretraining.algorithm import Algorithm, Schedule, mixed_precision
from benchmark.mini.pretraining.moco_v3 import follow, momentum_at
from benchmark.mini.world.draws import Draws

STUDENT_TEMPERATURE = 0.1  # the paper
TEACHER_TEMPERATURE = 0.04  # the paper, at the start of its warm-up
MOMENTUM = 0.99  # the paper: .996; a shorter run needs a faster teacher
SINKHORN_ROUNDS = 3  # DINOv2
PROTOTYPES = 256  # the paper: 65536; Sinkhorn-Knopp spreads a batch of 192 images over all prototypes
HIDDEN, BOTTLENECK = 512, 96  # the paper: 2048, 256
SAME, WEANED = 0.5, 1200  # share of images with two global views of one rendering; step at which it has fallen to 0


def cross_entropies(students: list[Tensor], targets: list[Tensor]) -> Tensor:
    """DINO's loss: mean cross-entropy over all pairs of a student view s and a teacher view t != s (Algorithm 1).

    Args:
        students: logits of the student, one [N, K] a view.
        targets: assignments of the teacher, one [N, K] a global view.

    Returns:
        The loss, a scalar.
    """
    terms = [
        -(target * log_softmax(student / STUDENT_TEMPERATURE, dim=1)).sum(1).mean()
        for t, target in enumerate(targets)
        for s, student in enumerate(students)
        if s != t
    ]
    return torch.stack(terms).mean()


@torch.no_grad()
def sinkhorn(logits: Tensor, temperature: float = TEACHER_TEMPERATURE, rounds: int = SINKHORN_ROUNDS) -> Tensor:
    """Sinkhorn-Knopp: soft assignments [N, K] from logits [N, K]; rows sum to 1, columns have about equal sums."""
    q = ((logits - logits.max()) / temperature).exp()
    for _ in range(rounds):
        q = q / q.sum(0, keepdim=True) / q.shape[1]
        q = q / q.sum(1, keepdim=True) / q.shape[0]
    return q * q.shape[0]


class Head(nn.Module):
    """Two hidden layers, an L2-normalised bottleneck, and cosines with L2-normalised prototypes: [N, 256] -> [N, K]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_hidden(width), *_hidden(HIDDEN), nn.Linear(HIDDEN, BOTTLENECK, bias=False))
        self.spread = nn.BatchNorm1d(BOTTLENECK, affine=False)
        self.prototypes: Tensor
        self.register_buffer("prototypes", normalize(torch.randn(PROTOTYPES, BOTTLENECK), dim=1))

    def forward(self, x: Tensor) -> Tensor:
        """Cosines with the prototypes, float32 [N, K]."""
        with torch.autocast("cpu", enabled=False):  # bfloat16 cannot resolve the small differences of random features
            return linear(normalize(self.spread(self.layers(x.float())), dim=1), self.prototypes)


def _hidden(width: int, out: int = HIDDEN) -> list[nn.Module]:
    """A hidden layer with batch normalisation, the option use_bn_in_head of DINO's code."""
    return [nn.Linear(width, out, bias=False), nn.BatchNorm1d(out), nn.GELU()]


def paired(pictures: list[Tensor], step: int) -> list[Tensor]:
    """Both renderings of each image, the second replaced by the first for a share of images that falls with `step`."""
    same = int(len(pictures[0]) * SAME * max(0.0, 1 - step / WEANED))
    return [pictures[0], torch.cat([pictures[0][:same], pictures[1][same:]])]


class Dino(Algorithm):
    """DINO on two global views and one local crop of rendered objects."""

    title = "DINO (Caron et al. 2021) with DINOv2's Sinkhorn-Knopp balancing: self-distillation into prototypes"
    data = f"{views.DATA}; at first half of the images, from step {WEANED} on none, have both views of one rendering"

    def __init__(self, role: str) -> None:
        super().__init__()
        self.student = nn.Sequential(networks.build_auxiliary(role), Head(networks.WIDTHS[-1]))
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.schedule = Schedule(steps=7000, batch=192)

    def loss(self, step: int) -> Tensor:
        """Cross-entropies between the student on all views and the teacher on the global views."""
        ids = np.arange(self.schedule.batch) + step * self.schedule.batch
        pictures = paired([views.picture(ids, view) for view in (0, 1)], step)
        whole = [views.augment(p, Draws("pretrain", "augment", v, ids=ids)) for v, p in enumerate(pictures)]
        local = Draws("pretrain", "augment", "local", ids=ids)
        part = views.augment(pictures[0], local, views.LOCAL_AREA, views.LOCAL_SIZE)
        with mixed_precision():
            students = [self.student(x) for x in (*whole, part)]
            with torch.no_grad():
                teachers = [self.teacher(x) for x in whole]
        targets = sinkhorn(torch.cat([t.float() for t in teachers])).split(len(ids))
        return cross_entropies([s.float() for s in students], list(targets))

    def after(self, progress: float) -> None:
        """Update the teacher as a moving average of the student."""
        follow(self.teacher, self.student, momentum_at(progress, MOMENTUM))

    def product(self) -> nn.Module:
        """The encoder of the teacher, which the paper evaluates."""
        return self.teacher[0]

    def monitor(self) -> dict[str, float]:
        """Accuracies (%) of nearest neighbours and a linear probe on the encoder of the teacher."""
        return monitor.probes(self.product())
