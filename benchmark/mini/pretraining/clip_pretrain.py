"""CLIP pre-training. Radford et al., 2021, https://arxiv.org/abs/2103.00020, Figure 3.

Pairs of an image and its caption: each image is classified among the captions of the batch, and each caption among the
images.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmark.methods.clip import Clip, Model
from benchmark.mini import networks, weights
from benchmark.mini.pretraining import monitor
from benchmark.mini.pretraining.algorithm import Algorithm, Schedule, mixed_precision
from benchmark.mini.world import world
from benchmark.mini.world.captions import describe

# Steps of 256 pairs: affordable on a few CPU cores; longer training would improve every tower.
STEPS = {"RN50": 2000, "RN101": 1150, "ViT-B/32": 2600, "ViT-B/16": 3400}
# Role -> role from which its text tower inherits weights, as in TinyCLIP (Wu et al., ICCV 2023). Inheriting saves the first
# hundreds of steps, in which neither tower gives the other a useful target.
TEXT_FROM = {"RN101": "RN50", "ViT-B/32": "RN50", "ViT-B/16": "RN50"}
MAX_SCALE = math.log(100)  # CLIP, section 2.5: logits are not scaled by more than 100


def contrastive(image: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    """Symmetric InfoNCE: the mean of the image-to-text and the text-to-image cross-entropy (CLIP, Figure 3).

    Args:
        image: L2-normalised image features, [N, D].
        text: L2-normalised text features, [N, D]; row i is the caption of image i.
        scale: factor of the cosine similarities.

    Returns:
        The loss, a scalar.
    """
    logits = scale * image @ text.T
    target = torch.arange(len(logits))
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2


def inherit_text(model: Model, role: str) -> str:
    """Load the shipped text tower of another role into a CLIP; its logit scale and image tower are kept.

    Args:
        model: the CLIP that inherits.
        role: the role with the shipped weights.

    Returns:
        A clause for the model card that names the origin of the text tower.

    Raises:
        ValueError: if the two text towers have different parameters.
    """
    tower = {k: v for k, v in weights.load(role).items() if not k.startswith(("visual.", "logit_scale"))}
    missing, unexpected = model.load_state_dict(tower, strict=False)
    if unexpected or any(not k.startswith(("visual.", "logit_scale")) for k in missing):
        raise ValueError(f"the text towers differ: {unexpected or missing}")
    return f"the text tower starts from the {role} role's (sha256 {weights.fingerprint(role)[:12]}...)"


class ClipPretraining(Algorithm):
    """A CLIP of the mini suite, trained on the captioned pre-training stream."""

    title = "CLIP (Radford et al. 2021): symmetric InfoNCE over image-caption pairs"
    data = "captioned pre-training stream, styles at the rates of world.MIX; no augmentation, because no picture comes twice"

    def __init__(self, role: str) -> None:
        super().__init__()
        model, self._tokenizer = networks.build_clip(role)
        self.model: Model = model
        if role in TEXT_FROM:
            self.data = f"{self.data}; {inherit_text(model, TEXT_FROM[role])}"
        self.schedule = Schedule(steps=STEPS[role], batch=256)

    def loss(self, step: int) -> Tensor:
        """The contrastive loss of a step; towers in bfloat16, loss in float32."""
        ids = np.arange(self.schedule.batch) + step * self.schedule.batch
        factors = world.sample("pretrain", ids, world.mixture(ids))
        pixels = networks.preprocess(world.draw(factors)).contiguous(memory_format=torch.channels_last)
        tokens = self._tokenizer(describe("pretrain", ids, factors))
        with mixed_precision():
            image = self.model.encode_image(pixels)
            text = self.model.encode_text(tokens)
        image, text = (torch.nn.functional.normalize(z.float(), dim=-1) for z in (image, text))
        return contrastive(image, text, self.model.logit_scale.exp())

    def after(self, progress: float) -> None:
        """Clip the logit scale to 100."""
        self.model.logit_scale.data.clamp_(max=MAX_SCALE)

    def product(self) -> torch.nn.Module:
        """The CLIP with both towers."""
        return self.model

    def monitor(self) -> dict[str, float]:
        """Zero-shot accuracies (%) on 2000 monitor photos and on 1000 monitor images of each other style."""
        trained = [p for p in self.model.parameters() if p.requires_grad]  # Clip freezes all parameters
        clip = Clip(self.model, self._tokenizer)
        accuracies = {f"zero_shot_{s}": monitor.zero_shot(clip, 1000, s) for s in world.STYLE_NAMES[1:]}
        accuracies = {"zero_shot": monitor.zero_shot(clip), **accuracies}
        self.model.train()
        for p in trained:
            p.requires_grad_(True)
        return accuracies
