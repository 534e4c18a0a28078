"""MILAN. Hou et al., 2022, https://arxiv.org/abs/2208.06049: masked pre-training towards the features of a CLIP.

The student sees a quarter of the patches, chosen where the CLIP's class token looks (section 3.3), and predicts what the
CLIP's image tower makes of every patch of the whole picture (section 3.1). In the prompting decoder (section 3.2) only the
hidden patches' tokens are updated; the encoder's tokens are keys and values and stay as they are.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from benchmark.mini import networks, weights
from benchmark.mini.pretraining import monitor
from benchmark.mini.pretraining.algorithm import Algorithm, Schedule
from benchmark.mini.pretraining.mae import DATA, DECODER_DEPTH, VISIBLE, encode, picked, pictures, positions, put_back
from benchmark.mini.world.draws import Draws, Ints

TEACHER = "ViT-B/16"  # the paper's
WIDTH, HEADS = networks.VIT_WIDTH, networks.VIT_HEADS


@torch.no_grad()
def teach(visual: Any, images: Tensor) -> tuple[Tensor, Tensor]:
    """What the CLIP's tower makes of each patch, [N, P, D], and how much its class token looks at it, [N, P].

    The first are the last layer's tokens, layer-normalised without weights; the second is the last layer's attention,
    averaged over its heads, and sums to nearly 1 (the class token also looks at itself).
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
    """An order of the patches, drawn without replacement with the attention as probabilities, [N, P] -> [N, P].

    By the Gumbel-max trick: sorting log p + Gumbel noise draws as one draw after another would.
    """
    uniform = torch.from_numpy(Draws("pretrain", "mask", ids=ids).vector("gumbel", attention.shape[1]))
    noise = -(-uniform.clamp(1e-7, 1 - 1e-7).log()).log()
    return (attention.clamp_min(1e-9).log() + noise).argsort(dim=1, descending=True)


def distance(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared error over all patches, seen and hidden; [N, P, D] each."""
    return (predicted - target).square().mean()


class PromptedBlock(nn.Module):
    """A transformer block that updates the hidden patches' tokens only."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.norm_mlp = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, seen: Tensor, hidden: Tensor) -> Tensor:
        """seen: [N, K, D], hidden: [N, H, D] -> hidden, updated."""
        everything = self.norm(torch.cat([seen, hidden], dim=1))
        queries = everything[:, seen.shape[1] :]
        hidden = hidden + self.attention(queries, everything, everything, need_weights=False)[0]
        return hidden + self.mlp(self.norm_mlp(hidden))


class Decoder(nn.Module):
    """The prompting decoder: seen tokens as they are, mask tokens through two blocks, both to the CLIP's features."""

    place: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.mask = nn.Parameter(torch.randn(WIDTH) * 0.02)
        self.register_buffer("place", positions(WIDTH), persistent=False)
        self.blocks = nn.ModuleList(PromptedBlock() for _ in range(DECODER_DEPTH))
        self.leave = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH))

    def forward(self, seen: Tensor, order: Tensor) -> Tensor:
        """seen: [N, K, D], the first K of order [N, P] -> predictions [N, P, D] in the picture's order."""
        k = seen.shape[1]
        places = picked(self.place.expand(len(order), -1, -1), order)
        prompts = seen + places[:, :k]
        hidden = self.mask + places[:, k:]
        for block in self.blocks:
            hidden = block(prompts, hidden)
        return put_back(self.leave(torch.cat([seen, hidden.to(seen.dtype)], dim=1)), order)


class Milan(Algorithm):
    """MILAN with the ViT-B/16 role's CLIP as its teacher."""

    title = (
        "MILAN (Hou et al. 2022): masked prediction of a CLIP's features, sampled by its attention, prompting decoder"
    )
    data = f"{DATA}; through its teacher, the {TEACHER} role's CLIP, indirectly also captions"

    def __init__(self, role: str) -> None:
        super().__init__()
        self.encoder = networks.build_auxiliary(role)
        self.decoder = Decoder()
        # In a list, because it is no part of what is trained or kept.
        self._teacher = [_teacher()]
        self.schedule = Schedule(steps=800, batch=256, betas=(0.9, 0.95))  # betas: MAE's, which the paper follows

    def loss(self, step: int) -> Tensor:
        """The distance to the teacher's view of the whole picture."""
        ids = np.arange(self.schedule.batch) + step * self.schedule.batch
        images = pictures(ids)
        with torch.autocast("cpu", torch.bfloat16):
            target, attention = teach(self._teacher[0], images)
            order = looked_at(attention, ids)
            predicted = self.decoder(encode(self.encoder, images, order[:, :VISIBLE]), order)
        return distance(predicted.float(), target)

    def product(self) -> nn.Module:
        """The encoder."""
        return self.encoder

    def monitor(self) -> dict[str, float]:
        """Probes on the encoder, which sees whole pictures there."""
        return monitor.probes(self.encoder)


def _teacher() -> nn.Module:
    """The image tower of the shipped CLIP."""
    model, _ = networks.build_clip(TEACHER)
    model.load_state_dict(weights.load(TEACHER), strict=True)
    return model.eval().requires_grad_(False).visual  # type: ignore[return-value]
