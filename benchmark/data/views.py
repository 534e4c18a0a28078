"""Views of an image: view 0 is the image as tested, the others are the training transform of the Tip-Adapter family.

RandomResizedCrop(scale 0.5-1, bicubic) and a horizontal flip (Tip-Adapter, CaFo and AMU, datasets/*.py). A view is decided by
the seed, the image and the view's number alone, and made once for every encoder: view v is the same crop in every space.
"""

import hashlib
import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

VERSION = 1
"""Raised when a view of the same image, seed and number becomes another one: features on disk are named by it."""
SCALE = (0.5, 1.0)
RATIO = (3 / 4, 4 / 3)  # RandomResizedCrop's own default


def of(dataset: Any, split: str, ids: np.ndarray, views: int, seed: int) -> Tensor:
    """Images of a data set as encoders take them, uint8 [views, N, 3, H, W]; view 0 is the image as tested.

    A data set of photographs makes them itself, from files that are larger than what encoders take (Dataset.views).
    """
    if hasattr(dataset, "views"):
        return dataset.views(split, ids, views, seed)
    return all_of(dataset.images(split, ids), ids, views, seed)


def all_of(images: np.ndarray, ids: np.ndarray, views: int, seed: int) -> Tensor:
    """Every view of images that encoders take as they are, uint8 [N, H, W, 3] -> [views, N, 3, H, W]."""
    whole = torch.from_numpy(images).permute(0, 3, 1, 2)
    return torch.stack([augmented(whole, ids.tolist(), v, seed) for v in range(views)])


def augmented(images: Tensor, ids: list[int], view: int, seed: int) -> Tensor:
    """View `view` of uint8 images [N, 3, H, W] -> uint8 [N, 3, H, W]; the images themselves for view 0."""
    if view == 0:
        return images
    return torch.stack([_cropped(image, seed, i, view) for image, i in zip(images, ids, strict=True)])


def _cropped(image: Tensor, seed: int, image_id: int, view: int) -> Tensor:
    from benchmark.core.libraries import torchvision_transforms as transforms  # seconds, needed only to make features

    height, width = image.shape[-2:]
    box = crop(height, width, seed, image_id, view)
    cubic = transforms.InterpolationMode.BICUBIC
    part = transforms.functional.resized_crop(
        image, box.top, box.left, box.height, box.width, [height, width], cubic, antialias=True
    )
    return part.flip(-1) if box.flip else part


class Crop(NamedTuple):
    """A part of an image, in pixels, and whether it is mirrored."""

    top: int
    left: int
    height: int
    width: int
    flip: bool


def crop(height: int, width: int, seed: int, image_id: int, view: int) -> Crop:
    """What a view shows of an image: the numbers that torchvision's RandomResizedCrop and a coin would draw, one by one.

    Drawn here from a generator of its own, so that threads may ask at once and nobody else's random numbers change.
    """
    generator = torch.Generator().manual_seed(_number(seed, image_id, view))
    box = _drawn(height, width, generator) or _middle(height, width)
    return Crop(*box, flip=torch.rand((), generator=generator).item() < 0.5)


def _drawn(height: int, width: int, generator: torch.Generator) -> tuple[int, int, int, int] | None:
    """Top, left, height, width of the first of ten boxes that fits: its area uniform, its shape uniform in the logarithm."""
    low, high = torch.tensor(RATIO).log().tolist()
    for _ in range(10):
        area = height * width * torch.empty(1).uniform_(*SCALE, generator=generator).item()
        shape = torch.empty(1).uniform_(low, high, generator=generator).exp().item()
        w, h = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
        if 0 < w <= width and 0 < h <= height:
            top, left = (int(torch.randint(room + 1, (), generator=generator)) for room in (height - h, width - w))
            return top, left, h, w
    return None


def _middle(height: int, width: int) -> tuple[int, int, int, int]:
    """The middle of an image that is too long or too high for any box."""
    w = min(width, round(height * RATIO[1]))
    h = min(height, round(width / RATIO[0]))
    return (height - h) // 2, (width - w) // 2, h, w


def _number(*parts: int) -> int:
    """63 bits that depend on all the parts, the same on every machine and Python."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1
