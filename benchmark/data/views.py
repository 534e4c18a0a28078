"""Views of an image: view 0 is the test transform, all further views the training transform.

The training transform is RandomResizedCrop (bicubic) and a horizontal flip. Their scale is the method's, 0.5 to 1 of the
area for Tip-Adapter, CaFo and AMU-Tuning, 0.08 to 1 for CoOp and others on Dassl. A view depends on the seed, the image,
the number of the view and the scale alone, so that all encoders see equal crops.
"""

import hashlib
import inspect
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark.core.resizing import USUAL, Resizing
from benchmark.methods.crops import SCALE, Crops

VERSION = 1
"""Goes up when the pixels of a view change; part of the name of features on disk."""
RATIO = (3 / 4, 4 / 3)  # the default of RandomResizedCrop


def each(views: int, scales: Sequence[Crops]) -> list[tuple[int, Crops]]:
    """Number and scale of every view of an image: view 0, and then the other views at one scale after another."""
    return [(0, SCALE), *((view, scale) for scale in scales for view in range(1, views))]


def takes_scales(maker: Any) -> bool:
    """Whether what makes images crops them at any scale: it has no method `views` of its own, or one with `scales`."""
    return not hasattr(maker, "views") or "scales" in inspect.signature(maker.views).parameters


def takes_resizing(maker: Any) -> bool:
    """Whether what makes images makes them in any size: it has a method `views` with `resizing`."""
    return hasattr(maker, "views") and "resizing" in inspect.signature(maker.views).parameters


def of(
    dataset: Any,
    split: str,
    ids: np.ndarray,
    views: int,
    seed: int,
    scales: Sequence[Crops] = (SCALE,),
    resizing: Resizing = USUAL,
) -> Tensor:
    """Views of images of a data set, as encoder input.

    A data set with a method `views` makes them itself, such as photographs from files larger than the encoder input.

    Args:
        dataset: the data set.
        split: "train" or "test".
        ids: ids of the images, [N].
        views: number of views, V.
        seed: seed of the crops.
        scales: scales of the crops.
        resizing: size and interpolation of the pixels, for a data set that `takes_resizing`.

    Returns:
        Pixels, uint8 [V', N, 3, H, W], in the order of `each`, with view 0 as tested.
    """
    if not hasattr(dataset, "views"):
        return all_of(dataset.images(split, ids), ids, views, seed, scales)
    return made_by(dataset, scales, resizing, split, ids, views, seed)


def made_by(maker: Any, scales: Sequence[Crops], resizing: Resizing, *asked: Any) -> Tensor:
    """Views made by a method `views` with these arguments; without scales or resizing it makes its own crops and sizes."""
    more = {"scales": scales} if takes_scales(maker) else {}
    found: Tensor = maker.views(*asked, **more, **({"resizing": resizing} if takes_resizing(maker) else {}))
    return found


def all_of(images: np.ndarray, ids: np.ndarray, views: int, seed: int, scales: Sequence[Crops] = (SCALE,)) -> Tensor:
    """Views of images that already have the size of encoder input, uint8 [N, H, W, 3] -> uint8 [V', N, 3, H, W] (`each`)."""
    whole = torch.from_numpy(images).permute(0, 3, 1, 2)
    return torch.stack([augmented(whole, ids.tolist(), v, seed, scale) for v, scale in each(views, scales)])


def augmented(images: Tensor, ids: list[int], view: int, seed: int, scale: Crops = SCALE) -> Tensor:
    """View number `view` of images, uint8 [N, 3, H, W] -> uint8 [N, 3, H, W]; view 0 leaves images unchanged."""
    if view == 0:
        return images
    return torch.stack([_cropped(image, seed, i, view, scale) for image, i in zip(images, ids, strict=True)])


def _cropped(image: Tensor, seed: int, image_id: int, view: int, scale: Crops) -> Tensor:
    from benchmark.core.libraries import torchvision_transforms as transforms  # imported late: takes seconds

    height, width = image.shape[-2:]
    box = crop(height, width, seed, image_id, view, scale)
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


def crop(height: int, width: int, seed: int, image_id: int, view: int, scale: Crops = SCALE) -> Crop:
    """The crop of a view, drawn as torchvision's RandomResizedCrop and RandomHorizontalFlip draw it.

    Random numbers come from a generator for each view: the function is thread-safe and leaves the global random state.

    Args:
        height: height of the image in pixels.
        width: width of the image in pixels.
        seed: seed of the support set.
        image_id: id of the image.
        view: number of the view.
        scale: smallest and largest share of the image's area.

    Returns:
        The crop.
    """
    generator = torch.Generator().manual_seed(_number(seed, image_id, view))
    box = _drawn(height, width, scale, generator) or _middle(height, width)
    return Crop(*box, flip=torch.rand((), generator=generator).item() < 0.5)


def _drawn(height: int, width: int, scale: Crops, generator: torch.Generator) -> tuple[int, int, int, int] | None:
    """Top, left, height and width of a box with uniform area and log-uniform aspect ratio; None if ten tries do not fit."""
    low, high = torch.tensor(RATIO).log().tolist()
    for _ in range(10):
        area = height * width * torch.empty(1).uniform_(*scale, generator=generator).item()
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
