"""FLIP. Li et al., CVPR 2023, https://arxiv.org/abs/2212.00794: CLIP with half of the patches masked out.

A step costs little more than half, so that more pairs fit in a given time. The last steps see whole images (section 3,
"unmasked tuning"), as the tower will in use.
"""

import torch
from torch import Tensor

from benchmark.mini.pretraining.clip_pretrain import ClipPretraining

UNSEEN = 0.5  # share of masked patches; the paper finds almost no loss of accuracy at this ratio
UNMASKED = 0.85  # share of the run after which no patch is masked; the paper appends a fraction of an epoch


def kept(tokens: Tensor, share: float) -> Tensor:
    """Keep the class token and a random `share` of the patch tokens, drawn for each image: [N, 1 + P, D] -> [N, 1 + K, D]."""
    n, length, _ = tokens.shape
    order = torch.rand(n, length - 1).argsort(dim=1)[:, : max(1, round(share * (length - 1)))]
    chosen = torch.cat([torch.zeros(n, 1, dtype=torch.long), order + 1], dim=1)
    return tokens.gather(1, chosen[:, :, None].expand(-1, -1, tokens.shape[2]))


class Flip(ClipPretraining):
    """CLIP pre-training of a ViT on random halves of the patches."""

    title = (
        "FLIP (Li et al. 2023): CLIP with half of the patches left out, whole pictures for the last 15 % of the steps"
    )
    progress: Tensor

    def __init__(self, role: str) -> None:
        super().__init__(role)
        # A buffer is part of the checkpoint, so that a resumed run knows its progress at its first step.
        self.register_buffer("progress", torch.zeros(()))
        self.model.visual.ln_pre.register_forward_pre_hook(self._leave_out)

    def loss(self, step: int) -> Tensor:
        """CLIP's loss on a random half of the patches, drawn with the step as seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(step)
            return super().loss(step)

    def after(self, progress: float) -> None:
        """Clip the logit scale and store the progress of the run."""
        super().after(progress)
        self.progress.fill_(progress)

    def _leave_out(self, module: torch.nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor] | None:
        """Hook before `ln_pre`, after the positions are added: mask patches in training."""
        if not module.training or self.progress >= UNMASKED:
            return None
        return (kept(inputs[0], 1 - UNSEEN),)
