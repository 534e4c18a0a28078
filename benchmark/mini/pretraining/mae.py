"""MAE. He et al., CVPR 2022, https://arxiv.org/abs/2111.06377.

The encoder sees a quarter of the patches; a light decoder predicts the pixels of the other patches, normalised by patch. The
feature is the mean patch token of the unmasked image: the encoder has no class token, and the paper finds no difference with
one.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.core.libraries import open_clip, timm
from benchmark.mini import networks
from benchmark.mini.pretraining import monitor, views
from benchmark.mini.pretraining.algorithm import Algorithm, Schedule, mixed_precision
from benchmark.mini.world.draws import Draws, Ints

DATA = (
    "uncaptioned pre-training stream, one rendering of each picture in a style drawn at the rates of world.MIX, then random "
    "resized crop and flip; no colour jitter"
)
HIDDEN = 0.75  # share of masked patches: the paper
PATCHES = networks.GRID**2
VISIBLE = PATCHES - round(HIDDEN * PATCHES)
DECODER_WIDTH, DECODER_DEPTH, DECODER_HEADS = 96, 2, 3  # the paper: 512, 8, 16
PIXELS = 3 * networks.PATCH**2


def patchify(images: Tensor, side: int = networks.PATCH) -> Tensor:
    """Cut images [N, 3, H, W] into patches, row by row, [N, P, side * side * 3]."""
    n, channels, height, width = images.shape
    cells = images.reshape(n, channels, height // side, side, width // side, side)
    return cells.permute(0, 2, 4, 3, 5, 1).reshape(n, -1, side * side * channels)


def contrast(patches: Tensor) -> Tensor:
    """Standardise each patch [..., D] to mean 0 and (unbiased) variance 1: the paper's normalised pixels."""
    return (patches - patches.mean(-1, keepdim=True)) / (patches.var(-1, keepdim=True) + 1e-6).sqrt()


def reconstruction(painted: Tensor, patches: Tensor, hidden: Tensor) -> Tensor:
    """MAE's loss: mean squared error of the normalised pixels of the masked patches.

    Args:
        painted: predictions, [N, P, D].
        patches: pixels of the image, [N, P, D].
        hidden: mask, [N, P], 1 for masked patches and 0 for visible ones.

    Returns:
        The loss, a scalar.
    """
    error = (painted - contrast(patches)).square().mean(-1)
    return (error * hidden).sum() / hidden.sum()


def orders(ids: Ints) -> Tensor:
    """A random order of the patches of each image, [N, P]; the first VISIBLE patches are visible to the encoder."""
    return torch.from_numpy(Draws("pretrain", "mask", ids=ids).permutation("patch", PATCHES))


def picked(tokens: Tensor, order: Tensor) -> Tensor:
    """Gather tokens [N, P, D] at the positions `order` [N, K] -> [N, K, D]."""
    return tokens.gather(1, order[:, :, None].expand(-1, -1, tokens.shape[2]))


def put_back(tokens: Tensor, order: Tensor) -> Tensor:
    """Scatter tokens [N, P, D]: token k goes to position order[:, k]. `order` is a permutation, [N, P]."""
    return picked(tokens, order.argsort(dim=1))


def positions(width: int) -> Tensor:
    """Fixed sine-cosine position embeddings of the patches, [1, P, width]."""
    return torch.from_numpy(open_clip.transformer.get_2d_sincos_pos_embed(width, networks.GRID)).float()[None]


def encode(encoder: nn.Module, images: Tensor, visible: Tensor) -> Tensor:
    """Encode the visible patches of images.

    Args:
        encoder: timm's ViT without a class token.
        images: standardised images, [N, 3, 48, 48].
        visible: positions of the visible patches, [N, K].

    Returns:
        Tokens of the visible patches, [N, K, 128].
    """
    tokens = encoder.patch_embed(images) + encoder.pos_embed  # type: ignore[operator]
    tokens = encoder.blocks(picked(tokens, visible))  # type: ignore[operator]
    return encoder.norm(tokens)  # type: ignore[operator]


def pictures(ids: Ints) -> Tensor:
    """Standardised images of the pre-training stream, cropped and flipped but not recoloured, [N, 3, 48, 48]."""
    draws = Draws("pretrain", "augment", 0, ids=ids)
    return views.normalise(views.crop(views.picture(ids, 0), draws, views.GLOBAL_AREA, networks.SIZE))


class Decoder(nn.Module):
    """Two small transformer blocks over the visible tokens and copies of a mask token; predicts pixels of all patches."""

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
        """Predict all patches.

        Args:
            seen: tokens of the visible patches, [N, K, 128].
            order: positions of the patches, [N, P]; the first K belong to `seen`.

        Returns:
            Predicted normalised pixels, [N, P, 3 * 8 * 8].
        """
        seen = self.enter(seen)
        masks = self.mask.to(seen.dtype).expand(len(order), order.shape[1] - seen.shape[1], -1)
        tokens = put_back(torch.cat([seen, masks], dim=1), order)
        return self.leave(self.blocks(tokens + self.place))


class Mae(Algorithm):
    """MAE with patches of 8 x 8 pixels."""

    title = "MAE (He et al. 2022): masked autoencoder, 75 % of the patches hidden, pixels normalised by patch"
    data = DATA

    def __init__(self, role: str) -> None:
        super().__init__()
        self.encoder = networks.build_auxiliary(role)
        self.decoder = Decoder()
        self.schedule = Schedule(steps=1000, batch=256, betas=(0.9, 0.95))  # betas: the paper

    def loss(self, step: int) -> Tensor:
        """The reconstruction error on the masked patches."""
        ids = np.arange(self.schedule.batch) + step * self.schedule.batch
        images, order = pictures(ids), orders(ids)
        with mixed_precision():
            painted = self.decoder(encode(self.encoder, images, order[:, :VISIBLE]), order)
        hidden = put_back((torch.arange(PATCHES) >= VISIBLE).float().expand(len(ids), -1)[..., None], order)[..., 0]
        return reconstruction(painted.float(), patchify(images), hidden)

    def product(self) -> nn.Module:
        """The encoder without the decoder."""
        return self.encoder

    def monitor(self) -> dict[str, float]:
        """Accuracies (%) of nearest neighbours and a linear probe on the features of unmasked images."""
        return monitor.probes(self.encoder)
