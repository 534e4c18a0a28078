"""ProKeR: Bendou et al., CVPR 2025, "A Kernel Perspective on Few-Shot Adaptation of Large Vision-Language Models".

arXiv 2501.11175. Kernel ridge regression, with Tip-Adapter's kernel, of what zero-shot CLIP leaves over of the one-hot labels
of the support set. Nothing is trained.
"""

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve
from threadpoolctl import threadpool_limits
from torch import Tensor

from baselines.bias_head import BiasHead, class_counts
from baselines.tip_adapter import affinity
from baselines.zero_shot import TextClassifier
from benchmark.core import warned
from benchmark.core.digest import Json
from benchmark.methods import Choice, Released, Task
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product

# Configurations of omarnust/BReg-Adapter, whose history begins with the paper's first author: sharpness γ and λ by shots, one
# pair for all data sets (the option "imagenet" of its search), itself chosen on ImageNet's test images.
PAIRS = {1: (3.0, 0.05), 2: (2.6, 0.05), 4: (1.5, 0.05), 8: (1.66, 0.07), 16: (1.7, 0.1)}
# The released code searches λ, which is its beta, from 0.001 to 1; freed from λ, beta may be larger.
TUNES = {"beta": tuple(0.001 * 4**k for k in range(8))}

POINTS = 16_000
"""Largest number of support points: ImageNet with 16 shots and one view, whose kernel takes 2 GB."""


class ProKeR(BiasHead):
    """s = s₀ + beta · scale · k(f̂, S) (K + λ I)⁻¹ (Y - F Tᵀ), k(x, y) = exp(-sharpness · (1 - x · y)), K = k(S, S).

    Y are the one-hot labels and F Tᵀ the cosines of zero-shot CLIP on the support set S. The released code has beta = λ.
    Views count as points of their own, view 0 first, as many as `POINTS` allows. A class without images raises a ValueError.

    Args:
        aux: Feature space of the kernel; "clip" is the paper's.
        sharpness: γ of the paper.
        lam: λ, positive.
        beta: Weight of the bias; None is λ.
        views: Views of each support image that are points.
    """

    predictor = "Kernel ridge"
    fusion_kind = "Manual Tuning"
    tunes = TUNES
    released = Released(
        "omarnust/BReg-Adapter, trainers/proker.py", Choice(settings="val"), {"imagenet": Choice(settings="test")}
    )

    points: Tensor
    answers: Tensor

    def __init__(
        self,
        *,
        aux: str = "clip",
        sharpness: float = PAIRS[16][0],
        lam: float = PAIRS[16][1],
        beta: float | None = None,
        views: int = 10,  # augment_epoch; 1 on ImageNet
    ) -> None:
        if not lam > 0 or views < 1:
            raise ValueError(f"lam={lam!r}, views={views!r}: both must be positive")
        super().__init__(aux=aux, beta=lam if beta is None else beta)
        self.sharpness = sharpness
        self.lam = lam
        self.views = views

    @classmethod
    def published(cls, dataset: str, shots: int) -> Json:
        """The pair of the nearest smaller number of shots, with one view on ImageNet; empty for no shots."""
        fitting = [pair for k, pair in PAIRS.items() if k <= shots]
        if not fitting:
            return {}
        views = {"views": 1} if dataset == "imagenet" else {}
        return {"sharpness": fitting[-1][0], "lam": fitting[-1][1], **views}

    def build(self, task: Task) -> None:
        """Solve for the answers (K + λ I)⁻¹ (Y - F Tᵀ) [M, C] of the M points, in double precision."""
        self.classifier = TextClassifier(task)
        class_counts(task.support, task.classes, "ProKeR")
        used = self._used(*task.support.spaces[self.aux].shape[:2])
        points = unit(task.support.spaces[self.aux][:used]).flatten(0, 1)
        clip = unit(task.support.spaces["clip"][:used]).flatten(0, 1)
        labels = task.support.labels.repeat(used)
        left = torch.nn.functional.one_hot(labels, task.classes).double() - (clip @ task.text.T).double()
        answers = torch.from_numpy(solved(points.cpu().double(), self.sharpness, self.lam, left.cpu()))
        self.register_buffer("points", points)
        self.register_buffer("answers", (task.logit_scale * answers.T).contiguous().to(task.text))

    def bias(self, f: Tensor) -> Tensor:
        """scale · k(f̂, S) (K + λ I)⁻¹ (Y - F Tᵀ), [B, D] -> [B, C]."""
        return product(affinity(product(f, self.points), self.sharpness), self.answers)

    def _used(self, there: int, images: int) -> int:
        """Number of views whose points fit; a line says where the memory of the kernel makes it fewer than asked for."""
        asked = min(self.views, there)
        used = min(asked, max(1, POINTS // images))
        if used < asked:
            warned.note(f"ProKeR: {used} of {asked} views, as its kernel has at most {POINTS} points")
        return used


def solved(points: Tensor, sharpness: float, lam: float, right: Tensor) -> np.ndarray:
    """Solve (K + λ I) A = R by a Cholesky decomposition in the memory of the kernel K.

    Args:
        points: Unit points [M, D], on the CPU in double precision.
        sharpness: Sharpness of the kernel.
        lam: λ.
        right: Right side R [M, C].

    Returns:
        A [M, C].
    """
    kernel = points @ points.T
    kernel.sub_(1).mul_(sharpness).exp_()  # `affinity` in place: the kernel is what takes the memory
    kernel.diagonal().add_(lam)
    with threadpool_limits(torch.get_num_threads(), user_api="blas"):
        factor = cho_factor(kernel.numpy().T, lower=True, overwrite_a=True, check_finite=False)
        solution: np.ndarray = cho_solve(factor, right.numpy(), check_finite=False)
    return solution
