"""Views of an image: view 0 is the image as tested, the others are the training transform of the Tip-Adapter family.

RandomResizedCrop(scale 0.5-1, bicubic) and a horizontal flip (Tip-Adapter, CaFo and AMU, datasets/*.py). A view is decided by
the seed, the image and the view's number alone, and made once for every encoder: view v is the same crop in every space.
"""

import hashlib
from typing import Any

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
    images = torch.from_numpy(dataset.images(split, ids)).permute(0, 3, 1, 2)
    return torch.stack([augmented(images, ids.tolist(), v, seed) for v in range(views)])


def augmented(images: Tensor, ids: list[int], view: int, seed: int) -> Tensor:
    """View `view` of uint8 images [N, 3, H, W] -> uint8 [N, 3, H, W]; the images themselves for view 0."""
    if view == 0:
        return images
    with torch.random.fork_rng(devices=[]):
        return torch.stack([_crop(image, seed, i, view) for image, i in zip(images, ids, strict=True)])


def _crop(image: Tensor, seed: int, image_id: int, view: int) -> Tensor:
    from benchmark.encoders.libraries import (
        torchvision_transforms as transforms,
    )  # seconds, needed only to make features

    # Not torch.manual_seed, which notes a stack trace for every kind of device: more than half of a small crop's time.
    torch.default_generator.manual_seed(_number(seed, image_id, view))
    top, left, height, width = transforms.RandomResizedCrop.get_params(image, list(SCALE), list(RATIO))
    size = list(image.shape[-2:])
    cubic = transforms.InterpolationMode.BICUBIC
    cropped = transforms.functional.resized_crop(image, top, left, height, width, size, cubic, antialias=True)
    return cropped.flip(-1) if torch.rand(()) < 0.5 else cropped


def _number(*parts: int) -> int:
    """63 bits that depend on all the parts, the same on every machine and Python."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1
