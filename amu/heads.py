"""The logit predictors of Figure 3 of AMU-Tuning, and the probe of a single feature of Tables 2 and 3.

A linear probe, a cache or an MLP turns an auxiliary feature into a logit bias b. In all other respects the three are
AMU-Tuning without uncertainty and without a second branch: s = s₀ + beta · b, trained by cross-entropy of s with AMU-Tuning's
recipe. The paper gives no settings for Figure 3, and no code for it was released.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from amu.tuning import BETAS, RECIPE, class_means
from baselines.bias_head import BiasHead
from baselines.tip_adapter import Cache
from baselines.zero_shot import TextClassifier
from benchmark.methods import Batch, Features, Predictor, Recipe, Scores, Task
from benchmark.numerics.initialisation import linear, linear_weight
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product, through

INITS = ("features", "random")

TUNES = {"beta": BETAS}  # as in AMU-Tuning


class Head(BiasHead):
    """s = s₀ + beta · b(f̂) with the L2-normalised auxiliary feature f̂, trained; a subclass defines b in `bias`.

    Args:
        aux: Feature space of the auxiliary encoder, which may be "clip".
        beta: Weight of the bias.
        recipe: Optimiser, schedule and epochs.
    """

    feature = "Aux"
    fusion_kind = "Manual Tuning"
    tunes = TUNES

    def __init__(self, *, aux: str, beta: float, recipe: Recipe) -> None:
        super().__init__(aux=aux, beta=beta)
        self.recipe = recipe


class LP(Head):
    """Linear probe: b = W f̂ with W initialised with the class means (Eq. 6) or at random.

    Equal to AMUTuning(lam=1, fusion="none", zscore=False) with init="mean" or init="random". An unknown init raises a
    ValueError.

    Args:
        aux: Feature space of the auxiliary encoder.
        init: "features" for the class means or "random".
        beta: Weight of the bias.
        recipe: Optimiser, schedule and epochs.
    """

    predictor = "LP"

    def __init__(
        self,
        *,
        aux: str = "mocov3",  # the paper's encoder "with no special declaration"
        init: str = "features",
        beta: float = 1.0,  # section 3.2.1: "combined ... by summation"
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__(aux=aux, beta=beta, recipe=recipe)
        self.init = _checked_init(init)

    def build(self, task: Task) -> None:
        """Initialise the weight W [C, D]."""
        self.classifier = TextClassifier(task)
        self.weight = nn.Parameter(_initial_weight(task, self.aux, self.init))

    def bias(self, f: Tensor) -> Tensor:
        """W f̂, [B, D] -> [B, C]."""
        return product(f, self.weight)


class CacheHead(Head):
    """Cache: b = φ(f̂ Kᵀ) V with trained keys K [N, D] and one-hot labels V, a Tip-Adapter-F cache of the auxiliary feature.

    An unknown init raises a ValueError.

    Args:
        aux: Feature space of the auxiliary encoder.
        init: "features" for keys initialised with the support set's features, "random" (Cache-Random) for keys drawn
            uniformly from the unit sphere.
        beta: Weight of the bias.
        sharpness: Sharpness of the affinity φ.
        recipe: Optimiser, schedule and epochs.
    """

    predictor = "Cache"

    def __init__(
        self,
        *,
        aux: str = "mocov3",  # as in LP
        init: str = "features",
        beta: float = 1.0,  # as in LP; Tip-Adapter-F trains its cache at 1.17
        sharpness: float = 1.0,  # Tip-Adapter-F's during training
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__(aux=aux, beta=beta, recipe=recipe)
        self.init = _checked_init(init)
        self.sharpness = sharpness

    def build(self, task: Task) -> None:
        """Initialise the keys, one for each image of the support set."""
        self.classifier = TextClassifier(task)
        self.cache = Cache(task.support, self.aux, task.classes, trained=True)
        if self.init == "random":
            drawn = torch.randn(self.cache.keys.shape, generator=task.generator())
            self.cache.keys = nn.Parameter(unit(drawn).to(self.cache.keys))

    def bias(self, f: Tensor) -> Tensor:
        """Affinities to the keys summed by class, [B, D] -> [B, C]."""
        return self.cache.answer(self.cache.match(f), self.sharpness)


class MLP(Head):
    """MLP with two layers: b = W₂ ReLU(W₁ f̂ + c₁) + c₂ with D / reduction hidden units.

    Its weights are always initialised at random: class means are weights of a layer from features to classes, and the MLP
    has no such layer.

    Args:
        aux: Feature space of the auxiliary encoder.
        reduction: Divisor of the feature width D that gives the number of hidden units.
        beta: Weight of the bias.
        recipe: Optimiser, schedule and epochs.
    """

    predictor = "MLP"

    def __init__(
        self,
        *,
        aux: str = "mocov3",  # as in LP
        reduction: int = 4,  # CLIP-Adapter's; the paper gives no width
        beta: float = 1.0,  # as in LP
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__(aux=aux, beta=beta, recipe=recipe)
        self.reduction = reduction

    def build(self, task: Task) -> None:
        """Draw both layers with their biases."""
        self.classifier = TextClassifier(task)
        width, generator = task.support.spaces[self.aux].shape[-1], task.generator()
        hidden = max(1, width // self.reduction)
        self.hidden = linear(hidden, width, generator).to(task.text)
        self.out = linear(task.classes, hidden, generator).to(task.text)

    def bias(self, f: Tensor) -> Tensor:
        """Output of the network, [B, D] -> [B, C]."""
        return through(self.out, through(self.hidden, f).relu())


class LinearProbe(Predictor):
    """Linear probe on one feature, trained by cross-entropy of W f̂ alone and independent of zero-shot CLIP.

    Its accuracy is SUP of Table 2 and "Individual" of Table 3 of AMU-Tuning, its logits are s_Aux of Eq. 5. It is trained by
    gradient descent for 50 epochs, unlike LP-CLIP, which is regularised and fitted by L-BFGS. The probe's logits are `fused`;
    `bias` is their difference to the zero-shot logits. An unknown init raises a ValueError.

    Args:
        aux: Feature space of the probe.
        init: "features" for the class means or "random".
        recipe: Optimiser, schedule and epochs.
    """

    feature = "Aux"
    predictor = "LP"

    def __init__(
        self,
        *,
        aux: str = "mocov3",  # as in LP
        init: str = "random",  # Table 2 trains "a simple LP"; feature initialisation comes only with section 4.2
        recipe: Recipe = RECIPE,  # 50 epochs: section 3.2.1; the rest is the released AMU-Tuning's
    ) -> None:
        super().__init__()
        self.aux = aux
        self.reads = tuple(dict.fromkeys(("clip", aux)))
        self.init = _checked_init(init)
        self.recipe = recipe

    def build(self, task: Task) -> None:
        """Initialise the weight W [C, D]."""
        self.classifier = TextClassifier(task)
        self.weight = nn.Parameter(_initial_weight(task, self.aux, self.init))

    def logits(self, x: Features) -> Tensor:
        """Logits W f̂ of the probe, [B, C]."""
        return product(unit(x[self.aux]), self.weight)

    def scores(self, x: Features) -> Scores:
        """Scores with the probe's logits as `fused`."""
        s0, fused = self.classifier(x["clip"]), self.logits(x)
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the probe's logits, averaged over the batch."""
        return F.cross_entropy(self.logits(batch.x), batch.labels)


def _initial_weight(task: Task, space: str, init: str) -> Tensor:
    """Initial weight [C, D] of a linear probe, as in AMU-Tuning."""
    if init == "features":
        return class_means(task.support, space, task.classes)
    features = task.support.spaces[space]
    return linear_weight(task.classes, features.shape[-1], task.generator()).to(features)


def _checked_init(init: str) -> str:
    """Return `init`; an unknown one raises a ValueError."""
    if init not in INITS:
        raise ValueError(f"init {init!r}: there are {' and '.join(INITS)}")
    return init
