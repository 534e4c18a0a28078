"""AMU-Tuning: Tang et al., CVPR 2024, "AMU-Tuning: Effective Logit Bias for CLIP-based Few-shot Learning".

A linear probe on the features of an auxiliary encoder, begun at the class means and trained in two branches,
is the logit bias; how much it counts depends on how sure zero-shot CLIP is. The paper's formulas and the
released code part in several places, and the published command runs a third thing; each is a preset here.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from amu.fusion import FUSIONS
from baselines.zero_shot import TextClassifier
from benchmark.core.errors import BenchError
from benchmark.core.names import choose
from benchmark.methods import Batch, Features, Predictor, Recipe, Samples, Scores, Task
from benchmark.numerics.initialisation import linear_weight
from benchmark.numerics.logits import unit, zscore
from benchmark.numerics.matmul import product

# Released code (TJU-sjyj/AMU-Tuning, train.py and run.sh); the paper gives the 50 epochs and no other number.
RECIPE = Recipe(optimizer="adamw", lr=1e-3, eps=1e-4, weight_decay=0.01, batch_size=8, epochs=50)

INITS = ("mean", "random")

# What to search is not published either. Doublings, so that the neighbours of any value are as far as those of any other:
# beta from a tenth of the released 0.5 to beyond twice the 4.55 of Eq. 11, so that every preset's own lies inside; rho half
# and twice the released 0.4.
BETAS = tuple(0.05 * 2**k for k in range(9))
RHOS = (0.2, 0.4, 0.8)


@dataclass(frozen=True)
class Preset:
    """One reading of the method: what None stands for in AMUTuning's arguments."""

    beta: float
    fusion: str
    zscore: bool
    lam: float = 0.35  # run.sh (the parser's default of 1 trains one branch only); the paper gives no number
    rho: float = 0.4  # train.py's default; the paper gives no number
    init: str = "mean"  # Eq. 6


PRESETS: Mapping[str, Preset] = {
    # Eq. 7 to 11. The paper gives no beta. The released 0.5 · (K / 250)^-0.4 is (0.5 · 250^0.4) / K^0.4:
    # carried over into Eq. 11, though K is there taken of probabilities and beta multiplies a z-score.
    "paper": Preset(beta=0.5 * 250**0.4, fusion="kurtosis", zscore=False),
    # run.sh and the readme's command: --alpha 0.5, and no --uncent_type, which leaves the uncertainty off.
    "official": Preset(beta=0.5, fusion="none", zscore=True),
    # The same with --uncent_type moment and its default power.
    "official+uf": Preset(beta=0.5, fusion="moment", zscore=True),
}


class AMUTuning(Predictor):
    """s = s₀ + beta · u(s₀) · b with the bias b = Ŵ f̂ of the auxiliary feature, or its z-score.

    None means the preset's value. f̂ has length one, in Ŵ₀ too: the released code; the paper leaves it open.

    preset: "paper", "official" or "official+uf".  aux: feature space of the auxiliary encoder.
    beta: weight of the bias, α in the released code.  lam: λ of Eq. 9.  rho: ρ of Eq. 10.
    fusion: a name in amu.fusion.FUSIONS.  init: "mean" (Eq. 6) or "random".  zscore: of the bias over
    the classes, in both losses too. ValueError for an unknown preset, fusion or init.

    Table 6 switches its components off by arguments: AUX by aux="clip", MTFi by init="random" and lam=1, UF by fusion="none".
    """

    feature = "Aux"
    predictor = "MTFi LP"
    fusion_kind = "Uncertainty-based"

    weight: nn.Parameter

    def __init__(
        self,
        *,
        preset: str = "paper",
        aux: str = "mocov3",  # the paper's, "with no special declaration"
        beta: float | None = None,
        lam: float | None = None,
        rho: float | None = None,
        fusion: str | None = None,
        init: str | None = None,
        zscore: bool | None = None,
        recipe: Recipe | None = None,
    ) -> None:
        super().__init__()
        default = PRESETS[_known(preset, PRESETS, "preset")]
        self.preset = preset
        self.aux = aux
        self.reads = tuple(dict.fromkeys(("clip", aux)))
        self.beta = default.beta if beta is None else beta
        self.lam = default.lam if lam is None else lam
        self.rho = default.rho if rho is None else rho
        self.fusion = _known(default.fusion if fusion is None else fusion, FUSIONS, "fusion")
        self.init = _known(default.init if init is None else init, INITS, "init")
        self.zscore = default.zscore if zscore is None else zscore
        self.recipe = RECIPE if recipe is None else recipe
        self.tunes = {"beta": BETAS} if self.fusion == "none" else {"beta": BETAS, "rho": RHOS}

    def build(self, task: Task) -> None:
        """The linear predictor Ŵ₀ [C, D], without a bias of its own."""
        self.classifier = TextClassifier(task)
        if self.init == "mean":
            self.weight = nn.Parameter(class_means(task.support, self.aux, task.classes))
        else:
            features = task.support.spaces[self.aux]
            drawn = linear_weight(task.classes, features.shape[-1], task.generator())
            self.weight = nn.Parameter(drawn.to(features))

    def among(self, classes: Tensor) -> "AMUTuning":
        """With these classes alone in both classifiers: the kurtosis and the z-score run over them."""
        few = deepcopy(self)
        few.classifier = self.classifier.among(classes)
        few.weight = nn.Parameter(self.weight.detach()[classes])
        return few

    def prepare(self, x: Features) -> Features:
        """s₀ [B, C], the uncertainty's weight at ρ = 1 [B, 1], f̂ [B, D]: half the time of a step, and none is trained."""
        s0 = self.classifier(x["clip"])
        return {"s0": s0, "weight": FUSIONS[self.fusion](s0, 1.0)[:, None], "aux": unit(x[self.aux])}

    def combine(self, prepared: Features) -> Scores:
        """Eq. 11; the bias is b, before beta and the uncertainty."""
        bias = product(prepared["aux"], self.weight)  # Eq. 7
        if self.zscore:
            bias = zscore(bias)
        s0, weight = prepared["s0"], self.beta * prepared["weight"] ** self.rho
        return Scores(zero_shot=s0, bias=bias, fused=s0 + weight * bias)

    def scores(self, x: Features) -> Scores:
        """Eq. 11 from the features."""
        return self.combine(self.prepare(x))

    def loss(self, batch: Batch) -> Tensor:
        """Eq. 8 and 9: λ · CE(fused) + (1 - λ) · CE(bias), means over the batch (the paper writes sums)."""
        s = self.combine(batch.x)
        fused, aux = F.cross_entropy(s.fused, batch.labels), F.cross_entropy(s.bias, batch.labels)
        return self.lam * fused + (1 - self.lam) * aux


def class_means(support: Samples, space: str, classes: int) -> Tensor:
    """Eq. 6: m_i = 1/N Σ_j f_ij over the N images of class i -> [classes, D].

    Of unit features, and not made unit again. Of view 0, the image as it is; the released code takes one augmented
    pass. A class without images has a zero row.
    """
    features = unit(support.view()[space])
    sums = features.new_zeros(classes, features.shape[1]).index_add(0, support.labels, features)
    return sums / support.labels.bincount(minlength=classes).clamp_min(1)[:, None]


def _known(name: str, names: Iterable[str], what: str) -> str:
    """The name itself; ValueError with the nearest and all others when there is no such name."""
    try:
        return choose(name, names, what)
    except BenchError as error:
        raise ValueError(str(error)) from None
