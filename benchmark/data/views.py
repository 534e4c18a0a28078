"""Views of an image: view 0 is the test transform, all further views the training transform of the Tip-Adapter family.

The training transform is RandomResizedCrop(scale 0.5-1, bicubic) and a horizontal flip (Tip-Adapter, CaFo and AMU-Tuning,
datasets/*.py). A view depends on the seed, the image and the number of the view alone, so that all encoders see equal crops.
"""

import hashlib
import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

VERSION = 1
"""Goes up when the pixels of a view change; part of the name of features on disk."""
SCALE = (0.5, 1.0)
RATIO = (3 / 4, 4 / 3)  # the default of RandomResizedCrop


def of(dataset: Any, split: str, ids: np.ndarray, views: int, seed: int) -> Tensor:
    """Views of images of a data set, as encoder input.

    A data set with a method `views` makes them itself, such as photographs from files larger than the encoder input.

    Args:
        dataset: the data set.
        split: "train" or "test".
        ids: ids of the images, [N].
        views: number of views, V.
        seed: seed of the crops.

    Returns:
        Pixels, uint8 [V, N, 3, H, W], with view 0 as tested.
    """
    if hasattr(dataset, "views"):
        return dataset.views(split, ids, views, seed)
    return all_of(dataset.images(split, ids), ids, views, seed)


def all_of(images: np.ndarray, ids: np.ndarray, views: int, seed: int) -> Tensor:
    """Views of images that already have the size of encoder input, uint8 [N, H, W, 3] -> uint8 [views, N, 3, H, W]."""
    whole = torch.from_numpy(images).permute(0, 3, 1, 2)
    return torch.stack([augmented(whole, ids.tolist(), v, seed) for v in range(views)])


def augmented(images: Tensor, ids: list[int], view: int, seed: int) -> Tensor:
    """View number `view` of images, uint8 [N, 3, H, W] -> uint8 [N, 3, H, W]; view 0 leaves images unchanged."""
    if view == 0:
        return images
    return torch.stack([_cropped(image, seed, i, view) for image, i in zip(images, ids, strict=True)])


def _cropped(image: Tensor, seed: int, image_id: int, view: int) -> Tensor:
    from benchmark.core.libraries import torchvision_transforms as transforms  # imported late: takes seconds

    height, width = image.shape[-2:]
    box = crop(height, width, seed, image_id, view)
    cubic = transforms.InterpolationMode.BICUBIC
    part = transforms.functional.resized_crop(
        image, box.top, box.left, box.height, box.width, [height, width], cubic, antialias=True
    )
    return part.flip(-1) if box.flip else part


class Crop(NamedTuple):
    """A rectangle of an image, in pixels, and whether it is flipped horizontally."""

    top: int
    left: int
    height: int
    width: int
    flip: bool


def crop(height: int, width: int, seed: int, image_id: int, view: int) -> Crop:
    """The crop of a view, drawn as torchvision's RandomResizedCrop and RandomHorizontalFlip draw it.

    Random numbers come from a generator for each view: the function is thread-safe and leaves the global random state.

    Args:
        height: height of the image in pixels.
        width: width of the image in pixels.
        seed: seed of the support set.
        image_id: id of the image.
        view: number of the view.

    Returns:
        The crop.
    """
    generator = torch.Generator().manual_seed(_number(seed, image_id, view))
    box = _drawn(height, width, generator) or _middle(height, width)
    return Crop(*box, flip=torch.rand((), generator=generator).item() < 0.5)


def _drawn(height: int, width: int, generator: torch.Generator) -> tuple[int, int, int, int] | None:
    """Top, left, height and width of a box with uniform area and log-uniform aspect ratio; None if ten tries do not fit."""
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
    """The central box of the nearest allowed aspect ratio, for an image that is too wide or too high for a random box."""
    w = min(width, round(height * RATIO[1]))
    h = min(height, round(width / RATIO[0]))
    return (height - h) // 2, (width - w) // 2, h, w


def _number(*parts: int) -> int:
    """A 63-bit hash of numbers, identical on every machine and Python version."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1
