"""FLIP. Li et al., CVPR 2023, https://arxiv.org/abs/2212.00794: CLIP whose image tower sees half of the patches.

A step costs little more than half, so the same time goes through more pairs; the last steps see whole pictures
(section 3, "unmasked tuning"), because that is what the tower will be used on.
"""

import torch
from torch import Tensor

from benchmark.mini.pretraining.clip_pretrain import ClipPretraining

UNSEEN = 0.5  # the paper's ratio with nearly no loss in accuracy
UNMASKED = 0.85  # from this share of the run on; the paper appends a fraction of an epoch, nobody says how much here


def kept(tokens: Tensor, share: float) -> Tensor:
    """The first token and a random `share` of the others, different for each row, [N, 1 + K, D]."""
    n, length, _ = tokens.shape
    order = torch.rand(n, length - 1).argsort(dim=1)[:, : max(1, round(share * (length - 1)))]
    chosen = torch.cat([torch.zeros(n, 1, dtype=torch.long), order + 1], dim=1)
    return tokens.gather(1, chosen[:, :, None].expand(-1, -1, tokens.shape[2]))


class Flip(ClipPretraining):
    """CLIP pre-training of a ViT on randomly chosen halves of its patches."""

    title = (
        "FLIP (Li et al. 2023): CLIP with half of the patches left out, whole pictures for the last 15 % of the steps"
    )
    progress: Tensor

    def __init__(self, role: str) -> None:
        super().__init__(role)
        # A buffer, so that a run that is continued knows it at its first step.
        self.register_buffer("progress", torch.zeros(()))
        self.model.visual.ln_pre.register_forward_pre_hook(self._leave_out)

    def loss(self, step: int) -> Tensor:
        """CLIP's loss with the patches chosen by the step alone."""
        with torch.random.fork_rng():
            torch.manual_seed(step)
            return super().loss(step)

    def after(self, progress: float) -> None:
        """Remember how far the run is."""
        super().after(progress)
        self.progress.fill_(progress)

    def _leave_out(self, module: torch.nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor] | None:
        """Before the first normalisation, behind the positions: leave out patches while training."""
        if not module.training or self.progress >= UNMASKED:
            return None
        return (kept(inputs[0], 1 - UNSEEN),)
