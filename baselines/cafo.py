"""CaFo: Zhang et al., "Prompt, Generate, then Cache", CVPR 2023, https://arxiv.org/abs/2303.02151.

Two caches, one of CLIP's features and one of DINO's. Each image weighs them by how well they agree with CLIP's
zero-shot logits.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from baselines.tip_adapter import RECIPE, TUNES, Cache
from baselines.zero_shot import TextClassifier
from benchmark.logits import zscore
from benchmark.predictor import Features, Predictor, Scores, Task
from benchmark.train import Recipe


def fuse_by_similarity(s0: Tensor, answers: Sequence[Tensor]) -> Tensor:
    """Mix the caches' answers, each [B, C], by their similarity with s₀ [B, C] -> [B, C].

    L = Σ_k w_k z(L_k) with w = softmax_k(z(s₀) · z(L_k)), where z is the z-score of a row. The similarity is C - 1
    times the correlation, so the more classes there are, the more the better cache takes all.
    So the released code (OpenGVLab/CaFo); Eq. 4 of the AMU-Tuning paper has α and 1 - α, and no z-scores.
    """
    z = torch.stack([zscore(answer) for answer in answers])
    weights = (z * zscore(s0)).sum(-1).softmax(0)
    return (weights[..., None] * z).sum(0)


class CaFo(Predictor):
    """s = s₀ + beta · L, the bias L mixed by similarity from a CLIP and a DINO cache with trained keys.

    This is CaFo* of the AMU-Tuning paper: without images from DALL-E and sentences from GPT-3. It was never
    released, so what the paper does not say (all but "without") is CaFo's own, and one pass an epoch over the
    real images is left. The authors write α for `beta` and β for `sharpness`, one for both caches.
    """

    reads = ("clip", "dino")
    feature = "CLIP+DINO"
    predictor = "Cache"
    fusion_kind = "Similarity-based"
    tunes: ClassVar[Mapping[str, Sequence[float]]] = TUNES  # CaFo's configs/imagenet search the same grid

    def __init__(
        self,
        *,
        generated: bool = False,
        beta: float = 0.6,  # CaFo's ImageNet configuration for 16 shots; 0.3, 0.3, 0.4, 0.5 for 1, 2, 4, 8
        sharpness: float = 1.0,  # every configuration of CaFo
        recipe: Recipe = RECIPE,  # CaFo: AdamW at 1e-3, batch 256, 20 epochs, as Tip-Adapter-F
    ) -> None:
        super().__init__()
        if generated:
            raise ValueError("generated=True needs generated images, and a Task carries none")
        self.generated = generated
        self.beta = beta
        self.sharpness = sharpness
        self.recipe = recipe

    def build(self, task: Task) -> None:
        """Put the support set into both caches."""
        self.classifier = TextClassifier(task)
        self.clip_cache = Cache(task.support, "clip", task.classes, trained=True)
        self.dino_cache = Cache(task.support, "dino", task.classes, trained=True)

    def scores(self, x: Features) -> Scores:
        """The bias is the mixture L, before beta."""
        s0 = self.classifier(x["clip"])
        answers = [self.clip_cache(x["clip"], self.sharpness), self.dino_cache(x["dino"], self.sharpness)]
        bias = fuse_by_similarity(s0, answers)
        return Scores(zero_shot=s0, bias=bias, fused=s0 + self.beta * bias)
