"""Zero-shot CLIP: Radford et al., ICML 2021, https://arxiv.org/abs/2103.00020.

An image belongs to the class whose text is nearest in angle. Every other method starts from these logits.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn

from benchmark.methods import Features, Predictor, Scores, Task
from benchmark.numerics.logits import cosine_logits


class TextClassifier(nn.Module):
    """The zero-shot logits s₀ = scale · f̂ W₀ᵀ as a part of a predictor; nothing in it is trained.

    text: another classifier [C, D] than the task's, with unit rows.
    """

    text: Tensor
    scale: Tensor

    def __init__(self, task: Task, text: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("text", (task.text if text is None else text).clone())
        self.register_buffer("scale", torch.tensor(float(task.logit_scale)).to(task.text))

    def among(self, classes: Tensor) -> "TextClassifier":
        """The classifier of some classes alone, in this order."""
        few = deepcopy(self)
        few.text = self.text[classes]
        return few

    def forward(self, features: Tensor) -> Tensor:
        """CLIP features [B, D], not normalised -> s₀ [B, C]."""
        return cosine_logits(features, self.text, self.scale)


class ZeroShotCLIP(Predictor):
    """CLIP as it is: no support image is looked at, and the bias is zero."""

    def build(self, task: Task) -> None:
        """Keep the text classifier."""
        self.classifier = TextClassifier(task)

    def scores(self, x: Features) -> Scores:
        """The zero-shot logits, fused with nothing."""
        s0 = self.classifier(x["clip"])
        return Scores(zero_shot=s0, bias=torch.zeros_like(s0), fused=s0)
