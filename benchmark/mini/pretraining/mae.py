"""MAE. He et al., CVPR 2022, https://arxiv.org/abs/2111.06377.

The encoder sees a quarter of the patches; a light decoder paints the others, each in its own contrast. The feature is
the mean patch token of the whole picture: the encoder has no class token, with which the paper finds no difference.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.core.libraries import open_clip, timm
from benchmark.mini import networks
from benchmark.mini.pretraining import monitor, views
from benchmark.mini.pretraining.algorithm import Algorithm, Schedule
from benchmark.mini.world.draws import Draws, Ints

DATA = (
    "uncaptioned pre-training stream, one rendering of each picture in a style drawn at the rates of world.MIX, then random "
    "resized crop and flip; no colour jitter"
)
HIDDEN = 0.75  # share of patches that the encoder does not see: the paper
PATCHES = networks.GRID**2
VISIBLE = PATCHES - round(HIDDEN * PATCHES)
DECODER_WIDTH, DECODER_DEPTH, DECODER_HEADS = 96, 2, 3  # the paper: 512, 8, 16
PIXELS = 3 * networks.PATCH**2


def patchify(images: Tensor, side: int = networks.PATCH) -> Tensor:
    """[N, 3, H, W] -> patches row by row, [N, P, side * side * 3]."""
    n, channels, height, width = images.shape
    cells = images.reshape(n, channels, height // side, side, width // side, side)
    return cells.permute(0, 2, 4, 3, 5, 1).reshape(n, -1, side * side * channels)


def contrast(patches: Tensor) -> Tensor:
    """Each patch with its own mean 0 and variance 1, the variance over P - 1: the paper's "normalised pixels"."""
    return (patches - patches.mean(-1, keepdim=True)) / (patches.var(-1, keepdim=True) + 1e-6).sqrt()


def reconstruction(painted: Tensor, patches: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error on the hidden patches only. painted, patches: [N, P, D]; hidden: [N, P], 1 where it was not seen."""
    error = (painted - contrast(patches)).square().mean(-1)
    return (error * hidden).sum() / hidden.sum()


def orders(ids: Ints) -> Tensor:
    """A random order of the patches of each picture, [N, P]; the first VISIBLE of them are seen."""
    return torch.from_numpy(Draws("pretrain", "mask", ids=ids).permutation("patch", PATCHES))


def picked(tokens: Tensor, order: Tensor) -> Tensor:
    """Tokens [N, P, D] at the places of order [N, K] -> [N, K, D]."""
    return tokens.gather(1, order[:, :, None].expand(-1, -1, tokens.shape[2]))


def put_back(tokens: Tensor, order: Tensor) -> Tensor:
    """The inverse of `picked` with a whole order: token k goes to place order[:, k]."""
    return picked(tokens, order.argsort(dim=1))


def positions(width: int) -> Tensor:
    """Fixed sine-cosine positions of the patches, [1, P, width]."""
    return torch.from_numpy(open_clip.transformer.get_2d_sincos_pos_embed(width, networks.GRID)).float()[None]


def encode(encoder: nn.Module, images: Tensor, visible: Tensor) -> Tensor:
    """The encoder's tokens of the visible patches alone. visible: their places [N, K] -> [N, K, 128]."""
    tokens = encoder.patch_embed(images) + encoder.pos_embed  # type: ignore[operator]
    tokens = encoder.blocks(picked(tokens, visible))  # type: ignore[operator]
    return encoder.norm(tokens)  # type: ignore[operator]


def pictures(ids: Ints) -> Tensor:
    """The stream's pictures, cropped and flipped but not recoloured, [N, 3, 48, 48]."""
    draws = Draws("pretrain", "augment", 0, ids=ids)
    return views.normalise(views.crop(views.picture(ids, 0), draws, views.GLOBAL_AREA, networks.SIZE))


class Decoder(nn.Module):
    """Visible tokens and copies of one mask token, in their places, through two small blocks to pixels."""

    place: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(networks.VIT_WIDTH, DECODER_WIDTH)
        self.mask = nn.Parameter(torch.randn(DECODER_WIDTH) * 0.02)
        self.register_buffer("place", positions(DECODER_WIDTH), persistent=False)
        block: Callable[..., nn.Module] = timm.models.vision_transformer.Block
        self.blocks = nn.Sequential(
            *(block(DECODER_WIDTH, DECODER_HEADS, qkv_bias=True) for _ in range(DECODER_DEPTH)),
            nn.LayerNorm(DECODER_WIDTH),
        )
        self.leave = nn.Linear(DECODER_WIDTH, PIXELS)

    def forward(self, seen: Tensor, order: Tensor) -> Tensor:
        """seen: [N, K, 128], the first K of order [N, P] -> painted patches [N, P, pixels]."""
        seen = self.enter(seen)
        masks = self.mask.to(seen.dtype).expand(len(order), order.shape[1] - seen.shape[1], -1)
        tokens = put_back(torch.cat([seen, masks], dim=1), order)
        return self.leave(self.blocks(tokens + self.place))


class Mae(Algorithm):
    """MAE over 8 x 8 patches."""

    title = "MAE (He et al. 2022): masked autoencoder, 75 % of the patches hidden, pixels normalised by patch"
    data = DATA

    def __init__(self, role: str) -> None:
        super().__init__()
        self.encoder = networks.build_auxiliary(role)
        self.decoder = Decoder()
        self.schedule = Schedule(steps=1000, batch=256, betas=(0.9, 0.95))  # betas: the paper

    def loss(self, step: int) -> Tensor:
        """The error of what was painted without being seen."""
        ids = np.arange(self.schedule.batch) + step * self.schedule.batch
        images, order = pictures(ids), orders(ids)
        with torch.autocast("cpu", torch.bfloat16):
            painted = self.decoder(encode(self.encoder, images, order[:, :VISIBLE]), order)
        hidden = put_back((torch.arange(PATCHES) >= VISIBLE).float().expand(len(ids), -1)[..., None], order)[..., 0]
        return reconstruction(painted.float(), patchify(images), hidden)

    def product(self) -> nn.Module:
        """The encoder."""
        return self.encoder

    def monitor(self) -> dict[str, float]:
        """Probes on the encoder, which sees whole pictures there."""
        return monitor.probes(self.encoder)
