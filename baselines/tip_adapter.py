"""Tip-Adapter and Tip-Adapter-F: Zhang et al., ECCV 2022, https://arxiv.org/abs/2207.09519.

The support set is a cache: its features are keys, their classes the values. An image asks the cache which classes
its neighbours have, and the answer is the logit bias. Tip-Adapter learns nothing, Tip-Adapter-F trains the keys.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from baselines.zero_shot import TextClassifier
from benchmark.methods import Features, Predictor, Recipe, Samples, Scores, Task
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product

# Tip-Adapter, main_imagenet.py; torch's default weight decay of 0.01.
RECIPE = Recipe(optimizer="adamw", lr=1e-3, eps=1e-4, weight_decay=0.01, batch_size=256, epochs=20)

OFFICIAL_STEPS = 200
"""Values of the sharpness in the official search (Tip-Adapter and CaFo, utils.py and every configuration)."""


@dataclass(frozen=True)
class Search:
    """What is searched after training: the official grid up to (and without) these ends, `steps` of its 200 values of the
    sharpness and 20 of beta. ValueError unless `steps` divides 200.
    """

    sharpness: float = 7.0  # Tip-Adapter and CaFo, configs/imagenet.yaml, search_scale
    beta: float = 3.0  # the same
    steps: int = 10  # every twentieth

    def __post_init__(self) -> None:
        """Refuse a number of steps that the official grid cannot be thinned to."""
        if self.steps < 1 or OFFICIAL_STEPS % self.steps:
            raise ValueError(
                f"search steps={self.steps}: the official search has {OFFICIAL_STEPS}; give a divisor of it"
            )

    @property
    def grid(self) -> Mapping[str, Sequence[float]]:
        """0.1 + i · (end - 0.1) / n for i = 0 … n - 1 (utils.py, search_hp)."""
        kept = range(0, OFFICIAL_STEPS, OFFICIAL_STEPS // self.steps)
        return {
            "sharpness": tuple(0.1 + i * (self.sharpness - 0.1) / OFFICIAL_STEPS for i in kept),
            "beta": tuple(0.1 + j * (self.beta - 0.1) / 20 for j in range(20)),
        }


SEARCH = Search()


class Config(NamedTuple):
    """One of the released configurations: init_alpha, the ends of the search (search_scale), train_epoch."""

    beta: float
    search_sharpness: float
    search_beta: float
    epochs: int = 20


# Tip-Adapter, configs/*.yaml: one for each data set, for any number of shots. init_beta is 1 in all of them.
CONFIGS: Mapping[str, Config] = {
    "imagenet": Config(1.17, 7, 3),
    "caltech101": Config(3, 12, 5),
    "oxford_pets": Config(1.17, 7, 3),
    "stanford_cars": Config(3, 20, 10),
    "flowers102": Config(10, 50, 50),
    "food101": Config(1.17, 10, 10),
    "fgvc_aircraft": Config(5, 30, 30),
    "sun397": Config(1.17, 12, 10),
    "dtd": Config(2, 13, 13),
    "eurosat": Config(2, 12, 10, epochs=100),
    "ucf101": Config(3, 7, 3),
}


AT_A_TIME = 2**21
"""Affinities worked out at a time: with 16,000 keys those of 1,000 images leave the processor's caches, and take twice
as long or more (performance/scoring_speed.py).
"""


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

    def among(self, classes: Tensor) -> "Cache":
        """The cache of some classes alone, in this order."""
        labels = torch.arange(len(self.counts), device=self.counts.device).repeat_interleave(self.counts)
        few = deepcopy(self)
        few.keys.data = self.keys.detach()[torch.cat([(labels == c).nonzero()[:, 0] for c in classes])]
        few.counts = self.counts[classes]
        return few

    def match(self, queries: Tensor) -> Tensor:
        """Similarities q̂·k of unit features [B, D] and the keys -> [B, N].

        The keys are taken at the length they have, which training may change (official code).
        """
        return product(queries, self.keys)

    def answer(self, similarity: Tensor, sharpness: float) -> Tensor:
        """Similarities [B, N] -> affinities summed by class, [B, C]."""
        if torch.is_grad_enabled():
            return class_sums(affinity(similarity, sharpness), self.counts)
        rows = max(1, AT_A_TIME // similarity.shape[1])
        return torch.cat([class_sums(affinity(some, sharpness), self.counts) for some in similarity.split(rows)])


class TipAdapter(Predictor):
    """Training-free: s = s₀ + beta · φ(f̂ Kᵀ) V, with the keys K and one-hot labels V of the support set.

    The authors write α for `beta` and β for `sharpness`.
    """

    feature = "CLIP"
    predictor = "Cache"
    fusion_kind = "Manual Tuning"
    trained: ClassVar[bool] = False

    def __init__(
        self,
        *,
        beta: float = 1.0,  # the paper's α
        sharpness: float = 5.5,  # the paper's β
        search: Search = SEARCH,
    ) -> None:
        super().__init__()
        self.beta = beta
        self.sharpness = sharpness
        self.search = search
        self.tunes = search.grid

    @classmethod
    def published(cls, dataset: str, shots: int) -> Mapping[str, Any]:
        """The configuration of the data set, and the whole official search; the defaults for an unknown data set."""
        if dataset not in CONFIGS:
            return {}
        config = CONFIGS[dataset]
        search = {"sharpness": config.search_sharpness, "beta": config.search_beta, "steps": OFFICIAL_STEPS}
        found = {"beta": config.beta, "sharpness": 1.0, "search": search}
        return {**found, "recipe": {"epochs": config.epochs}} if cls.trained else found

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
        search: Search = SEARCH,
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__(beta=beta, sharpness=sharpness, search=search)
        self.recipe = recipe
