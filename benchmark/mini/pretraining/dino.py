"""DINO. Caron et al., ICCV 2021, https://arxiv.org/abs/2104.14294, Algorithm 1, with the Sinkhorn-Knopp balancing that
DINOv2 (Oquab et al., 2023, https://arxiv.org/abs/2304.07193, section 4) puts in the place of centring.

A student predicts, from one view, how a slowly moving teacher sorts another view into prototypes. In batches of a few
hundred images it needs help to start. Without what follows the loss went to ln K, the answer that is uniform for every
image, and stayed there (300 steps): batch normalisation in the head's hidden layers, prototypes that stay as they are
drawn, a slower teacher, and, at first, views of one and the same picture, because two renderings of an object have next to
nothing in common for a random teacher. Which of these it could do without was not tried one by one.
"""

import copy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import linear, log_softmax, normalize

from benchmark.mini import networks
from benchmark.mini.pretraining import monitor, views
from benchmark.mini.pretraining.algorithm import Algorithm, Schedule
from benchmark.mini.pretraining.moco_v3 import follow, momentum_at
from benchmark.mini.world.draws import Draws

STUDENT_TEMPERATURE = 0.1  # the paper
TEACHER_TEMPERATURE = 0.04  # the paper, at the start of its warm-up
MOMENTUM = 0.99  # the paper: .996; a shorter run needs a faster teacher
SINKHORN_ROUNDS = 3  # DINOv2
PROTOTYPES = 256  # the paper: 65536; a batch must be able to fill them
HIDDEN, BOTTLENECK = 512, 96  # the paper: 2048, 256
SAME, WEANED = 0.5, 1200  # share of images both of whose global views are of one picture, falling to 0 at that step


def cross_entropies(students: list[Tensor], targets: list[Tensor]) -> Tensor:
    """Mean of H(target of view t, student's softmax of view s) over all pairs s != t; logits and targets [N, K]."""
    terms = [
        -(target * log_softmax(student / STUDENT_TEMPERATURE, dim=1)).sum(1).mean()
        for t, target in enumerate(targets)
        for s, student in enumerate(students)
        if s != t
    ]
    return torch.stack(terms).mean()


@torch.no_grad()
def sinkhorn(logits: Tensor, temperature: float = TEACHER_TEMPERATURE, rounds: int = SINKHORN_ROUNDS) -> Tensor:
    """Soft assignments [N, K] whose rows sum to one and whose columns are about equally used."""
    q = ((logits - logits.max()) / temperature).exp()
    for _ in range(rounds):
        q = q / q.sum(0, keepdim=True) / q.shape[1]
        q = q / q.sum(1, keepdim=True) / q.shape[0]
    return q * q.shape[0]


class Head(nn.Module):
    """Two hidden layers, a bottleneck on the unit sphere, and its cosine with unit prototypes: [N, 256] -> [N, K]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_hidden(width), *_hidden(HIDDEN), nn.Linear(HIDDEN, BOTTLENECK, bias=False))
        self.spread = nn.BatchNorm1d(BOTTLENECK, affine=False)
        self.prototypes: Tensor
        self.register_buffer("prototypes", normalize(torch.randn(PROTOTYPES, BOTTLENECK), dim=1))

    def forward(self, x: Tensor) -> Tensor:
        """Cosines with the prototypes, float32."""
        with torch.autocast("cpu", enabled=False):  # random features differ too little from each other for bfloat16
            return linear(normalize(self.spread(self.layers(x.float())), dim=1), self.prototypes)


def _hidden(width: int, out: int = HIDDEN) -> list[nn.Module]:
    """A hidden layer; DINO's code has the same as its option use_bn_in_head."""
    return [nn.Linear(width, out, bias=False), nn.BatchNorm1d(out), nn.GELU()]


def paired(pictures: list[Tensor], step: int) -> list[Tensor]:
    """The two renderings of each image, the second replaced by the first for the share of images due at this step."""
    same = int(len(pictures[0]) * SAME * max(0.0, 1 - step / WEANED))
    return [pictures[0], torch.cat([pictures[0][:same], pictures[1][same:]])]


class Dino(Algorithm):
    """DINO on two global renderer views and one local crop."""

    title = "DINO (Caron et al. 2021) with DINOv2's Sinkhorn-Knopp balancing: self-distillation into prototypes"
    data = f"{views.DATA}; at first half of the images, from step {WEANED} on none, have both views of one rendering"

    def __init__(self, role: str) -> None:
        super().__init__()
        self.student = nn.Sequential(networks.build_auxiliary(role), Head(networks.WIDTHS[-1]))
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.schedule = Schedule(steps=2300, batch=192)

    def loss(self, step: int) -> Tensor:
        """Students of all views against teachers of the global ones."""
        ids = np.arange(self.schedule.batch) + step * self.schedule.batch
        pictures = paired([views.picture(ids, view) for view in (0, 1)], step)
        whole = [views.augment(p, Draws("pretrain", "augment", v, ids=ids)) for v, p in enumerate(pictures)]
        local = Draws("pretrain", "augment", "local", ids=ids)
        part = views.augment(pictures[0], local, views.LOCAL_AREA, views.LOCAL_SIZE)
        with torch.autocast("cpu", torch.bfloat16):
            students = [self.student(x) for x in (*whole, part)]
            with torch.no_grad():
                teachers = [self.teacher(x) for x in whole]
        targets = sinkhorn(torch.cat([t.float() for t in teachers])).split(len(ids))
        return cross_entropies([s.float() for s in students], list(targets))

    def after(self, progress: float) -> None:
        """Move the teacher."""
        follow(self.teacher, self.student, momentum_at(progress, MOMENTUM))

    def product(self) -> nn.Module:
        """The teacher's encoder, which the paper evaluates."""
        return self.teacher[0]

    def monitor(self) -> dict[str, float]:
        """Probes on the teacher's encoder."""
        return monitor.probes(self.product())
