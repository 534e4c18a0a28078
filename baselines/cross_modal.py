"""Cross-modal linear probing: Lin et al., CVPR 2023, arXiv 2301.06267.

"Multimodality Helps Unimodality: Cross-Modal Few-Shot Learning with Multimodal Models". Texts are training samples: half of
every batch are images, half text embeddings, and one linear probe learns to classify both.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.zero_shot import TextClassifier
from benchmark.methods import Choice, Features, Predictor, Recipe, Released, Scores, Task, training
from benchmark.numerics.adamw import AdamW
from benchmark.numerics.initialisation import linear_weight
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product

INITS = ("zeroshot", "random")

ITERATIONS = 100
"""Iterations between two validations (train.py), which make an epoch here."""

WARMUP = 50  # engine/optimizer/default.py
FROM = 1e-5  # the same: the learning rate at which the warm-up begins

# linzhiqiu/cross_modal_adaptation, engine/optimizer/default.py: 12,800 iterations and a grid of two learning rates, three
# weight decays and two batch sizes, searched on validation images; here the larger of each is the default.
RECIPE = Recipe(optimizer="adamw", lr=1e-3, eps=1e-8, weight_decay=0.01, batch_size=32, epochs=128)


class CrossModalLP(Predictor):
    """s = s₀ + beta · scale · f̂ · (w_c - t̂_c), with a probe w that is not normalised, trained on images and texts.

    The readme starts at the texts (init "zeroshot"), the released script since February 2025 at random weights ("random").
    With beta = ½ the probe is averaged with the texts, the paper's WiSE-FT. An unknown init raises a ValueError.

    Args:
        init: Start of the probe, "zeroshot" or "random".
        beta: Weight of the bias.
        recipe: Optimiser and schedule; an epoch has 100 iterations, and half of a batch are texts.
    """

    recipe: Recipe

    feature = "CLIP"
    predictor = "LP on images and texts"
    released = Released("linzhiqiu/cross_modal_adaptation, train.py", Choice(epoch="val"))
    note = "its texts are the means over the templates, and its second view of an image a random crop, not the flipped image"

    def __init__(
        self,
        *,
        init: str = "zeroshot",
        beta: float = 1.0,
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__()
        if init not in INITS:
            raise ValueError(f"init {init!r}; there are {' and '.join(INITS)}")
        self.init = init
        self.beta = beta
        self.recipe = recipe

    def build(self, task: Task) -> None:
        """Make the probe w [C, D]."""
        self.classifier = TextClassifier(task)
        start = task.text.clone()
        if self.init == "random":
            start = linear_weight(task.classes, start.shape[1], task.generator()).to(start)
        self.weight = nn.Parameter(start)

    def fit(self, task: Task) -> None:
        """Train, with a milestone after every 100 iterations."""
        self.build(task)
        training.by_epochs(self, self._epochs(task))

    def _epochs(self, task: Task) -> Iterator[None]:
        """Make the iterations of one epoch at a time."""
        recipe, generator = self.recipe, task.generator()
        images, labels = _images(task)
        batches = _batches(len(images), recipe.batch_size // 2, generator)
        texts = _batches(task.classes, recipe.batch_size - recipe.batch_size // 2, generator)
        optimiser = AdamW([self.weight], eps=recipe.eps, weight_decay=recipe.weight_decay)
        for epoch in range(recipe.epochs):
            for step in range(ITERATIONS):
                of_images, of_texts = next(batches).to(labels.device), next(texts).to(labels.device)
                x = self.classifier.scale * torch.cat([images[of_images], task.text[of_texts]])
                loss = F.cross_entropy(product(x, self.weight), torch.cat([labels[of_images], of_texts]))
                (self.weight.grad,) = torch.autograd.grad(loss, [self.weight])
                optimiser.step(_rate(recipe, epoch, step))
            yield
        self.weight.grad = None

    def scores(self, x: Features) -> Scores:
        """Scores of the CLIP features x["clip"], [B, D]."""
        s0 = self.classifier(x["clip"])
        bias = product(self.classifier.scale * unit(x["clip"]), self.weight - self.classifier.text)
        return Scores(zero_shot=s0, bias=bias, fused=s0 + self.beta * bias)


def _images(task: Task) -> tuple[Tensor, Tensor]:
    """Unit features [M, D] of the first two views as samples of their own, or of the only one, and their classes [M]."""
    views = task.support.spaces["clip"][:2]
    return unit(views).flatten(0, 1), task.support.labels.repeat(len(views))


def _batches(n: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Batches of `size` of n samples without end, shuffled anew in every pass; an incomplete last one is left out."""
    while True:
        for batch in torch.randperm(n, generator=generator).split(size):
            if len(batch) == min(size, n):
                yield batch


def _rate(recipe: Recipe, epoch: int, step: int) -> float:
    """Learning rate: a straight line up from `FROM` in `WARMUP` iterations, then the recipe's cosine."""
    done = epoch * ITERATIONS + step
    if done < WARMUP:
        return FROM + (recipe.lr - FROM) * done / WARMUP
    return recipe.lr_at(epoch, step, ITERATIONS)
