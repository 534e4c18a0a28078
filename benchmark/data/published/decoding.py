"""Decoding of files to uint8 images of 224 x 224: CLIP's test transform and the crops of training.

A file is converted to RGB first, as in torchvision's loader and the code of CoOp, Tip-Adapter, CaFo and AMU-Tuning. The
transform of open_clip converts last. Both orders are bit-identical for RGB and grey files. For other files, converting last
gives other pixels: PIL takes the nearest pixel of a palette, interpolates CMYK as ink, and weights pixels by their opacity.
The orientation in EXIF data is ignored in both.
"""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from benchmark.core.errors import BenchError, Incomplete
from benchmark.data import views

SIZE = 224
"""Side of the images in pixels."""

THINNEST = 1000
"""Largest aspect ratio of an image."""

Result = TypeVar("Result")


def mute() -> None:
    """Silence PIL's warnings of palettes and of images above 89 million pixels; PIL refuses 179 million and more."""
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", message="Palette images with Transparency", category=UserWarning)


mute()


def read(path: Path) -> Image.Image:
    """Decode a file to RGB; raises Incomplete for a missing file and BenchError for an unreadable one."""
    return _opened(path, _rgb)


def _rgb(image: Image.Image) -> Image.Image:
    short, long = sorted(image.size)
    if long > THINNEST * short:  # resized to a shorter side of 224, the image would exhaust the memory
        raise ValueError(f"{image.width} x {image.height} pixels are too thin a strip")
    return image.convert("RGB")


def check(path: Path) -> None:
    """Check that a file decodes (JPEGs at an eighth of their size, for speed); raises Incomplete or BenchError."""
    _opened(path, lambda image: (image.draft(None, (1, 1)), image.load()))


def _opened(path: Path, use: Callable[[Image.Image], Result]) -> Result:
    try:
        with Image.open(path) as image:
            return use(image)
    except FileNotFoundError as error:
        raise Incomplete(f"{path}: no such file, but it is listed; copy it there from where the others came") from error
    except Exception as error:  # decoders raise exceptions of many types for a broken file
        reason = " ".join(str(error).replace(f" '{path}'", "").split()) or type(error).__name__
        remedy = "copy it again from where it came"
        raise BenchError(f"{path}: cannot be read as an image ({reason}); {remedy}") from error


def as_tested(image: Image.Image) -> Image.Image:
    """CLIP's test transform: resize the shorter side to 224 by bicubic interpolation, then crop the centre."""
    width, height = image.size
    short = min(width, height)
    if short != SIZE:
        image = image.resize((int(SIZE * width / short), int(SIZE * height / short)), Image.Resampling.BICUBIC)
    left, top = (round((side - SIZE) / 2) for side in image.size)
    return image.crop((left, top, left + SIZE, top + SIZE))


def cropped(image: Image.Image, image_id: int, view: int, seed: int) -> Image.Image:
    """View number `view` > 0 of an image: a random crop of the full-size image, resized to 224 x 224, maybe flipped."""
    crop = views.crop(image.height, image.width, seed, image_id, view)
    box = (crop.left, crop.top, crop.left + crop.width, crop.top + crop.height)
    part = image.crop(box).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if crop.flip else part


def stacked(paths: Sequence[Path], ids: Sequence[int], count: int, seed: int) -> np.ndarray:
    """The first `count` views of N files, uint8 [count, N, 3, 224, 224]; each file is decoded once."""
    found = np.empty((count, len(paths), 3, SIZE, SIZE), dtype=np.uint8)
    for place, (path, image_id) in enumerate(zip(paths, ids, strict=True)):
        image = read(path)
        for view in range(count):
            made = cropped(image, image_id, view, seed) if view else as_tested(image)
            found[view, place] = np.asarray(made).transpose(2, 0, 1)
    return found
