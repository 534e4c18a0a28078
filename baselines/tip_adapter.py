"""Tip-Adapter and Tip-Adapter-F: Zhang et al., ECCV 2022, https://arxiv.org/abs/2207.09519.

The support set is a cache: its features are keys, their classes the values. An image asks the cache which classes
its neighbours have, and the answer is the logit bias. Tip-Adapter learns nothing, Tip-Adapter-F trains the keys.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from baselines.zero_shot import TextClassifier
from benchmark.logits import unit
from benchmark.predictor import Features, Predictor, Samples, Scores, Task
from benchmark.train import Recipe

# Tip-Adapter, main_imagenet.py and configs/imagenet.yaml: the official search has 200 values of what is
# called sharpness here, of which every twentieth is kept, and 20 of beta.
TUNES: Mapping[str, Sequence[float]] = {
    "sharpness": tuple(0.1 + i * (7 - 0.1) / 200 for i in range(0, 200, 20)),
    "beta": tuple(0.1 + j * (3 - 0.1) / 20 for j in range(20)),
}

# Tip-Adapter, main_imagenet.py; torch's default weight decay of 0.01.
RECIPE = Recipe(optimizer="adamw", lr=1e-3, eps=1e-4, weight_decay=0.01, batch_size=256, epochs=20)


def affinity(similarity: Tensor, sharpness: float) -> Tensor:
    """φ(q̂·k) = exp(-sharpness · (1 - q̂·k)), number by number."""
    return similarity.sub(1).mul_(sharpness).exp_()


def class_sums(values: Tensor, counts: Tensor) -> Tensor:
    """Sum columns class by class: values [B, N], sorted by class, and counts [C] of each class -> [B, C].

    Equal to `values @ one_hot(labels)`, which spends C multiplications where one addition will do.
    """
    shots = values.shape[1] // len(counts)
    if bool((counts == shots).all()):
        return values.unflatten(1, (len(counts), shots)).sum(2)
    labels = torch.arange(len(counts), device=counts.device).repeat_interleave(counts)
    return values.new_zeros(len(values), len(counts)).index_add(1, labels, values)


class Cache(nn.Module):
    """Keys [N, D], sorted by class, and how many there are of each class [C].

    A key is an image's feature averaged over its views, un-normalised, and then made unit; the official code
    averages ten augmented passes (CaFo on ImageNet takes one). With `trained` the keys are a parameter.
    """

    keys: Tensor
    counts: Tensor

    def __init__(self, support: Samples, space: str, classes: int, *, trained: bool) -> None:
        super().__init__()
        order = support.labels.argsort(stable=True)
        keys = unit(support.mean(space))[order]
        if trained:
            self.keys = nn.Parameter(keys)
        else:
            self.register_buffer("keys", keys)
        self.register_buffer("counts", support.labels.bincount(minlength=classes))

    def match(self, queries: Tensor) -> Tensor:
        """Similarities q̂·k of unit features [B, D] and the keys -> [B, N].

        The keys are taken at the length they have, which training may change (official code).
        """
        return queries @ self.keys.T

    def answer(self, similarity: Tensor, sharpness: float) -> Tensor:
        """Similarities [B, N] -> affinities summed by class, [B, C]."""
        return class_sums(affinity(similarity, sharpness), self.counts)


class TipAdapter(Predictor):
    """Training-free: s = s₀ + beta · φ(f̂ Kᵀ) V, with the keys K and one-hot labels V of the support set.

    The authors write α for `beta` and β for `sharpness`.
    """

    feature = "CLIP"
    predictor = "Cache"
    fusion_kind = "Manual Tuning"
    tunes: ClassVar[Mapping[str, Sequence[float]]] = TUNES
    trained: ClassVar[bool] = False

    def __init__(
        self,
        *,
        beta: float = 1.0,  # the paper's α
        sharpness: float = 5.5,  # the paper's β
    ) -> None:
        super().__init__()
        self.beta = beta
        self.sharpness = sharpness

    def build(self, task: Task) -> None:
        """Put the support set into the cache."""
        self.classifier = TextClassifier(task)
        self.cache = Cache(task.support, "clip", task.classes, trained=self.trained)

    def prepare(self, x: Features) -> Features:
        """s₀ [B, C] and f̂ [B, D]."""
        return {"s0": self.classifier(x["clip"]), "clip": unit(x["clip"])}

    def match(self, prepared: Features) -> Features:
        """s₀ and the similarities to the keys [B, N]."""
        return {"s0": prepared["s0"], "clip": self.cache.match(prepared["clip"])}

    def combine(self, matched: Features) -> Scores:
        """The bias is the cache's answer before beta."""
        s0, bias = matched["s0"], self.cache.answer(matched["clip"], self.sharpness)
        return Scores(zero_shot=s0, bias=bias, fused=s0 + self.beta * bias)

    def scores(self, x: Features) -> Scores:
        """From the features."""
        return self.combine(self.match(self.prepare(x)))


class TipAdapterF(TipAdapter):
    """Tip-Adapter with trained keys, which are not made unit again on the way (official code)."""

    trained = True

    def __init__(
        self,
        *,
        beta: float = 1.17,  # configs/imagenet.yaml, init_alpha; the paper says 1
        sharpness: float = 1.0,  # configs/imagenet.yaml, init_beta: keys are trained at 1; the paper says 5.5
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__(beta=beta, sharpness=sharpness)
        self.recipe = recipe
