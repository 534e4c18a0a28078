"""The rendered world: images of a hundred species, 48 x 48 pixels, each a pure function of (split, id, style, view)."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.mini.world import factors
from benchmark.mini.world.draws import Draws, Ints
from benchmark.mini.world.factors import STYLE_NAMES, Factors
from benchmark.mini.world.render import SIZE, draw
from benchmark.mini.world.species import CLASSNAMES

__all__ = [
    "CLASSNAMES", "MIX", "SIZE", "SPLITS", "STYLE_NAMES", "TEMPLATES", "VERSION", "labels", "mixture", "render",
    "sample",
]  # fmt: skip

VERSION = 1  # goes up when any pixel, label or caption changes

# pretrain: training data of the encoders. train: the pool of the support sets. test: for final numbers only.
# monitor: for all evaluations during the design of the world and the pre-training of the encoders.
SPLITS = ("pretrain", "train", "test", "monitor")

TEMPLATES = (
    "a photo of a {}",
    "an image of a {}",
    "a blurry photo of a {}",
    "this is a {}",
    "look at the {}",
    "a picture of one {}",
    "my {}",
)

MIX = {"photo": 0.80, "sketch": 0.08, "rendition": 0.08, "clutter": 0.04}  # shares of the styles in pre-training


def labels(split: str, ids: ArrayLike) -> Ints:
    """Species of images, [N]: random in the split "pretrain", else id mod 100 (balanced)."""
    ids = _checked(split, ids)
    if split == "pretrain":
        return Draws(split, "label", ids=ids).integer("species", len(CLASSNAMES))
    return ids % len(CLASSNAMES)


def mixture(ids: ArrayLike, view: int = 0) -> Ints:
    """Random style numbers of one view of pre-training images, [N], with the probabilities MIX."""
    draws = Draws("pretrain", "style", view, ids=ids).uniform("style")
    edges = np.cumsum([MIX[name] for name in STYLE_NAMES])[:-1].astype(np.float32)
    return np.searchsorted(edges, draws, side="right")


def sample(split: str, ids: ArrayLike, style: str | Ints = "photo", view: int = 0) -> Factors:
    """Sample the factors of images.

    An unknown split or style, or ids that are no vector of non-negative integers, raise ValueError.

    Args:
        split: one of SPLITS.
        ids: ids of the images, [N].
        style: one style name for all images, or style numbers, [N].
        view: number of the view; views of an image show one set of objects in other poses and lights.

    Returns:
        The factors of the N images.
    """
    ids = _checked(split, ids)
    numbers = np.full(len(ids), _style_number(style)) if isinstance(style, str) else style
    return factors.sample(split, ids, labels(split, ids), numbers, view)


def render(split: str, ids: ArrayLike, style: str = "photo") -> NDArray[np.uint8]:
    """Images of a split in one style, uint8 [N, 48, 48, 3]; raises ValueError for an unknown split or style."""
    return draw(sample(split, ids, style))


def _checked(split: str, ids: ArrayLike) -> Ints:
    if split not in SPLITS:
        raise ValueError(f"split {split!r}; there are {_listed(SPLITS)}")
    array = np.asarray(ids, np.int64)
    if array.ndim != 1 or (array < 0).any():
        raise ValueError(f"ids must be a vector of numbers from 0, not shape {array.shape}")
    return array


def _style_number(style: str) -> int:
    if style not in STYLE_NAMES:
        raise ValueError(f"style {style!r}; there are {_listed(STYLE_NAMES)}")
    return STYLE_NAMES.index(style)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
