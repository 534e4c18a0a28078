"""CaFo: Zhang et al., "Prompt, Generate, then Cache", CVPR 2023, https://arxiv.org/abs/2303.02151.

Two caches, one of CLIP's features and one of DINO's. Each image weighs them by how well they agree with CLIP's
zero-shot logits. In full, images from a generator (DALL-E) join both caches, and the text classifier is made of sentences
from a language model (GPT-3).
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor

from baselines.tip_adapter import OFFICIAL_STEPS, RECIPE, SEARCH, Cache, Search
from baselines.zero_shot import TextClassifier
from benchmark.methods import Features, Predictor, Recipe, Samples, Scores, Task, training
from benchmark.numerics.logits import unit, zscore


class Config(NamedTuple):
    """The released configurations of a data set for 1, 2, 4, 8, 16 shots: the ends of the search (search_scale, of beta the
    same for all), init_alpha, the generated images of a class (dalle_shots), and train_epoch.
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
    feature = "CLIP+DINO"
    predictor = "Cache"
    fusion_kind = "Similarity-based"

    def __init__(
        self,
        *,
        generated: bool = False,
        generated_shots: int = 0,  # all that there are; the configurations take 1 to 16 of a class
        aux: str = "dino",
        beta: float = 0.6,  # CaFo's ImageNet configuration for 16 shots; 0.3, 0.3, 0.4, 0.5 for 1, 2, 4, 8
        sharpness: float = 1.0,  # every configuration of CaFo
        search: Search = SEARCH,  # CaFo's ImageNet configurations search as Tip-Adapter's
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
    def published(cls, dataset: str, shots: int) -> Mapping[str, Any]:
        """The configuration of the data set at so many shots, and the whole official search; the defaults for an unknown
        data set. Numbers of shots in between have that of the next smaller.
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
        """Fill both caches. ValueError where generated images and sentences are needed and the task has none."""
        support, text = task.support, task.text
        if self.generated:
            support, text = _joined(support, self._generated(task), self.reads), _sentences(task)
        self.classifier = TextClassifier(task, text)
        self.clip_cache = Cache(support, "clip", task.classes, trained=True)
        self.dino_cache = Cache(support, self.aux, task.classes, trained=True)

    def fit(self, task: Task) -> None:
        """Train both caches' keys, each epoch on the real images and then, if any, on the generated ones."""
        self.build(task)
        training.run(self, task, self.recipe, also=[self._generated(task)] if self.generated else [])
        self.eval()

    def among(self, classes: Tensor) -> "CaFo":
        """With these classes alone in the text classifier and both caches: the z-scores run over them."""
        few = deepcopy(self)
        few.classifier = self.classifier.among(classes)
        few.clip_cache, few.dino_cache = self.clip_cache.among(classes), self.dino_cache.among(classes)
        return few

    def prepare(self, x: Features) -> Features:
        """s₀ [B, C] and both features at length one, [B, D] each."""
        return {"s0": self.classifier(x["clip"]), "clip": unit(x["clip"]), "dino": unit(x[self.aux])}

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

    def _generated(self, task: Task) -> Samples:
        if task.generated is None:
            raise ValueError("CaFo(generated=True) needs task.generated, images of every class, and this task has none")
        return first_of_each(task.generated, self.generated_shots) if self.generated_shots else task.generated


def first_of_each(samples: Samples, count: int) -> Samples:
    """The first `count` images of every class, or as many as it has."""
    seen: dict[int, int] = {}
    kept = []
    for place, label in enumerate(samples.labels.tolist()):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= count:
            kept.append(place)
    index = torch.tensor(kept, device=samples.labels.device)
    return Samples({space: value[:, index] for space, value in samples.spaces.items()}, samples.labels[index])


def _sentences(task: Task) -> Tensor:
    """The text classifier made of the language model's sentences."""
    if task.sentences is None:
        raise ValueError("CaFo(generated=True) needs task.sentences, a text classifier, and this task has none")
    return task.sentences


def _joined(real: Samples, generated: Samples, spaces_: Sequence[str]) -> Samples:
    """Both as one set of images with one view, the mean of the views that each has."""
    spaces = {space: torch.cat([real.mean(space), generated.mean(space)])[None] for space in spaces_}
    return Samples(spaces, torch.cat([real.labels, generated.labels]))
