"""CLIP-Adapter: Gao et al., IJCV 2024, https://arxiv.org/abs/2110.04544.

A small bottleneck network transforms CLIP's image feature; its output and the feature are averaged with a fixed ratio.
"""

from torch import Tensor, nn

from baselines.coop import RECIPE, CoOp, published_epochs
from baselines.zero_shot import TextClassifier
from benchmark.core.digest import Json
from benchmark.methods import Features, Predictor, Recipe, Released, Scores, Task
from benchmark.numerics.initialisation import linear_weight
from benchmark.numerics.matmul import product


class CLIPAdapter(Predictor):
    """Cosine logits of the text and f' = ratio · A(f) + (1 - ratio) · f with A(f) = ReLU(W₂ ReLU(W₁ f)).

    This is the visual adapter of the released code (gaopengcuhk/CLIP-Adapter, clip_adapter.py) on the feature f before
    normalisation, without biases. The paper and Table 1 of AMU-Tuning include a second adapter on the text, which was never
    released; without it the cross term of Table 1 is absent. The text classifier is the task's, of all templates of the data
    set, on ImageNet Tip-Adapter's seven; the released code has one template there too. `bias` is the difference to the
    zero-shot logits.
    """

    feature = "CLIP"
    predictor = "MLP"
    fusion_kind = "Manual Tuning"
    note = "its text classifier has all templates of the data set, on ImageNet seven; that of the released code has one"
    crops = CoOp.crops  # Dassl's
    released = Released("gaopengcuhk/CLIP-Adapter, a trainer of Dassl; its TEST.FINAL_MODEL, last_step")

    def __init__(
        self,
        *,
        ratio: float = 0.2,  # fixed in the released code; the paper tunes it for each data set
        reduction: int = 4,  # paper and code
        recipe: Recipe = RECIPE,  # no configuration was released; the readme refers to CoOp's command
    ) -> None:
        super().__init__()
        self.ratio = ratio
        self.reduction = reduction
        self.recipe = recipe

    @classmethod
    def published(cls, dataset: str, shots: int) -> Json:
        """CoOp's number of epochs, because the readme of CLIP-Adapter refers to CoOp's command."""
        return published_epochs(dataset, shots)

    def build(self, task: Task) -> None:
        """Draw W₁ [D / reduction, D] and W₂ [D, D / reduction] for features of width D (1024 in the released code)."""
        self.classifier = TextClassifier(task)
        width = task.text.shape[1]
        hidden = max(1, width // self.reduction)
        generator = task.generator()
        self.down = nn.Parameter(linear_weight(hidden, width, generator).to(task.text))
        self.up = nn.Parameter(linear_weight(width, hidden, generator).to(task.text))

    def adapt(self, f: Tensor) -> Tensor:
        """Adapted features f' of image features f, both [B, D] and not normalised."""
        adapted = product(product(f, self.down).relu(), self.up)
        return self.ratio * adapted.relu() + (1 - self.ratio) * f

    def prepare(self, x: Features) -> Features:
        """Zero-shot logits s₀ [B, C] and the features f [B, D]."""
        return {"s0": self.classifier(x["clip"]), "clip": x["clip"]}

    def combine(self, prepared: Features) -> Scores:
        """Scores with the cosine logits of the adapted features as `fused`."""
        s0, fused = prepared["s0"], self.classifier(self.adapt(prepared["clip"]))
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)

    def scores(self, x: Features) -> Scores:
        """Scores of the CLIP features x["clip"], [B, D]."""
        return self.combine(self.prepare(x))
