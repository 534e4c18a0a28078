"""VT-CLIP: Qiu et al., "VT-CLIP: Enhancing Vision-Language Models with Visual-guided Texts", 2021.

https://arxiv.org/abs/2112.02399. Text features attend to the patch features of an image by cross-attention, and the result is
added to them. This is a re-implementation, unverifiable hyper-parameters included, because no code was released.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from baselines.tip_adapter import RECIPE
from baselines.zero_shot import TextClassifier
from benchmark.methods import Features, Predictor, Recipe, Scores, Task
from benchmark.numerics.initialisation import linear_weight
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product

IMAGES = 1024
"""Images compared at a time, which bounds memory: about ten numbers for each patch and class of an image."""


class VTCLIP(Predictor):
    """s_c = scale · f̂ · t̂'_c with the guided text t'_c = t_c + Σ_p softmax_p(W_q t_c · W_k ŝ_p / √D) W_o W_v ŝ_p.

    The text features t_c and the patch features ŝ_p are L2-normalised. The attention has one head, no feed-forward layer and
    no biases, the minimum that the paper describes. W_o is initialised with zeros, so that training starts at zero-shot CLIP.
    All of these choices are ours. `bias` is the difference of s to the zero-shot logits.
    """

    note: ClassVar[str] = "re-implementation, unverifiable hyper-parameters"
    reads = ("clip", "clip_spatial")
    feature = "CLIP (spatial)"
    predictor = "Cross-attention"
    fusion_kind = "-"

    def __init__(
        self,
        *,
        recipe: Recipe = RECIPE,  # nothing was released; the recipe of Tip-Adapter-F, which shares authors with VT-CLIP
    ) -> None:
        super().__init__()
        self.recipe = recipe

    def build(self, task: Task) -> None:
        """Create W_q, W_k, W_v and W_o, each [D, D]."""
        self.classifier = TextClassifier(task)
        width, generator = task.text.shape[1], task.generator()
        drawn = [linear_weight(width, width, generator).to(task.text) for _ in range(3)]
        self.query, self.key, self.value = (nn.Parameter(weight) for weight in drawn)
        self.out = nn.Parameter(torch.zeros_like(drawn[0]))

    def prepare(self, x: Features) -> Features:
        """Zero-shot logits s₀ [B, C], L2-normalised features f̂ [B, D], and patch features [B, P, D] as they are."""
        return {"s0": self.classifier(x["clip"]), "clip": unit(x["clip"]), "clip_spatial": x["clip_spatial"]}

    def combine(self, prepared: Features) -> Scores:
        """Scores with the cosine logits of the guided texts as `fused`."""
        s0, parts = prepared["s0"], zip(*(prepared[name].split(IMAGES) for name in self.reads), strict=True)
        fused = self.classifier.scale * torch.cat([self._cosines(f, spatial) for f, spatial in parts])
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)

    def scores(self, x: Features) -> Scores:
        """Scores of the features in `reads`, [B, D] and [B, P, D]."""
        return self.combine(self.prepare(x))

    def _cosines(self, f: Tensor, spatial: Tensor) -> Tensor:
        """Cosines f̂ · t̂' of images and their guided texts.

        A guided text is t + Σ_p w_p u_p with u_p = W_o W_v ŝ_p. Its product with f̂ and its length follow from f̂ · u_p,
        t · u_p and u_p · u_q, so that the guided texts [B, C, D] need not be computed.

        Args:
            f: L2-normalised image features [B, D].
            spatial: Patch features [B, P, D], not normalised.

        Returns:
            Cosines [B, C].
        """
        text, places = self.classifier.text, unit(spatial)
        asked = product(text, self.query) @ self.key  # W_kᵀ W_q t
        weights = (product(places, asked) / text.shape[1] ** 0.5).softmax(1)  # [B, P, C]
        found = product(places, self.out @ self.value)  # u, [B, P, D]
        along = product(f, text) + (weights * (found @ f[..., None])).sum(1)
        onto = 2 * product(found, text) + found @ found.transpose(1, 2) @ weights
        square = text.square().sum(1) + (weights * onto).sum(1)
        return along * square.clamp_min(torch.finfo(square.dtype).eps).rsqrt()
