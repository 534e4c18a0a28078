"""Conversion of decoded images to 8-bit RGB.

PIL's `convert("RGB")`, which released code calls, clips values beyond 255. Images of 16 bits a value are therefore scaled
by their range here, so that an image is the same whether it was saved with 8 or with 16 bits. Values without a defined range
(floats, 32-bit integers, signed values) are refused. 16-bit RGB files are reduced to 8 bits by PIL itself.
"""

from functools import cache

import numpy as np
from PIL import Image

from benchmark.core import warned

BITS, WHITE_IS_ZERO, PHOTOMETRIC, SAMPLE_FORMAT, SIGNED = 258, 0, 262, 339, 2
"""Tags of TIFF for the bits of a value, the meaning of zero and the kind of number, and two of their values (TIFF 6.0)."""
SCALED = ("PNG", "PPM", "JPEG2000")
"""Formats whose grey values beyond 8 bits PIL gives on the scale 0 to 65535, whatever the file's own maximum."""
FULL = 2**16 - 1
SAVE = "save it as an 8-bit PNG or JPEG"


class Unfit(ValueError):
    """An intact image that cannot be used as it is; `remedy` says what to do about it."""

    def __init__(self, reason: str, remedy: str = SAVE) -> None:
        super().__init__(reason)
        self.remedy = remedy


def rgb(image: Image.Image) -> Image.Image:
    """Convert a loaded image to 8-bit RGB; raises Unfit for values without a defined range."""
    full = full_scale(image)
    if full is None:
        return image.convert("RGB")
    values, inverted = np.asarray(image), _tag(image, PHOTOMETRIC) == WHITE_IS_ZERO
    if values.min() < 0 or values.max() > full:
        raise Unfit(f"values beyond the range 0 to {full} of its {image.format} file")
    scaled = np.empty(values.shape, dtype=np.uint8)
    for row, line in enumerate(values):  # a large image has gigabytes in 64 bits
        wide = full - line.astype(np.int64) if inverted else line.astype(np.int64)
        scaled[row] = (wide * 255 + full // 2) // full
    warned.note(f"its values of 0 to {full} became 0 to 255")
    return Image.fromarray(scaled).convert("RGB")


def full_scale(image: Image.Image) -> int | None:
    """The largest value of a loaded image that PIL would clip; None if PIL converts it; raises Unfit if it is undefined."""
    if reason := _unknown_to_pil(image.mode):
        raise Unfit(reason)
    if _tag(image, SAMPLE_FORMAT) == SIGNED:
        raise Unfit(f"signed {_tag(image, BITS)}-bit values")
    if image.mode == "F":
        raise Unfit("32-bit float values")
    if image.mode.startswith("I;16") and image.format == "TIFF":
        return int(2 ** (_tag(image, BITS) or 16)) - 1
    if image.mode.startswith("I") and image.format in SCALED:
        return FULL
    if image.mode.startswith("I"):
        raise Unfit(f"{'16' if ';' in image.mode else '32'}-bit integer values in a {image.format} file")
    return None


def _tag(image: Image.Image, tag: int) -> int | None:
    """The first value of a tag of a TIFF file; None without the tag and for other files."""
    value = getattr(image, "tag_v2", {}).get(tag)
    return value[0] if isinstance(value, tuple) else value


@cache
def _unknown_to_pil(mode: str) -> str:
    """Why PIL cannot convert a mode to RGB; "" if it can."""
    try:
        Image.new(mode, (1, 1)).convert("RGB")
    except ValueError as error:
        return str(error)
    return ""
