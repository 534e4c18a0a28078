"""Files -> uint8 images of 224 x 224: the image as CLIP is tested on it, and the crops that are trained on.

A file becomes RGB first, as in torchvision's loader and in CoOp's, Tip-Adapter's, CaFo's and AMU-Tuning's code. open_clip's
own transform converts last. For RGB and gray files that is bit for bit the same; of others it is not: there PIL takes the
nearest pixel of a palette, interpolates CMYK as ink, and weights pixels by how opaque they are.
A note of the camera on how it was held (EXIF) is not followed, by either.
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
"""Pixels a side."""

THINNEST = 1000
"""An image's longer side is at most so many times the shorter."""

Result = TypeVar("Result")


def mute() -> None:
    """PIL refuses images of 179 million pixels; that it warns from 89 million on, and of palettes, helps nobody in a run."""
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", message="Palette images with Transparency", category=UserWarning)


mute()


def read(path: Path) -> Image.Image:
    """A file as RGB. One line names a file that is missing or cannot be read."""
    return _opened(path, _rgb)


def _rgb(image: Image.Image) -> Image.Image:
    short, long = sorted(image.size)
    if long > THINNEST * short:  # with the shorter side at 224 it would fill the memory
        raise ValueError(f"{image.width} x {image.height} pixels are too thin a strip")
    return image.convert("RGB")


def check(path: Path) -> None:
    """Decode a whole file, JPEGs at an eighth of their size, which takes less time. Raises as `read` does."""
    _opened(path, lambda image: (image.draft(None, (1, 1)), image.load()))


def _opened(path: Path, use: Callable[[Image.Image], Result]) -> Result:
    try:
        with Image.open(path) as image:
            return use(image)
    except FileNotFoundError as error:
        raise Incomplete(f"{path}: no such file, but it is listed; copy it there from where the others came") from error
    except Exception as error:  # decoders raise what they like over a broken file
        reason = " ".join(str(error).replace(f" '{path}'", "").split()) or type(error).__name__
        remedy = "copy it again from where it came"
        raise BenchError(f"{path}: cannot be read as an image ({reason}); {remedy}") from error


def as_tested(image: Image.Image) -> Image.Image:
    """The shorter side 224 by bicubic interpolation, then the centre: open_clip's and CLIP's own test transform."""
    width, height = image.size
    short = min(width, height)
    if short != SIZE:
        image = image.resize((int(SIZE * width / short), int(SIZE * height / short)), Image.Resampling.BICUBIC)
    left, top = (round((side - SIZE) / 2) for side in image.size)
    return image.crop((left, top, left + SIZE, top + SIZE))


def cropped(image: Image.Image, image_id: int, view: int, seed: int) -> Image.Image:
    """View `view` > 0 of an image: a part of the file's pixels, enlarged or reduced to 224 x 224, perhaps mirrored."""
    crop = views.crop(image.height, image.width, seed, image_id, view)
    box = (crop.left, crop.top, crop.left + crop.width, crop.top + crop.height)
    part = image.crop(box).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if crop.flip else part


def stacked(paths: Sequence[Path], ids: Sequence[int], count: int, seed: int) -> np.ndarray:
    """`count` views of files, uint8 [count, N, 3, 224, 224]; each file is decoded once."""
    found = np.empty((count, len(paths), 3, SIZE, SIZE), dtype=np.uint8)
    for place, (path, image_id) in enumerate(zip(paths, ids, strict=True)):
        image = read(path)
        for view in range(count):
            made = cropped(image, image_id, view, seed) if view else as_tested(image)
            found[view, place] = np.asarray(made).transpose(2, 0, 1)
    return found
