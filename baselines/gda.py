"""GDA: Wang et al., ICLR 2024, "A Hard-to-Beat Baseline for Training-free CLIP-based Adaptation", arXiv 2402.04087.

Gaussian discriminant analysis of the image features: a mean for each class, one covariance for all. Nothing is trained, and
the weight beta of its logits is the only setting.
"""

import math

import torch
from torch import Tensor

from baselines.bias_head import BiasHead, class_counts
from baselines.zero_shot import TextClassifier
from benchmark.core import warned
from benchmark.methods import Choice, Released, Samples, Task
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product

TUNES = {"beta": tuple(10.0**power for power in range(-4, 3))}  # main_few_shots.py, seven powers of ten


class GDA(BiasHead):
    """s = s₀ + beta · (f̂ · w_c + b_c) with w_c = P μ_c and b_c = log 1/C - ½ μ_cᵀ P μ_c.

    μ_c is the mean of a class over all views of its images, which count as separate images, and P the shrunk precision of
    `precision_times`. The released code has ten augmented views. With one view of one image a class nothing varies within
    a class: P is zero then, as the pseudo-inverse in the released code, the method is zero-shot CLIP, and a line says it. A
    class without images raises a ValueError.

    Args:
        aux: Feature space of the discriminant; "clip" is the paper's.
        beta: Weight of the bias.
    """

    predictor = "GDA"
    fusion_kind = "Manual Tuning"
    tunes = TUNES
    released = Released(
        "mrflogs/ICLR24, main_few_shots.py", Choice(settings="val"), {"imagenet": Choice(settings="test")}
    )

    weight: Tensor
    constant: Tensor

    def __init__(
        self,
        *,
        aux: str = "clip",
        beta: float = 1.0,  # the plain sum; the released code always searches
    ) -> None:
        super().__init__(aux=aux, beta=beta)

    def build(self, task: Task) -> None:
        """Compute w [C, D] and b [C] in double precision."""
        self.classifier = TextClassifier(task)
        means = pooled_means(task.support, self.aux, task.classes)
        weight = precision_times(task.support, self.aux, means)
        constant = -math.log(task.classes) - (weight * means).sum(1) / 2
        self.register_buffer("weight", weight.to(task.text))
        self.register_buffer("constant", constant.to(task.text))

    def bias(self, f: Tensor) -> Tensor:
        """f̂ · w_c + b_c, [B, D] -> [B, C]."""
        return product(f, self.weight, self.constant)


def pooled_means(support: Samples, space: str, classes: int) -> Tensor:
    """Class means μ [C, D] of unit features over all views, in double precision; a class without images is an error."""
    counts = class_counts(support, classes, "GDA")
    views = support.spaces[space]
    sums = torch.zeros(classes, views.shape[2], dtype=torch.double, device=views.device)
    for view in views:
        sums.index_add_(0, support.labels, unit(view).double())
    return sums / (len(views) * counts)[:, None]


def precision_times(support: Samples, space: str, means: Tensor) -> Tensor:
    """Rows μ_c times the shrunk precision P = D · ((n - 1) S + tr(S) I)⁻¹, by a Cholesky decomposition.

    S is the covariance, with divisor n - 1, of the n = V · N class-centred unit features, so that the shrinkage weakens as n
    grows. One view of the support set is held in double precision at a time.

    Args:
        support: Support set.
        space: Feature space.
        means: Class means μ [C, D].

    Returns:
        μ P [C, D]; zeros where the features of a class do not differ.
    """
    width, samples = means.shape[1], support.spaces[space].shape[0] * len(support)
    scatter = means.new_zeros(width, width)  # (n - 1) S
    for view in support.spaces[space]:
        centred = unit(view).double() - means[support.labels]
        scatter += centred.T @ centred
    spread = float(scatter.trace())
    if spread <= samples * torch.finfo(torch.float32).eps ** 2:  # the rounding of features in single precision
        warned.note("GDA: the views of a class's support images do not differ, so that there is no covariance")
        return torch.zeros_like(means)
    shrunk = scatter + spread / max(samples - 1, 1) * torch.eye(width).to(scatter)
    return width * torch.cholesky_solve(means.T, torch.linalg.cholesky(shrunk)).T
