"""APE and APE-T: Zhu et al., ICCV 2023, "Not All Features Matter", arXiv 2304.01195.

Tip-Adapter's cache on the channels in which classes differ most, each key weighted by how badly zero-shot CLIP classifies it.
APE is not trained. APE-T trains a residual of texts and keys, and the weights of the keys. The released APE-T cannot run.
"""

import math

import torch
from torch import Tensor, nn

from baselines.bias_head import class_counts
from baselines.tip_adapter import Cache, affinity, class_sums
from baselines.zero_shot import TextClassifier
from benchmark.methods import Choice, Features, Predictor, Recipe, Released, Scores, Task
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product

SOURCE = "yangyangyang127/APE, main.py"
ON_VAL = Choice(settings="val")
ON_TEST = Choice(settings="test")

# The released search has 200 values of the sharpness, 20 of beta and 5 to 20 of delta, with ends for each data set; ours are
# fewer. Without the logit scale the probabilities of a key are near 1 / C, so that delta is nearly a second beta.
TUNES = {
    "sharpness": (0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
    "delta": (0.0, 0.1, 0.2, 0.4),
    "beta": tuple(0.01 * 4**k for k in range(7)),
}

SHARE = 500 / 1024  # configs/imagenet.yaml: 500 of the 1,024 channels of RN50

# main.py: AdamW with eps 1e-3 and weight decay 0.1, 20 to 60 epochs by data set; at 1e-4 on ImageNet, at 1e-3 on others.
RECIPE = Recipe(optimizer="adamw", lr=1e-3, eps=1e-3, weight_decay=0.1, batch_size=256, epochs=20)


def channel_scores(means: Tensor, text: Tensor, balance: float) -> Tensor:
    """Scores J_d = -balance · S_d + (1 - balance) · Var_c(T_cd) of the channels.

    S_d is the mean over the ordered pairs of different classes of the products of their vectors' entries d, texts and images
    together. With the mean m_c of a class's vectors it is [(Σ_c m_cd)² - Σ_c m_cd²] / (C (C - 1)), without loops over pairs.

    Args:
        means: Mean vector of each class, text and images together, m [C, D].
        text: Unit texts T [C, D].
        balance: Weight of S.

    Returns:
        Scores [D].

    Example:
        >>> means = torch.tensor([[1.0, 1.0], [3.0, -1.0]])  # S = (2 · 3 / 2, 2 · -1 / 2) = (3, -1)
        >>> channel_scores(means, torch.tensor([[0.0, 0.0], [2.0, 0.0]]), 0.5).tolist()  # Var = (2, 0)
        [-0.5, 0.5]
    """
    classes = len(means)
    similarity = (means.sum(0).square() - means.square().sum(0)) / (classes * (classes - 1))
    return -balance * similarity + (1 - balance) * text.var(0)


class APE(Predictor):
    """s = s₀ + beta · exp(-sharpness · (1 - f' · k'_i)) summed over the keys i of a class with the weights r_i.

    f' and k' are the features and keys on the best channels, made unit again; r_i = exp(delta · KL_i), KL_i = -log₂ of the
    softmax of the key's cosines with the texts at its own class. Keys are the means over the views. The released code adds
    the sentences of a language model to the templates; here the text is that of all methods. A class without images raises a
    ValueError.

    Args:
        beta: Weight of the bias.
        sharpness: Sharpness of the affinity.
        delta: Power of the keys' weights.
        share: Share of the channels that is kept.
        balance: Weight of the similarity between classes in the channels' score.
    """

    feature = "CLIP"
    predictor = "Cache on channels"
    fusion_kind = "Manual Tuning"
    tunes = TUNES
    released = Released(SOURCE, ON_VAL, {"imagenet": ON_TEST})
    note = "without the sentences of a language model, which the released code adds to its templates"

    kept: Tensor
    surprise: Tensor

    def __init__(
        self,
        *,
        beta: float = 1.0,  # always searched
        sharpness: float = 1.0,  # the same; APE-T trains at it
        delta: float = 0.0,  # the same
        share: float = SHARE,
        balance: float = 0.7,  # ours; the released code has a pair of weights for each data set
    ) -> None:
        super().__init__()
        self.beta = beta
        self.sharpness = sharpness
        self.delta = delta
        self.share = _checked_share(share)
        self.balance = balance

    def build(self, task: Task) -> None:
        """Fill the cache, choose the channels, and work out KL [N]."""
        self.classifier = TextClassifier(task)
        self.cache = Cache(task.support, "clip", task.classes, trained=False)
        keys, labels = self.cache.keys, task.support.labels.sort(stable=True).values
        counts = class_counts(task.support, task.classes, "APE")
        sums = task.text.index_add(0, labels, keys)
        scores = channel_scores((sums / (counts + 1)[:, None]).double(), task.text.double(), self.balance)
        number = max(1, round(self.share * len(scores)))
        self.register_buffer("kept", scores.topk(number).indices.sort().values)
        own = product(keys, task.text).log_softmax(1).gather(1, labels[:, None])[:, 0]
        self.register_buffer("surprise", -own / math.log(2))
        self.cache.keys = unit(keys[:, self.kept])

    def prepare(self, x: Features) -> Features:
        """s₀ [B, C] and the features on the kept channels, made unit again [B, Q]."""
        return {"s0": self.classifier(x["clip"]), "clip": unit(unit(x["clip"])[:, self.kept])}

    def match(self, prepared: Features) -> Features:
        """s₀ [B, C] and the similarities to the keys [B, N]."""
        return {"s0": prepared["s0"], "clip": self.cache.match(prepared["clip"])}

    def combine(self, matched: Features) -> Scores:
        """Add the bias; `bias` is the cache's logits before multiplication by beta."""
        weighted = affinity(matched["clip"], self.sharpness) * (self.delta * self.surprise).exp()
        s0, bias = matched["s0"], class_sums(weighted, self.cache.counts)
        return Scores(zero_shot=s0, bias=bias, fused=s0 + self.beta * bias)

    def scores(self, x: Features) -> Scores:
        """s of the CLIP features x["clip"], [B, D]."""
        return self.combine(self.match(self.prepare(x)))


class APET(Predictor):
    """APE-T: s_c = s₀ + scale · f · x_c + beta · Σ_i v_i · r_i · exp(-sharpness · (1 - f' · (k'_i + x_c))) over c's keys i.

    The residual x [C, Q] of the kept channels, trained from zero, moves the text of a class and its keys, which are not made
    unit again; v [N] are trained weights of the keys, from 1. Sharpness and beta stay at the values of the training, so that
    the epoch alone is chosen. `bias` is the difference to the zero-shot logits.

    Args:
        beta: Weight of the cache's logits.
        sharpness: Sharpness of the affinity.
        delta: Power of the keys' weights r.
        share: Share of the channels that is kept.
        balance: Weight of the similarity between classes in the channels' score.
        recipe: Optimiser, schedule and epochs.
    """

    feature = "CLIP"
    predictor = "Cache on channels"
    fusion_kind = "Manual Tuning"
    released = Released(f"{SOURCE}; its call is commented out", Choice(epoch="val"), {"imagenet": Choice(epoch="test")})
    note = APE.note

    def __init__(
        self,
        *,
        beta: float = 1.0,  # as in APE; the released configurations have an init_alpha for each data set
        sharpness: float = 1.0,  # main.py
        delta: float = 0.0,  # as in APE
        share: float = SHARE,
        balance: float = 0.7,  # as in APE
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__()
        self.beta = beta
        self.sharpness = sharpness
        self.delta = delta
        self.share = _checked_share(share)
        self.balance = balance
        self.recipe = recipe

    def build(self, task: Task) -> None:
        """Build APE, the residual x [C, Q] of zeros and the weights v [N] of ones."""
        own = {name: getattr(self, name) for name in ("beta", "sharpness", "delta", "share", "balance")}
        self.start = APE(**own)
        self.start.build(task)
        self.residual = nn.Parameter(torch.zeros_like(task.text[:, self.start.kept]))
        self.weight = nn.Parameter(torch.ones_like(self.start.surprise))

    def prepare(self, x: Features) -> Features:
        """s₀ [B, C], the unit features on the kept channels [B, Q], and these channels of the scaled unit features [B, Q]."""
        scaled = self.start.classifier.scale * unit(x["clip"])[:, self.start.kept]
        return {**self.start.prepare(x), "scaled": scaled}

    def combine(self, prepared: Features) -> Scores:
        """Add the moved text and the moved cache."""
        cache, classes = self.start.cache, torch.arange(len(self.residual), device=self.residual.device)
        moved = cache.keys + self.residual[classes.repeat_interleave(cache.counts)]
        near = affinity(product(prepared["clip"], moved), self.sharpness)
        weighted = near * (self.weight * (self.delta * self.start.surprise).exp())
        bias = product(prepared["scaled"], self.residual) + self.beta * class_sums(weighted, cache.counts)
        return Scores(zero_shot=prepared["s0"], bias=bias, fused=prepared["s0"] + bias)

    def scores(self, x: Features) -> Scores:
        """s of the CLIP features x["clip"], [B, D]."""
        return self.combine(self.prepare(x))


def _checked_share(share: float) -> float:
    """Return a share of the channels; a ValueError unless it is above 0 and at most 1."""
    if not 0 < share <= 1:
        raise ValueError(f"share={share!r} of the channels: give one above 0 and at most 1")
    return share
