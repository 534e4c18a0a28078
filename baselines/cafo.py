"""CaFo: Zhang et al., "Prompt, Generate, then Cache", CVPR 2023, https://arxiv.org/abs/2303.02151.

CaFo has two caches, one of CLIP's features and one of DINO's. Their logits are averaged with weights that depend, for each
image, on their similarity to CLIP's zero-shot logits. Full CaFo adds images of a generator (DALL-E) to both caches and uses a
text classifier of sentences from a language model (GPT-3).
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor

from baselines.tip_adapter import (
    EPOCH_AND_SETTINGS,
    OFFICIAL_STEPS,
    RECIPE,
    SEARCH,
    SETTINGS_ON_VAL,
    Cache,
    Search,
)
from baselines.zero_shot import TextClassifier
from benchmark.core.digest import Json
from benchmark.methods import Features, Predictor, Recipe, Released, Samples, Scores, Task, training
from benchmark.numerics.logits import unit, zscore


class Config(NamedTuple):
    """The released configurations of a data set; tuples have one element for each of 1, 2, 4, 8 and 16 shots.

    Attributes:
        search_sharpness: End of the search of the sharpness (search_scale).
        search_beta: End of the search of beta (search_scale).
        beta: init_alpha.
        generated: Generated images per class (dalle_shots).
        epochs: train_epoch.
    """

    search_sharpness: tuple[float, ...]
    search_beta: float
    beta: tuple[float, ...]
    generated: tuple[int, ...]
    epochs: tuple[int, ...] = (20, 20, 20, 20, 20)


SHOTS = (1, 2, 4, 8, 16)

# CaFo, configs/<data set>/<k>shot.yaml; init_beta is 1 in all of them.
CONFIGS: Mapping[str, Config] = {
    "imagenet": Config((7,) * 5, 3, (0.3, 0.3, 0.4, 0.5, 0.6), (8, 2, 8, 2, 2)),
    "caltech101": Config((12,) * 5, 5, (0.5, 0.8, 1.1, 1.1, 1.3), (8, 16, 2, 4, 1)),
    "oxford_pets": Config((7,) * 5, 3, (0.4, 0.4, 0.4, 0.6, 1.5), (4, 2, 4, 8, 8)),
    "stanford_cars": Config((20,) * 5, 10, (0.4, 0.4, 0.8, 0.5, 0.6), (16, 16, 16, 1, 1), (100, 200, 400, 200, 200)),
    "flowers102": Config((50,) * 5, 50, (1.2, 0.7, 2.2, 3.7, 4), (1, 1, 1, 1, 1)),
    "food101": Config((20, 10, 10, 10, 10), 10, (0.2, 0.2, 0.22, 0.22, 0.22), (4, 4, 4, 4, 16), (200,) * 5),
    "fgvc_aircraft": Config((30,) * 5, 30, (1, 0.8, 0.9, 1, 1), (8, 4, 2, 1, 1), (100,) * 5),
    "sun397": Config((12,) * 5, 10, (0.5, 0.5, 0.6, 0.7, 0.8), (1, 1, 1, 1, 1)),
    "dtd": Config((13,) * 5, 13, (2, 2, 2, 2, 2), (1, 1, 1, 1, 1)),
    "eurosat": Config((12,) * 5, 10, (3, 1.5, 2, 2, 2), (4, 8, 4, 8, 8), (20, 100, 100, 100, 100)),
    "ucf101": Config((7,) * 5, 3, (1, 1, 1, 1.5, 2), (8, 1, 4, 4, 2), (20, 20, 20, 40, 40)),
}


def fuse_by_similarity(s0: Tensor, answers: Sequence[Tensor]) -> Tensor:
    """Average the logits of caches, weighted by their similarity to the zero-shot logits.

    L = Σ_k w_k z(L_k) with w = softmax_k(z(s₀) · z(L_k)) and the z-score z of a row, as in the released code
    (OpenGVLab/CaFo). The similarity is C - 1 times the correlation, so with many classes the more similar cache has almost
    the whole weight. Eq. 4 of AMU-Tuning describes CaFo with weights α and 1 - α and without z-scores.

    Args:
        s0: Zero-shot logits [B, C].
        answers: Logits of each cache [B, C].

    Returns:
        Weighted average L [B, C].

    Example:
        >>> s0 = torch.tensor([[1.0, 0.0, -1.0]])  # correlation 1 with the first cache, 0 with the second
        >>> fused = fuse_by_similarity(s0, [2 * s0, torch.tensor([[1.0, -2.0, 1.0]])])
        >>> [round(value, 2) for value in fused[0].tolist()]  # weights e² / (e² + 1) = 0.881 and 0.119
        [0.95, -0.14, -0.81]
    """
    z = torch.stack([zscore(answer) for answer in answers])
    weights = (z * zscore(s0)).sum(-1).softmax(0)
    return (weights[..., None] * z).sum(0)


class CaFo(Predictor):
    """s = s₀ + beta · L with the similarity-weighted average L of a CLIP and a DINO cache, whose keys are trained.

    generated=False is CaFo* of AMU-Tuning, without images of DALL-E and sentences of GPT-3. It was never released; settings
    that the paper does not mention are those of CaFo, and an epoch is one pass over the real images. The authors write α
    for `beta` and β for `sharpness`, which is shared by both caches.

    generated=True is CaFo: both caches contain `task.generated` too, `task.sentences` replaces `task.text`, and an epoch is
    one pass over the real images and one over the generated images. The released scheduler advances in both passes but counts
    only the batches of real images, so that its cosine reaches zero early and the learning rate rises again; here the
    cosine spans both passes.

    On data sets other than ImageNet the released code (main.py) searches beta and the sharpness with the tensors of keys from
    before the training and applies them to the keys of the best epoch. The trained layers share the memory of these tensors,
    so the search sees the keys of the last epoch. On ImageNet, and here everywhere, it sees those of the chosen epoch.
    """

    recipe: Recipe
    note = (
        "on data sets other than ImageNet the released code searches beta and the sharpness on the last epoch's keys and"
        " applies them to the best epoch's; here the chosen epoch's keys are searched"
    )
    feature = "CLIP+DINO"
    predictor = "Cache"
    fusion_kind = "Similarity-based"
    # As Tip-Adapter-F's code.
    released = Released("OpenGVLab/CaFo, its two main files", SETTINGS_ON_VAL, {"imagenet": EPOCH_AND_SETTINGS})

    def __init__(
        self,
        *,
        generated: bool = False,
        generated_shots: int = 0,  # 0 for all; the configurations use 1 to 16 per class
        aux: str = "dino",
        beta: float = 0.6,  # CaFo's ImageNet configuration for 16 shots; 0.3, 0.3, 0.4, 0.5 for 1, 2, 4, 8
        sharpness: float = 1.0,  # every configuration of CaFo
        search: Search = SEARCH,  # CaFo's ImageNet configurations search as Tip-Adapter's do
        recipe: Recipe = RECIPE,  # CaFo: AdamW at 1e-3, batch 256, 20 epochs, as Tip-Adapter-F
    ) -> None:
        super().__init__()
        self.generated = generated
        self.generated_shots = generated_shots
        self.wants = ("generated", "sentences") if generated else ()
        self.aux = aux
        self.reads = ("clip", aux)
        self.beta = beta
        self.sharpness = sharpness
        self.search = search
        self.tunes = search.grid
        self.recipe = recipe

    @classmethod
    def published(cls, dataset: str, shots: int) -> Json:
        """Look up the configuration of a data set, with the whole official search.

        Args:
            dataset: Role of a data set in a suite.
            shots: Number of shots; one without a configuration uses that of the next smaller number.

        Returns:
            Arguments that differ from the defaults; empty for an unknown data set.
        """
        if dataset not in CONFIGS or shots < 1:
            return {}
        config, place = CONFIGS[dataset], max(i for i, k in enumerate(SHOTS) if k <= shots)
        return {
            "beta": config.beta[place],
            "search": {
                "sharpness": config.search_sharpness[place],
                "beta": config.search_beta,
                "steps": OFFICIAL_STEPS,
            },
            "generated_shots": config.generated[place],
            "recipe": {"epochs": config.epochs[place]},
        }

    def build(self, task: Task) -> None:
        """Fill both caches; missing generated images or sentences raise a ValueError if they are needed."""
        support, text = task.support, task.text
        if self.generated:
            support, text = _concatenated(support, self._generated(task), self.reads), _sentences(task)
        self.classifier = TextClassifier(task, text)
        self.clip_cache = Cache(support, "clip", task.classes, trained=True)
        self.dino_cache = Cache(support, self.aux, task.classes, trained=True)

    def fit(self, task: Task) -> None:
        """Train the keys of both caches, in each epoch on the real images and then on any generated images."""
        self.build(task)
        training.run(self, task, self.recipe, also=[self._generated(task)] if self.generated else [])
        self.eval()

    def among(self, classes: Tensor) -> "CaFo":
        """A copy with `classes` [C'] only, over which the z-scores are computed."""
        subset = deepcopy(self)
        subset.classifier = self.classifier.among(classes)
        subset.clip_cache, subset.dino_cache = self.clip_cache.among(classes), self.dino_cache.among(classes)
        return subset

    def prepare(self, x: Features) -> Features:
        """s₀ [B, C] and the L2-normalised features of both spaces, [B, D] each."""
        return {"s0": self.classifier(x["clip"]), "clip": unit(x["clip"]), "dino": unit(x[self.aux])}

    def match(self, prepared: Features) -> Features:
        """s₀ [B, C] and the similarities to the keys of both caches, [B, N] each."""
        clip, dino = self.clip_cache.match(prepared["clip"]), self.dino_cache.match(prepared["dino"])
        return {"s0": prepared["s0"], "clip": clip, "dino": dino}

    def combine(self, matched: Features) -> Scores:
        """Add the bias; `bias` is L before multiplication by beta."""
        s0, caches = matched["s0"], {"clip": self.clip_cache, "dino": self.dino_cache}
        answers = [cache.answer(matched[space], self.sharpness) for space, cache in caches.items()]
        bias = fuse_by_similarity(s0, answers)
        return Scores(zero_shot=s0, bias=bias, fused=s0 + self.beta * bias)

    def scores(self, x: Features) -> Scores:
        """s of the features in `reads`, [B, D] each."""
        return self.combine(self.match(self.prepare(x)))

    def _generated(self, task: Task) -> Samples:
        """Generated images for the caches; without any raises a ValueError."""
        if task.generated is None:
            raise ValueError("CaFo(generated=True) needs task.generated, images of every class, and this task has none")
        return first_of_each(task.generated, self.generated_shots) if self.generated_shots else task.generated


def first_of_each(samples: Samples, count: int) -> Samples:
    """Samples with the first `count` images of every class, or all images of a class that has fewer."""
    seen: dict[int, int] = {}
    kept = []
    for place, label in enumerate(samples.labels.tolist()):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= count:
            kept.append(place)
    index = torch.tensor(kept, device=samples.labels.device)
    return Samples({space: value[:, index] for space, value in samples.spaces.items()}, samples.labels[index])


def _sentences(task: Task) -> Tensor:
    """Text classifier [C, D] of the language model's sentences; without one raises a ValueError."""
    if task.sentences is None:
        raise ValueError("CaFo(generated=True) needs task.sentences, a text classifier, and this task has none")
    return task.sentences


def _concatenated(real: Samples, generated: Samples, names: Sequence[str]) -> Samples:
    """Real and generated images as samples with one view, the mean of the views of each image."""
    spaces = {space: torch.cat([real.mean(space), generated.mean(space)])[None] for space in names}
    return Samples(spaces, torch.cat([real.labels, generated.labels]))
