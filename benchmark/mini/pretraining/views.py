"""Augmented views for self-supervised learning.

Two views are two renderings of one set of objects (new pose, position, light and style, mostly a new scene), each cropped,
flipped and recoloured. Object identity is known from the renderer, as in learning from video or from several cameras; the
papers of the algorithms take two crops of one image instead.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from benchmark.mini.networks import normalise
from benchmark.mini.world import world
from benchmark.mini.world.draws import Draws

DATA = (
    "uncaptioned pre-training stream; two renderings of the same objects (identity known from the renderer), each in a "
    "style drawn at the rates of world.MIX, then random resized crop, flip, colour jitter and grey"
)

JITTER = 0.4  # brightness, contrast, saturation: MoCo v3 and DINO
GREY = 0.3  # MoCo v3 and DINO: .2; higher here, because colour alone is a short cut to identity in a rendered world
FLIP = 0.5
GLOBAL_AREA = (0.5, 1.0)  # from .08, .2 or .4 in the papers; milder here, as the rendering already moves the object
LOCAL_AREA = (0.25, 0.7)  # .05 to .4 in the papers, which would lose an object that fills a third of the image
LOCAL_SIZE = 32


def picture(ids: NDArray, view: int) -> Tensor:
    """Rendering number `view` of pre-training images, float32 [N, 3, 48, 48] in 0 .. 1."""
    sampled = world.sample("pretrain", ids, world.mixture(ids, view), view)
    return torch.from_numpy(world.draw(sampled)).permute(0, 3, 1, 2).float() / 255


def augment(images: Tensor, draws: Draws, area: tuple[float, float] = GLOBAL_AREA, size: int = world.SIZE) -> Tensor:
    """Random resized crop, flip, colour jitter and grey, then standardisation.

    Args:
        images: float [N, 3, H, W] in 0 .. 1.
        draws: random numbers of the images.
        area: range of the share of the area to crop.
        size: side of the result in pixels.

    Returns:
        Standardised images, [N, 3, size, size].
    """
    images = crop(images, draws, area, size)
    return normalise(recolour(images, draws)).contiguous(memory_format=torch.channels_last)


def crop(images: Tensor, draws: Draws, area: tuple[float, float], size: int) -> Tensor:
    """Random resized crop with aspect ratio 3/4 .. 4/3, flipped with probability FLIP.

    Args:
        images: float [N, 3, H, W].
        draws: random numbers of the images.
        area: range of the share of the area to crop.
        size: side of the result in pixels.

    Returns:
        Images, [N, 3, size, size].
    """
    share, ratio = draws.uniform("area", *area), draws.uniform("ratio", 3 / 4, 4 / 3)
    width, height = np.minimum(np.sqrt(share * ratio), 1), np.minimum(np.sqrt(share / ratio), 1)
    theta = np.zeros((len(images), 2, 3), np.float32)
    theta[:, 0, 0] = width * np.where(draws.chance("flip", FLIP), -1, 1)
    theta[:, 1, 1] = height
    theta[:, 0, 2] = (1 - width) * draws.uniform("x", -1, 1)
    theta[:, 1, 2] = (1 - height) * draws.uniform("y", -1, 1)
    grid = affine_grid(torch.from_numpy(theta), [len(images), 3, size, size], align_corners=False)
    return grid_sample(images, grid, padding_mode="border", align_corners=False)


def recolour(images: Tensor, draws: Draws) -> Tensor:
    """Scale brightness, contrast and saturation by factors in 1 ± JITTER; make images grey with probability GREY."""

    def factor(name: str) -> Tensor:
        return torch.from_numpy(draws.uniform(name, 1 - JITTER, 1 + JITTER))[:, None, None, None]

    images = images * factor("brightness")
    mean = grey(images).mean((2, 3), keepdim=True)
    images = mean + (images - mean) * factor("contrast")
    saturation = factor("saturation")
    saturation[torch.from_numpy(draws.chance("grey", GREY))] = 0
    light = grey(images)
    return (light + (images - light) * saturation).clamp(0, 1)


def grey(images: Tensor) -> Tensor:
    """Luma of ITU-R BT.601, [N, 1, H, W]."""
    return 0.299 * images[:, :1] + 0.587 * images[:, 1:2] + 0.114 * images[:, 2:]


def seen(ids: NDArray, view: int) -> Tensor:
    """Augmented, standardised global view number `view` of pre-training images, [N, 3, 48, 48]."""
    return augment(picture(ids, view), Draws("pretrain", "augment", view, ids=ids))
