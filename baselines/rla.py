"""RLA: the regularised linear adapter that comes with ProLIP, Fahes et al., arXiv 2410.05270.

"CLIP's Visual Embedding Projector is a Few-shot Cornucopia". A linear map of CLIP's image feature, from the identity, with a
penalty on its distance from there whose strength is 1 / K. It is the counterpart of ProLIP on features after the projection.
"""

import torch
from torch import Tensor, nn

from baselines.zero_shot import TextClassifier
from benchmark.methods import Batch, Features, Predictor, Recipe, Released, Scores, Task
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product

# astra-vision/ProLIP, methods/RegLinearAdapter.py and base.yaml: Adam without weight decay, the whole support set in a batch.
RECIPE = Recipe(optimizer="adam", lr=1e-5, eps=1e-4, weight_decay=0.0, batch_size=2**20, epochs=300, schedule="epoch")


class RLA(Predictor):
    """Cosine logits of the text and A f, with cross-entropy + lam · ‖A - I‖² as the loss.

    f is CLIP's image feature before normalisation; the released code trains epoch e on augmented view e of 300. `bias` is the
    difference to the zero-shot logits.

    Args:
        lam: Strength of the penalty, a sum over the entries of A; None is 1 / K, K the mean number of images of a class.
        recipe: Optimiser, schedule and epochs.
    """

    feature = "CLIP"
    predictor = "Linear adapter"
    released = Released("astra-vision/ProLIP, methods/RegLinearAdapter.py; the last epoch")
    note = "its epochs take turns in the suite's views, where the released code has 300 of them"

    strength: Tensor

    def __init__(
        self,
        *,
        lam: float | None = None,  # the paper's rule without validation
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__()
        self.lam = lam
        self.recipe = recipe

    def build(self, task: Task) -> None:
        """Start A [D, D] at the identity."""
        self.classifier = TextClassifier(task)
        strength = task.classes / len(task.support) if self.lam is None else self.lam
        self.register_buffer("strength", torch.tensor(float(strength)).to(task.text))
        self.shift = nn.Parameter(torch.zeros(2 * [task.text.shape[1]]).to(task.text))

    def prepare(self, x: Features) -> Features:
        """s₀ [B, C] and the features [B, D]."""
        return {"s0": self.classifier(x["clip"]), "clip": x["clip"]}

    def combine(self, prepared: Features) -> Scores:
        """Logits of the adapted features f + (A - I) f."""
        f, s0 = prepared["clip"], prepared["s0"]
        moved = unit(f + product(f, self.shift)) - unit(f)
        bias = product(self.classifier.scale * moved, self.classifier.text)
        return Scores(zero_shot=s0, bias=bias, fused=s0 + bias)

    def scores(self, x: Features) -> Scores:
        """Scores of the CLIP features x["clip"], [B, D]."""
        return self.combine(self.prepare(x))

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the batch and the penalty."""
        return super().loss(batch) + self.strength * self.shift.square().sum()
