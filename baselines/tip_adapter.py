"""Tip-Adapter and Tip-Adapter-F: Zhang et al., ECCV 2022, https://arxiv.org/abs/2207.09519.

The support set is a cache whose keys are image features and whose values are classes. The logit bias of an image is the sum,
for each class, of its affinities to the keys. Tip-Adapter is not trained; Tip-Adapter-F trains the keys.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from baselines.zero_shot import TextClassifier
from benchmark.core.digest import Json
from benchmark.methods import Choice, Features, Predictor, Recipe, Released, Samples, Scores, Task
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product

# Tip-Adapter, main_imagenet.py; torch's default weight decay of 0.01.
RECIPE = Recipe(optimizer="adamw", lr=1e-3, eps=1e-4, weight_decay=0.01, batch_size=256, epochs=20)

OFFICIAL_STEPS = 200
"""Values of the sharpness in the official search (Tip-Adapter and CaFo, utils.py and every configuration)."""


@dataclass(frozen=True)
class Search:
    """The grid searched after training: `steps` of the official 200 values of the sharpness, and the official 20 of beta.

    Attributes:
        sharpness: End of the values of the sharpness, not included.
        beta: End of the values of beta, not included.
        steps: Number of values of the sharpness, a divisor of 200.
    """

    sharpness: float = 7.0  # Tip-Adapter and CaFo, configs/imagenet.yaml, search_scale
    beta: float = 3.0  # search_scale too
    steps: int = 10  # every twentieth

    def __post_init__(self) -> None:
        """Check the number of steps.

        Raises:
            ValueError: `steps` does not divide the official 200.
        """
        if self.steps < 1 or OFFICIAL_STEPS % self.steps:
            raise ValueError(
                f"search steps={self.steps}: the official search has {OFFICIAL_STEPS}; give a divisor of it"
            )

    @property
    def grid(self) -> Mapping[str, Sequence[float]]:
        """Values 0.1 + i · (end - 0.1) / n for i = 0 … n - 1 of sharpness and beta (utils.py, search_hp)."""
        kept = range(0, OFFICIAL_STEPS, OFFICIAL_STEPS // self.steps)
        return {
            "sharpness": tuple(0.1 + i * (self.sharpness - 0.1) / OFFICIAL_STEPS for i in kept),
            "beta": tuple(0.1 + j * (self.beta - 0.1) / 20 for j in range(20)),
        }


SEARCH = Search()


class Config(NamedTuple):
    """A released configuration.

    Attributes:
        beta: init_alpha.
        search_sharpness: End of the search of the sharpness (search_scale).
        search_beta: End of the search of beta (search_scale).
        epochs: train_epoch.
    """

    beta: float
    search_sharpness: float
    search_beta: float
    epochs: int = 20


# Tip-Adapter, configs/*.yaml: one for each data set, for all numbers of shots. init_beta is 1 in all of them.
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


# Tip-Adapter, main.py and main_imagenet.py: epochs are compared on test; sharpness and beta are searched on the whole
# validation split, or on ImageNet on test. The larger of the test accuracies with and without the search is reported.
EPOCH_AND_SETTINGS = Choice(epoch="test", settings="test")
SETTINGS_ON_VAL = Choice(epoch="test", settings="val", better="test")

AT_A_TIME = 2**21
"""Affinities computed at a time. With 16,000 keys, those of 1,000 images exceed the processor's caches, which at least
doubles the time (performance/scoring_speed.py).
"""


def affinity(similarity: Tensor, sharpness: float) -> Tensor:
    """Affinity φ(q̂·k) = exp(-sharpness · (1 - q̂·k)) of Tip-Adapter.

    Args:
        similarity: Similarities q̂·k of any shape.
        sharpness: Sharpness, β in the paper.

    Returns:
        Affinities in the shape of `similarity`.

    Example:
        >>> [round(value, 4) for value in affinity(torch.tensor([1.0, 0.0]), 1.0).tolist()]  # 1, 1/e
        [1.0, 0.3679]
    """
    return similarity.sub(1).mul_(sharpness).exp_()


def class_sums(values: Tensor, counts: Tensor) -> Tensor:
    """Sum the columns of each class: values @ one_hot(labels) without the multiplications by zero.

    Args:
        values: Values [B, N], columns sorted by class.
        counts: Number of columns of each class [C].

    Returns:
        Sums [B, C].

    Example:
        >>> class_sums(torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([2, 1])).tolist()
        [[3.0, 4.0]]
    """
    shots = values.shape[1] // len(counts)
    if bool((counts == shots).all()):
        return values.unflatten(1, (len(counts), shots)).sum(2)
    labels = torch.arange(len(counts), device=counts.device).repeat_interleave(counts)
    return values.new_zeros(len(values), len(counts)).index_add(1, labels, values)


class Cache(nn.Module):
    """A cache: keys [N, D], sorted by class, and the number of keys of each class [C].

    A key is the mean of an image's features over its views, L2-normalised after averaging only. The official code averages
    ten augmented passes (CaFo on ImageNet uses one).

    Args:
        support: Images of the cache.
        space: Feature space of the keys.
        classes: Number of classes.
        trained: Whether the keys are a parameter.
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
        """A copy with the keys of `classes` [C'] only, in their order."""
        labels = torch.arange(len(self.counts), device=self.counts.device).repeat_interleave(self.counts)
        subset = deepcopy(self)
        subset.keys.data = self.keys.detach()[torch.cat([(labels == c).nonzero()[:, 0] for c in classes])]
        subset.counts = self.counts[classes]
        return subset

    def match(self, queries: Tensor) -> Tensor:
        """Similarities q̂·k to the keys, which are not normalised again after training (official code).

        Args:
            queries: L2-normalised features [B, D].

        Returns:
            Similarities [B, N].
        """
        return product(queries, self.keys)

    def answer(self, similarity: Tensor, sharpness: float) -> Tensor:
        """Sum the affinities by class: similarities [B, N] -> logits of the cache [B, C]."""
        if torch.is_grad_enabled():
            return class_sums(affinity(similarity, sharpness), self.counts)
        rows = max(1, AT_A_TIME // similarity.shape[1])
        return torch.cat([class_sums(affinity(some, sharpness), self.counts) for some in similarity.split(rows)])


class TipAdapter(Predictor):
    """Tip-Adapter, without training: s = s₀ + beta · φ(f̂ Kᵀ) V with the cache keys K and one-hot labels V.

    The authors write α for `beta` and β for `sharpness`.
    """

    feature = "CLIP"
    predictor = "Cache"
    fusion_kind = "Manual Tuning"
    released = Released(
        "gaopengcuhk/Tip-Adapter, main.py and main_imagenet.py",
        Choice(settings="val"),
        {"imagenet": Choice(settings="test")},
    )
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
    def published(cls, dataset: str, shots: int) -> Json:
        """Configuration of a data set with the whole official search; empty for an unknown data set."""
        if dataset not in CONFIGS:
            return {}
        config = CONFIGS[dataset]
        search = {"sharpness": config.search_sharpness, "beta": config.search_beta, "steps": OFFICIAL_STEPS}
        found = {"beta": config.beta, "sharpness": 1.0, "search": search}
        return {**found, "recipe": {"epochs": config.epochs}} if cls.trained else found

    def build(self, task: Task) -> None:
        """Fill the cache with the support set."""
        self.classifier = TextClassifier(task)
        self.cache = Cache(task.support, "clip", task.classes, trained=self.trained)

    def prepare(self, x: Features) -> Features:
        """Zero-shot logits s₀ [B, C] and L2-normalised features f̂ [B, D]."""
        return {"s0": self.classifier(x["clip"]), "clip": unit(x["clip"])}

    def match(self, prepared: Features) -> Features:
        """s₀ [B, C] and the similarities to the keys [B, N]."""
        return {"s0": prepared["s0"], "clip": self.cache.match(prepared["clip"])}

    def combine(self, matched: Features) -> Scores:
        """Add the bias; `bias` is the cache's logits before multiplication by beta."""
        s0, bias = matched["s0"], self.cache.answer(matched["clip"], self.sharpness)
        return Scores(zero_shot=s0, bias=bias, fused=s0 + self.beta * bias)

    def scores(self, x: Features) -> Scores:
        """s of the CLIP features x["clip"], [B, D]."""
        return self.combine(self.match(self.prepare(x)))


class TipAdapterF(TipAdapter):
    """Tip-Adapter with trained keys, which are not normalised again during training (official code)."""

    released = Released(TipAdapter.released.source, SETTINGS_ON_VAL, {"imagenet": EPOCH_AND_SETTINGS})
    trained = True

    def __init__(
        self,
        *,
        beta: float = 1.17,  # configs/imagenet.yaml, init_alpha; the paper says 1
        sharpness: float = 1.0,  # configs/imagenet.yaml, init_beta, at which keys are trained; the paper says 5.5
        search: Search = SEARCH,
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__(beta=beta, sharpness=sharpness, search=search)
        self.recipe = recipe
