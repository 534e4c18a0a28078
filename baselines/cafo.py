"""CaFo: Zhang et al., "Prompt, Generate, then Cache", CVPR 2023, https://arxiv.org/abs/2303.02151.

Two caches, one of CLIP's features and one of DINO's. Each image weighs them by how well they agree with CLIP's
zero-shot logits. In full, images from a generator (DALL-E) join both caches, and the text classifier is made of sentences
from a language model (GPT-3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from baselines.tip_adapter import RECIPE, TUNES, Cache
from baselines.zero_shot import TextClassifier
from benchmark import train
from benchmark.logits import unit, zscore
from benchmark.predictor import Features, Predictor, Samples, Scores, Task
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

    generated=False is CaFo* of the AMU-Tuning paper: without images from DALL-E and sentences from GPT-3. It was never
    released, so what the paper does not say (all but "without") is CaFo's own, and one pass an epoch over the
    real images is left. The authors write α for `beta` and β for `sharpness`, one for both caches.

    generated=True is CaFo: `task.generated` joins both caches, `task.sentences` takes the place of `task.text`, and an
    epoch is one pass over the real images and one over the generated. The released scheduler is stepped in both passes but
    counts the real batches alone, so that its cosine reaches zero early and the rate rises again; here it spans both.
    """

    recipe: Recipe
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
        self.generated = generated
        self.wants = ("generated", "sentences") if generated else ()
        self.beta = beta
        self.sharpness = sharpness
        self.recipe = recipe

    def build(self, task: Task) -> None:
        """Fill both caches. ValueError where generated images and sentences are needed and the task has none."""
        support = task.support
        if self.generated:
            task, support = _told(task), _joined(support, _generated(task))
        self.classifier = TextClassifier(task)
        self.clip_cache = Cache(support, "clip", task.classes, trained=True)
        self.dino_cache = Cache(support, "dino", task.classes, trained=True)

    def fit(self, task: Task) -> None:
        """Train both caches' keys, each epoch on the real images and then, if any, on the generated ones."""
        self.build(task)
        train.run(self, task, self.recipe, also=[_generated(task)] if self.generated else [])
        self.eval()

    def prepare(self, x: Features) -> Features:
        """s₀ [B, C] and both features at length one, [B, D] each."""
        return {"s0": self.classifier(x["clip"]), "clip": unit(x["clip"]), "dino": unit(x["dino"])}

    def match(self, prepared: Features) -> Features:
        """s₀ and the similarities to both caches' keys, [B, N] each."""
        clip, dino = self.clip_cache.match(prepared["clip"]), self.dino_cache.match(prepared["dino"])
        return {"s0": prepared["s0"], "clip": clip, "dino": dino}

    def combine(self, matched: Features) -> Scores:
        """The bias is the mixture L, before beta."""
        s0, caches = matched["s0"], {"clip": self.clip_cache, "dino": self.dino_cache}
        answers = [cache.answer(matched[space], self.sharpness) for space, cache in caches.items()]
        bias = fuse_by_similarity(s0, answers)
        return Scores(zero_shot=s0, bias=bias, fused=s0 + self.beta * bias)

    def scores(self, x: Features) -> Scores:
        """From the features."""
        return self.combine(self.match(self.prepare(x)))


def _generated(task: Task) -> Samples:
    if task.generated is None:
        raise ValueError("CaFo(generated=True) needs task.generated, images of every class, and this task has none")
    return task.generated


def _told(task: Task) -> Task:
    """The same task with the language model's sentences for its text."""
    if task.sentences is None:
        raise ValueError("CaFo(generated=True) needs task.sentences, a text classifier, and this task has none")
    return replace(task, text=task.sentences)


def _joined(real: Samples, generated: Samples) -> Samples:
    """Both as one set of images with one view, the mean of the views that each has."""
    spaces = {space: torch.cat([real.mean(space), generated.mean(space)])[None] for space in CaFo.reads}
    return Samples(spaces, torch.cat([real.labels, generated.labels]))
