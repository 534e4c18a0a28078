"""Zero-shot CLIP: Radford et al., ICML 2021, https://arxiv.org/abs/2103.00020.

An image is assigned to the class with the largest cosine between image and text feature. All other methods add a bias to
these logits.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn

from benchmark.methods import Features, Predictor, Scores, Task
from benchmark.numerics.logits import cosine_logits


class TextClassifier(nn.Module):
    """The zero-shot logits s₀ = scale · f̂ W₀ᵀ as a submodule of a predictor, without parameters.

    Args:
        task: Task with the text classifier and the logit scale.
        text: Classifier [C, D] instead of the task's, rows L2-normalised.
    """

    text: Tensor
    scale: Tensor

    def __init__(self, task: Task, text: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("text", (task.text if text is None else text).clone())
        self.register_buffer("scale", torch.tensor(float(task.logit_scale)).to(task.text))

    def among(self, classes: Tensor) -> "TextClassifier":
        """A copy with `classes` [C'] only, in their order."""
        subset = deepcopy(self)
        subset.text = self.text[classes]
        return subset

    def forward(self, features: Tensor) -> Tensor:
        """Zero-shot logits s₀ [B, C] of CLIP features [B, D], which need not be normalised."""
        return cosine_logits(features, self.text, self.scale)


class ZeroShotCLIP(Predictor):
    """Zero-shot CLIP: the support set is not used, and the bias is zero."""

    crops = None

    def build(self, task: Task) -> None:
        """Store the text classifier."""
        self.classifier = TextClassifier(task)

    def scores(self, x: Features) -> Scores:
        """Scores with the zero-shot logits as `fused` and a bias of zero."""
        s0 = self.classifier(x["clip"])
        return Scores(zero_shot=s0, bias=torch.zeros_like(s0), fused=s0)
