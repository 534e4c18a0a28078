"""The logit predictors of Figure 3 of AMU-Tuning, and the probe that judges a feature by itself (Tables 2 and 3).

What turns an auxiliary feature into a logit bias: a linear probe, a cache or an MLP. All else is the same for all, as in
AMU-Tuning without its uncertainty and its second branch: s = s₀ + beta · b, cross-entropy of s, AMU-Tuning's recipe.
The paper gives no setting of Figure 3, and nothing of it was released.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from amu.tuning import BETAS, RECIPE, class_means
from baselines.tip_adapter import Cache
from baselines.zero_shot import TextClassifier
from benchmark.methods import Batch, Features, Predictor, Recipe, Scores, Task
from benchmark.numerics.initialisation import linear, linear_weight
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product, through

INITS = ("features", "random")

TUNES = {"beta": BETAS}  # as AMU-Tuning


class Head(Predictor):
    """s = s₀ + beta · b(f̂) with the auxiliary feature f̂ at length one; a subclass says what b is.

    aux: feature space of the auxiliary encoder ("clip" is one too).  beta: weight of the bias.
    """

    feature = "Aux"
    fusion_kind = "Manual Tuning"
    tunes = TUNES

    def __init__(self, *, aux: str, beta: float, recipe: Recipe) -> None:
        super().__init__()
        self.aux = aux
        self.reads = tuple(dict.fromkeys(("clip", aux)))
        self.beta = beta
        self.recipe = recipe

    classifier: TextClassifier

    def bias(self, f: Tensor) -> Tensor:
        """The logit bias of auxiliary features at length one, [B, D] -> [B, C]."""
        raise NotImplementedError(f"{type(self).__name__} has no bias(f)")

    def prepare(self, x: Features) -> Features:
        """s₀ [B, C] and f̂ [B, D]."""
        return {"s0": self.classifier(x["clip"]), "aux": unit(x[self.aux])}

    def match(self, prepared: Features) -> Features:
        """s₀ and the bias."""
        return {"s0": prepared["s0"], "bias": self.bias(prepared["aux"])}

    def combine(self, matched: Features) -> Scores:
        """The bias is b, before beta."""
        s0, b = matched["s0"], matched["bias"]
        return Scores(zero_shot=s0, bias=b, fused=s0 + self.beta * b)

    def scores(self, x: Features) -> Scores:
        """From the features."""
        return self.combine(self.match(self.prepare(x)))


class LP(Head):
    """Linear probe: b = W f̂, W begun at the class means (Eq. 6) or drawn.

    The same as AMUTuning(lam=1, fusion="none", zscore=False) with init "mean" or "random".
    """

    predictor = "LP"

    def __init__(
        self,
        *,
        aux: str = "mocov3",  # the paper's, "with no special declaration"
        init: str = "features",
        beta: float = 1.0,  # section 3.2.1: "combined ... by summation"
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__(aux=aux, beta=beta, recipe=recipe)
        self.init = _known(init)

    def build(self, task: Task) -> None:
        """The weight W [C, D]."""
        self.classifier = TextClassifier(task)
        self.weight = nn.Parameter(_linear(task, self.aux, self.init))

    def bias(self, f: Tensor) -> Tensor:
        """W f̂."""
        return product(f, self.weight)


class CacheHead(Head):
    """Cache: b = φ(f̂ Kᵀ) V with trained keys K [N, D], as Tip-Adapter-F's but of the auxiliary feature.

    The keys begin at the support set's features or, Cache-Random, at directions drawn evenly.
    """

    predictor = "Cache"

    def __init__(
        self,
        *,
        aux: str = "mocov3",  # as LP
        init: str = "features",
        beta: float = 1.0,  # as LP; Tip-Adapter-F trains its cache at 1.17
        sharpness: float = 1.0,  # Tip-Adapter-F's while it trains
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__(aux=aux, beta=beta, recipe=recipe)
        self.init = _known(init)
        self.sharpness = sharpness

    def build(self, task: Task) -> None:
        """The keys, one for each image of the support set."""
        self.classifier = TextClassifier(task)
        self.cache = Cache(task.support, self.aux, task.classes, trained=True)
        if self.init == "random":
            drawn = torch.randn(self.cache.keys.shape, generator=task.generator())
            self.cache.keys = nn.Parameter(unit(drawn).to(self.cache.keys))

    def bias(self, f: Tensor) -> Tensor:
        """The affinities summed by class."""
        return self.cache.answer(self.cache.match(f), self.sharpness)


class MLP(Head):
    """Two layers: b = W₂ ReLU(W₁ f̂ + c₁) + c₂ with D / reduction hidden units.

    Always drawn: class means are weights of a layer from features to classes, and it has none.
    """

    predictor = "MLP"

    def __init__(
        self,
        *,
        aux: str = "mocov3",  # as LP
        reduction: int = 4,  # CLIP-Adapter's; the paper gives no width
        beta: float = 1.0,  # as LP
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__(aux=aux, beta=beta, recipe=recipe)
        self.reduction = reduction

    def build(self, task: Task) -> None:
        """Both layers, with biases."""
        self.classifier = TextClassifier(task)
        width, generator = task.support.spaces[self.aux].shape[-1], task.generator()
        hidden = max(1, width // self.reduction)
        self.hidden = linear(hidden, width, generator).to(task.text)
        self.out = linear(task.classes, hidden, generator).to(task.text)

    def bias(self, f: Tensor) -> Tensor:
        """The network's answer."""
        return through(self.out, through(self.hidden, f).relu())


class LinearProbe(Predictor):
    """The individual LP: cross-entropy of W f̂ alone, and zero-shot CLIP has no say in the answer.

    Its accuracy is SUP of Table 2 and "Individual" of Table 3, its logits are s_Aux of Eq. 5. Trained by gradient for
    50 epochs; not LP-CLIP, which is fitted by L-BFGS and regularised. Only `fused` is the probe's own: the bias reported is
    what is left of it when the zero-shot logits are taken away.
    """

    feature = "Aux"
    predictor = "LP"

    def __init__(
        self,
        *,
        aux: str = "mocov3",  # as LP
        init: str = "random",  # Table 2 trains "a simple LP"; feature initialisation comes only with section 4.2
        recipe: Recipe = RECIPE,  # 50 epochs: section 3.2.1; the rest is the released AMU-Tuning's
    ) -> None:
        super().__init__()
        self.aux = aux
        self.reads = tuple(dict.fromkeys(("clip", aux)))
        self.init = _known(init)
        self.recipe = recipe

    def build(self, task: Task) -> None:
        """The weight W [C, D]."""
        self.classifier = TextClassifier(task)
        self.weight = nn.Parameter(_linear(task, self.aux, self.init))

    def logits(self, x: Features) -> Tensor:
        """W f̂, [B, C]."""
        return product(unit(x[self.aux]), self.weight)

    def scores(self, x: Features) -> Scores:
        """The probe's logits as `fused`."""
        s0, fused = self.classifier(x["clip"]), self.logits(x)
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the probe's logits."""
        return F.cross_entropy(self.logits(batch.x), batch.labels)


def _linear(task: Task, space: str, init: str) -> Tensor:
    """A linear predictor [C, D] as AMU-Tuning begins its own."""
    if init == "features":
        return class_means(task.support, space, task.classes)
    features = task.support.spaces[space]
    return linear_weight(task.classes, features.shape[-1], task.generator()).to(features)


def _known(init: str) -> str:
    if init not in INITS:
        raise ValueError(f"init {init!r}: there are {' and '.join(INITS)}")
    return init
