"""The task in the role of EuroSAT: real scans, not rendered images.

The images are scikit-learn's handwritten digits (Alpaydin and Kaynak, 1998, UCI, "Optical Recognition of Handwritten Digits":
1,797 scans of 8 x 8 pixels in 17 levels, installed with scikit-learn), enlarged to 48 x 48 and in ink on paper like the
sketches of the rendered world. The language of the captions has no words for digits, so a digit is named after the shape that
it resembles most. The names were chosen before any measurement.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.mini.world.draws import Draws, Floats, Ints
from benchmark.mini.world.render import SIZE

VERSION = 1  # goes up whenever any pixel or label changes
CLASSNAMES = ("ring", "arrow", "crescent", "heart", "cross", "star", "drop", "bolt", "hourglass", "mushroom")  # 0 .. 9
TEMPLATES = ("a sketch of a {}", "a drawing of a {}", "a black and white sketch of a {}")
TRAIN_POOL = 100  # training images a digit; the remaining images, about eighty a digit, are the test split
PAPER, INK = 0.9, 0.1
_ZOOM = SIZE // 8


@cache
def _digits() -> Any:
    """The data set of scikit-learn, imported at its first use, so that reports do not import scikit-learn."""
    from sklearn.datasets import load_digits

    return load_digits()


@cache
def _split(split: str) -> Ints:
    """Positions in scikit-learn's file: a random hundred of each digit for "train", the rest for "test"."""
    target = _digits().target
    order = Draws("digits", ids=np.arange(len(target))).uniform("order").argsort(kind="stable")
    by_digit = [order[target[order] == digit] for digit in range(10)]
    chosen = [places[:TRAIN_POOL] if split == "train" else places[TRAIN_POOL:] for places in by_digit]
    return np.sort(np.concatenate(chosen))


def ids(split: str) -> Ints:
    """Ids of the images of a split, "train" or "test", [N]: positions in scikit-learn's file."""
    return _split(split)


def labels(ids: NDArray) -> Ints:
    """The digits 0 … 9 of images, [N]."""
    return _digits().target[ids].astype(np.int64)


def images(ids: NDArray) -> NDArray[np.uint8]:
    """The digits as ink on paper, uint8 [N, 48, 48, 3]."""
    grey = enlarged(_digits().images[ids].astype(np.float32) / np.float32(16))
    page = np.float32(PAPER) + (np.float32(INK) - np.float32(PAPER)) * grey
    bytes_ = (page * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return np.repeat(bytes_[..., None], 3, axis=3)


def enlarged(images: Floats) -> Floats:
    """Bilinear interpolation to six times the size, [N, 8, 8] -> [N, 48, 48]."""
    at = np.clip((np.arange(SIZE, dtype=np.float32) + np.float32(0.5)) / np.float32(_ZOOM) - np.float32(0.5), 0, 7)
    low = np.minimum(at.astype(np.int64), 6)
    part = at - low.astype(np.float32)
    rows = images[:, low] + (images[:, low + 1] - images[:, low]) * part[None, :, None]
    return rows[:, :, low] + (rows[:, :, low + 1] - rows[:, :, low]) * part[None, None, :]
