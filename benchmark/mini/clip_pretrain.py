"""CLIP pre-training. Radford et al., 2021, https://arxiv.org/abs/2103.00020, Figure 3.

Pairs of a picture and its caption: each picture picks its caption among those of the batch, and each caption its
picture.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmark.encoders.clip import Clip
from benchmark.mini import monitor, networks, world
from benchmark.mini.algorithm import Algorithm, Schedule
from benchmark.mini.captions import describe

MAX_SCALE = math.log(100)  # CLIP, section 2.5: clipped to prevent scaling the logits by more than 100


def contrastive(image: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    """Mean of the two cross-entropies over scale * cosine; image, text: [N, D] with unit rows, row i belongs to row i."""
    logits = scale * image @ text.T
    target = torch.arange(len(logits))
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2


class ClipPretraining(Algorithm):
    """A CLIP of the mini suite on the captioned stream."""

    title = "CLIP (Radford et al. 2021): symmetric InfoNCE over image-caption pairs"
    data = "captioned pre-training stream, styles at the rates of world.MIX; no augmentation, because no picture comes twice"

    def __init__(self, role: str) -> None:
        super().__init__()
        model, self._tokenizer = networks.build_clip(role)
        self.model: Any = model
        self.schedule = Schedule(steps=2000, batch=256)

    def loss(self, step: int) -> Tensor:
        """The contrastive loss; the towers in bfloat16, the loss in float32."""
        ids = np.arange(self.schedule.batch) + step * self.schedule.batch
        factors = world.sample("pretrain", ids, world.mixture(ids))
        pixels = networks.preprocess(world.draw(factors)).contiguous(memory_format=torch.channels_last)
        tokens = self._tokenizer(describe("pretrain", ids, factors))
        with torch.autocast("cpu", torch.bfloat16):
            image = self.model.encode_image(pixels)
            text = self.model.encode_text(tokens)
        image, text = (torch.nn.functional.normalize(z.float(), dim=-1) for z in (image, text))
        return contrastive(image, text, self.model.logit_scale.exp())

    def after(self, progress: float) -> None:
        """Bound the temperature."""
        self.model.logit_scale.data.clamp_(max=MAX_SCALE)

    def product(self) -> torch.nn.Module:
        """The whole CLIP."""
        return self.model

    def monitor(self) -> dict[str, float]:
        """Zero-shot accuracy on 2000 monitor photos and 1000 of each other style."""
        clip = Clip(self.model, self._tokenizer)
        accuracies = {f"zero_shot_{s}": monitor.zero_shot(clip, 1000, s) for s in world.STYLE_NAMES[1:]}
        accuracies = {"zero_shot": monitor.zero_shot(clip), **accuracies}
        self.model.train().requires_grad_(True)
        return accuracies
