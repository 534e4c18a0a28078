"""CLIP-Adapter: Gao et al., IJCV 2024, https://arxiv.org/abs/2110.04544.

A small bottleneck network behind the image tower; its output is mixed into CLIP's own feature by a fixed ratio.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from baselines.coop import RECIPE, published_epochs
from baselines.zero_shot import TextClassifier
from benchmark.methods import Features, Predictor, Recipe, Scores, Task
from benchmark.numerics.initialisation import linear_weight
from benchmark.numerics.matmul import product


class CLIPAdapter(Predictor):
    """f' = ratio · A(f) + (1 - ratio) · f with A(f) = ReLU(W₂ ReLU(W₁ f)), then cosine logits of f' and the text.

    The visual adapter of the released code (gaopengcuhk/CLIP-Adapter, clip_adapter.py), on the un-normalised feature
    and without biases. The paper and Table 1 speak of a second adapter, on the text; it was never released, and with
    it the cross term of Table 1 is missing. The bias reported is what the adapter adds to the zero-shot logits.
    """

    feature = "CLIP"
    predictor = "MLP"
    fusion_kind = "Manual Tuning"

    def __init__(
        self,
        *,
        ratio: float = 0.2,  # fixed in the released code; the paper tunes it for each data set
        reduction: int = 4,  # paper and code
        recipe: Recipe = RECIPE,  # no configuration was released: its readme says to follow CoOp's command
    ) -> None:
        super().__init__()
        self.ratio = ratio
        self.reduction = reduction
        self.recipe = recipe

    @classmethod
    def published(cls, dataset: str, shots: int) -> Mapping[str, Any]:
        """CoOp's number of epochs: "follow CoOp's command" is all that was released."""
        return published_epochs(dataset, shots)

    def build(self, task: Task) -> None:
        """Draw W₁ [D / reduction, D] and W₂ [D, D / reduction]; D is the data's (the released code: 1024)."""
        self.classifier = TextClassifier(task)
        width = task.text.shape[1]
        hidden = max(1, width // self.reduction)
        generator = task.generator()
        self.down = nn.Parameter(linear_weight(hidden, width, generator).to(task.text))
        self.up = nn.Parameter(linear_weight(width, hidden, generator).to(task.text))

    def adapt(self, f: Tensor) -> Tensor:
        """Image features f -> f', both [B, D] and not normalised."""
        adapted = product(product(f, self.down).relu(), self.up)
        return self.ratio * adapted.relu() + (1 - self.ratio) * f

    def scores(self, x: Features) -> Scores:
        """Cosine logits of the adapted features as `fused`."""
        s0 = self.classifier(x["clip"])
        fused = self.classifier(self.adapt(x["clip"]))
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)
