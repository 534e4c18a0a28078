"""MILAN. Hou et al., 2022, https://arxiv.org/abs/2208.06049: masked pre-training with the features of a CLIP as targets.

The student sees a quarter of the patches, sampled by the attention of the CLIP's class token (section 3.3), and predicts the
CLIP's patch features of the unmasked image (section 3.1). The prompting decoder (section 3.2) updates the tokens of masked
patches only; the tokens from the encoder serve as keys and values and are not updated.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from benchmark.methods.clip import Model
from benchmark.mini import networks, weights
from benchmark.mini.pretraining import monitor
from benchmark.mini.pretraining.algorithm import Algorithm, Schedule, mixed_precision
from benchmark.mini.pretraining.mae import DATA, DECODER_DEPTH, VISIBLE, encode, picked, pictures, positions, put_back
from benchmark.mini.world.draws import Draws, Ints

TEACHER = "ViT-B/16"  # the paper's
WIDTH, HEADS = networks.VIT_WIDTH, networks.VIT_HEADS


@torch.no_grad()
def teach(visual: Model, images: Tensor) -> tuple[Tensor, Tensor]:
    """Targets and sampling weights of the patches, from the image tower of a CLIP.

    Args:
        visual: open_clip's ViT.
        images: standardised images, [N, 3, 48, 48].

    Returns:
        The patch tokens of the last layer, layer-normalised without affine parameters, [N, P, D]; and the attention of the
        class token to the patches in the last layer, averaged over heads, [N, P]. The attention sums to less than 1,
        because the class token also attends to itself.
    """
    out = visual.forward_intermediates(
        images, indices=2, intermediates_only=True, output_fmt="NLC", output_extra_tokens=True
    )
    before, last = out["image_intermediates"]
    block = visual.transformer.resblocks[-1]
    tokens = block.ln_1(torch.cat([out["image_intermediates_prefix"][0], before], dim=1))
    _, attention = block.attn(tokens, tokens, tokens, need_weights=True)
    return layer_norm(last.float(), last.shape[-1:]), attention[:, 0, 1:].float()


def looked_at(attention: Tensor, ids: Ints) -> Tensor:
    """Draw an order of the patches without replacement, with the attention as probabilities.

    Sorting log p + Gumbel noise is equivalent to successive draws (the Gumbel-max trick).

    Args:
        attention: unnormalised probabilities, [N, P].
        ids: ids of the images, [N], which determine the noise.

    Returns:
        Positions of the patches in the order drawn, [N, P].
    """
    uniform = torch.from_numpy(Draws("pretrain", "mask", ids=ids).vector("gumbel", attention.shape[1]))
    noise = -(-uniform.clamp(1e-7, 1 - 1e-7).log()).log()
    return (attention.clamp_min(1e-9).log() + noise).argsort(dim=1, descending=True)


def distance(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared error over all patches, visible and masked; both arguments [N, P, D]."""
    return (predicted - target).square().mean()


class PromptedBlock(nn.Module):
    """A transformer block that updates the tokens of masked patches only."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.norm_mlp = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, seen: Tensor, hidden: Tensor) -> Tensor:
        """Update the tokens of masked patches, hidden [N, H, D], by attention to them and to seen [N, K, D]."""
        everything = self.norm(torch.cat([seen, hidden], dim=1))
        queries = everything[:, seen.shape[1] :]
        hidden = hidden + self.attention(queries, everything, everything, need_weights=False)[0]
        return hidden + self.mlp(self.norm_mlp(hidden))


class Decoder(nn.Module):
    """The prompting decoder: mask tokens pass two blocks, visible tokens none; one head predicts the CLIP's features."""

    place: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.mask = nn.Parameter(torch.randn(WIDTH) * 0.02)
        self.register_buffer("place", positions(WIDTH), persistent=False)
        self.blocks = nn.ModuleList(PromptedBlock() for _ in range(DECODER_DEPTH))
        self.leave = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH))

    def forward(self, seen: Tensor, order: Tensor) -> Tensor:
        """Predict the CLIP's features of all patches.

        Args:
            seen: tokens of the visible patches, [N, K, D].
            order: positions of the patches, [N, P]; the first K belong to `seen`.

        Returns:
            Predictions, [N, P, D], in the order of the patches in the image.
        """
        k = seen.shape[1]
        places = picked(self.place.expand(len(order), -1, -1), order)
        prompts = seen + places[:, :k]
        hidden = self.mask + places[:, k:]
        for block in self.blocks:
            hidden = block(prompts, hidden)
        return put_back(self.leave(torch.cat([seen, hidden.to(seen.dtype)], dim=1)), order)


class Milan(Algorithm):
    """MILAN with the CLIP of the role ViT-B/16 as teacher."""

    title = (
        "MILAN (Hou et al. 2022): masked prediction of a CLIP's features, sampled by its attention, prompting decoder"
    )
    data = f"{DATA}; through its teacher, the {TEACHER} role's CLIP, indirectly also captions"

    def __init__(self, role: str) -> None:
        super().__init__()
        self.encoder = networks.build_auxiliary(role)
        self.decoder = Decoder()
        # The list keeps the teacher out of the module's parameters and of the checkpoint.
        self._teacher = [_teacher()]
        self.schedule = Schedule(steps=1600, batch=256, betas=(0.9, 0.95))  # betas: MAE's, which the paper follows

    def loss(self, step: int) -> Tensor:
        """The distance to the teacher's patch features of the unmasked image."""
        ids = np.arange(self.schedule.batch) + step * self.schedule.batch
        images = pictures(ids)
        with mixed_precision():
            target, attention = teach(self._teacher[0], images)
            order = looked_at(attention, ids)
            predicted = self.decoder(encode(self.encoder, images, order[:, :VISIBLE]), order)
        return distance(predicted.float(), target)

    def product(self) -> nn.Module:
        """The encoder without the decoder."""
        return self.encoder

    def monitor(self) -> dict[str, float]:
        """Accuracies (%) of nearest neighbours and a linear probe on the features of unmasked images."""
        return monitor.probes(self.encoder)


def _teacher() -> nn.Module:
    """The image tower of the teacher, with the shipped weights."""
    model, _ = networks.build_clip(TEACHER)
    model.load_state_dict(weights.load(TEACHER), strict=True)
    return model.eval().requires_grad_(False).visual  # type: ignore[return-value]
