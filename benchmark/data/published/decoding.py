"""Decoding of files to uint8 images, by default of 224 x 224: CLIP's test transform and the crops of training.

A file is converted to RGB first, as in torchvision's loader and the code of CoOp, Tip-Adapter, CaFo and AMU-Tuning. The
transform of open_clip converts last. Both orders are bit-identical for RGB and grey files. For other files, converting last
gives other pixels: PIL takes the nearest pixel of a palette, interpolates CMYK as ink, and weights pixels by their opacity.
Values of more than 8 bits are scaled or refused (`benchmark.data.published.depth`). Of a file with several images the first
is read. The orientation in EXIF data is ignored, as in both, and a note says so; that of a TIFF file is followed by PIL.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import numpy as np
from PIL import ExifTags, Image

from benchmark.core import floors, warned
from benchmark.core.cores import cores
from benchmark.core.resizing import USUAL, Resizing
from benchmark.data import views
from benchmark.data.published import depth, stored
from benchmark.data.published.depth import Unfit
from benchmark.data.published.faults import Unreadable, fault
from benchmark.data.published.stored import Stored
from benchmark.methods.crops import SCALE, Crops

KERNELS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}

THINNEST = 1000
"""Largest aspect ratio of an image."""

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "PPM", "WEBP", "GIF")
"""Formats of photographs, by their content (JPEG stands for MPO too); PIL's decoders of other formats are not tried."""

Result = TypeVar("Result")


def mute() -> None:
    """Silence PIL's warnings of palettes and of images above 89 million pixels; PIL refuses 179 million and more."""
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", message="Palette images with Transparency", category=UserWarning)


mute()


def read(path: Stored) -> Image.Image:
    """Decode an image to RGB; raises Unreadable, or Absent for a missing file."""
    return _opened(path, _rgb)


def check(path: Stored) -> None:
    """Check that `read` can decode an image (JPEGs at an eighth of their size, for speed); raises Unreadable or Absent."""
    _opened(path, _checked)


def _rgb(image: Image.Image) -> Image.Image:
    _check_shape(image)
    image.load()
    _note_what_is_ignored(image)
    return depth.rgb(image)


def _checked(image: Image.Image) -> None:
    _check_shape(image)
    image.draft(None, (1, 1))
    image.load()
    _note_what_is_ignored(image)
    if depth.full_scale(image) is not None:
        depth.rgb(image)


def _check_shape(image: Image.Image) -> None:
    short, long = sorted(image.size)
    if long > THINNEST * short:  # resized to a shorter side of 224, the image would exhaust the memory
        what = f"{image.width} x {image.height} pixels are too thin a strip"
        raise Unfit(what, f"crop or pad it to at most {THINNEST} to 1, or leave it out")


def _note_what_is_ignored(image: Image.Image) -> None:
    orientation, count = 1, 1
    with suppress(Exception):  # EXIF data and further images may be broken where the first image is not
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        count = getattr(image, "n_frames", 1)
    if orientation != 1:
        warned.note("the EXIF orientation is not followed, as in released code; turn the pixels to have it followed")
    if count > 1 and image.format != "MPO":  # cameras add a preview or a depth map to a JPEG file
        warned.note(f"only the first of {count} images in the file is read")


def _opened(path: Stored, use: Callable[[Image.Image], Result]) -> Result:
    floors.check("pillow", path)
    with warned.about(path):
        try:
            with stored.opened(path) as stream, Image.open(stream, formats=FORMATS) as image:
                return use(image)
        except Exception as error:  # decoders raise exceptions of many types for a broken file
            raise fault(path, error) from error


def faults_of(paths: Iterable[Stored]) -> list[Unreadable]:
    """The faults of all images that cannot be read."""
    found = []
    for path in paths:
        try:
            check(path)
        except Unreadable as error:
            found.append(error)
    return found


def faults_of_all(paths: Sequence[Stored]) -> list[Unreadable]:
    """The faults of all images that cannot be read, in their order, which threads look at."""
    with ThreadPoolExecutor(cores()) as pool:
        return [error for found in pool.map(lambda path: faults_of([path]), paths) for error in found]


def as_tested(image: Image.Image, to: Resizing = USUAL) -> Image.Image:
    """CLIP's test transform: resize the shorter side, to 224 by bicubic interpolation, then crop the centre."""
    width, height = image.size
    short, size = min(width, height), to.side
    if short != size:
        image = image.resize((int(size * width / short), int(size * height / short)), KERNELS[to.kernel])
    left, top = (round((side - size) / 2) for side in image.size)
    return image.crop((left, top, left + size, top + size))


def cropped(image: Image.Image, image_id: int, view: int, seed: int, scale: Crops, to: Resizing = USUAL) -> Image.Image:
    """View number `view` > 0 of an image: a random crop of the full-size image, resized to a square, maybe flipped."""
    crop = views.crop(image.height, image.width, seed, image_id, view, scale)
    box = (crop.left, crop.top, crop.left + crop.width, crop.top + crop.height)
    part = image.crop(box).resize((to.side, to.side), KERNELS[to.kernel])
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if crop.flip else part


def stacked(
    paths: Sequence[Stored],
    ids: Sequence[int],
    count: int,
    seed: int,
    scales: Sequence[Crops] = (SCALE,),
    to: Resizing = USUAL,
) -> np.ndarray:
    """The first `count` views of N images at each scale, uint8 [V', N, 3, H, W] (`views.each`); each is decoded once."""
    wanted = views.each(count, scales)
    found = np.empty((len(wanted), len(paths), 3, to.side, to.side), dtype=np.uint8)
    for place, (path, image_id) in enumerate(zip(paths, ids, strict=True)):
        image = read(path)
        for row, (view, scale) in enumerate(wanted):
            made = cropped(image, image_id, view, seed, scale, to) if view else as_tested(image, to)
            found[row, place] = np.asarray(made).transpose(2, 0, 1)
    return found
