"""The interface of data sets, and nested few-shot draws of support sets."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

MAX_SHOTS = 16
VAL_SHOTS = 4
"""Largest number of validation images a class: min(K, 4) for K shots, as in CoOp."""


@dataclass(frozen=True)
class Draw:
    """A few-shot draw from the split "train": a support set and validation images.

    pool, val_pool: ids of images that are encoded together, disjoint; nested draws share them for all shots of a seed.
    support, val: positions of the support set in `pool` and of the validation images in `val_pool`, class by class.
    """

    pool: np.ndarray
    support: np.ndarray
    val_pool: np.ndarray
    val: np.ndarray


class Dataset(Protocol):
    """Images and labels of one task. `split` is "train" (the pool of the support sets) or "test".

    Optional attributes, looked up by name, and their defaults:
    classes: the classes of the source task that a shift holds, ascending; None for all (default).
    nested: whether one pool serves all shots of a seed (default True); otherwise every draw has a pool of its own.
    views(split, ids, views, seed, scales, resizing): images as encoder input, uint8 [V', N, 3, H, W], in the order of
        `benchmark.data.views.each`, with view 0 as tested; by default crops of `images`. Without the parameter `scales` the
        V views are alike for all methods, without `resizing` of one size.
    given(role, split, ids): features of images in the space of an encoder, [V, N, D], for a data set without images.
    listed(ids): names of images of the split "train", kept with the record of a draw; by default none.
    generated(per_class), sentences(): further inputs of methods (`benchmark.running.task`). Generated images are uint8
        [N, H, W, 3], or an object with a method views(ids, views, seed, scales), as above.
    stored(split, ids): where images are stored, for messages, if they are in files.
    preloaded(split, ids): context manager, in which images that are soon read in any order are in memory.
    content(split, ids): hash of the files of images, for a data set of files; features keep it, for a comparison later.
    remarks: lines about the data that a user has to know (files left out, images that are in two parts).
    fingerprint_of("generated" or "sentences"): identifier of these inputs, if they can change without the data set.
    """

    classnames: Sequence[str]
    templates: Sequence[str]
    fingerprint: str
    """Identifier of the content: changes whenever an image or a label changes."""

    def ids(self, split: str) -> np.ndarray:
        """Ids of all images of a split, [N]."""

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Class indices of images, int64 [N]."""

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Pixels of images, uint8 [N, H, W, 3]."""

    def draw(self, shots: int, seed: int) -> Draw:
        """Draw the support set and validation images of a seed."""


def nested(dataset: Dataset) -> bool:
    """Whether one pool of a data set serves all shots of a seed (default True)."""
    return bool(getattr(dataset, "nested", True))


def fingerprint_of(dataset: Dataset, part: str) -> str:
    """Fingerprint of the part "generated" or "sentences" of a data set; "" if the data set's own fingerprint covers it."""
    ask = getattr(dataset, "fingerprint_of", None)
    return ask(part) if ask else ""


def listed(dataset: Dataset, draw: Draw) -> dict[str, list[str]]:
    """Names of the images of a draw, {"support": [...], "val": [...]}; empty if the data set names no images."""
    name = getattr(dataset, "listed", None)
    if name is None:
        return {}
    return {"support": name(draw.pool[draw.support]), "val": name(draw.val_pool[draw.val])}


def nested_draw(labels: np.ndarray, ids: np.ndarray, shots: int, seed: int) -> Draw:
    """Draw `shots` support images and min(shots, 4) validation images of every class, nested over shots.

    The images of each class are put in one random order a seed. The support set is the first `shots` of them; validation
    images are from positions 16 to 19. The 4-shot set is therefore part of the 16-shot set, and a curve over shots adds
    images. The samplers of official repositories draw anew for every number of shots. A class with fewer than 20 images
    raises ValueError.

    Args:
        labels: class indices, [N].
        ids: ids of the images, [N].
        shots: support images a class, 0 to 16.
        seed: seed of the order.

    Returns:
        The draw.

    Raises:
        ValueError: for more than 16 shots.
    """
    if not 0 <= shots <= MAX_SHOTS:
        raise ValueError(f"{shots} shots; a draw has 0 to {MAX_SHOTS}")
    generator = random.Random(seed)
    drawn = [_sample(generator, ids[labels == c].tolist(), c) for c in range(int(labels.max()) + 1)]
    order = np.array(drawn)
    return Draw(
        pool=order[:, :MAX_SHOTS].ravel(),
        support=_first(len(order), MAX_SHOTS, shots),
        val_pool=order[:, MAX_SHOTS:].ravel(),
        val=_first(len(order), VAL_SHOTS, min(shots, VAL_SHOTS)),
    )


def _sample(generator: random.Random, ids: list[int], label: int) -> list[int]:
    wanted = MAX_SHOTS + VAL_SHOTS
    if len(ids) < wanted:
        raise ValueError(f"class {label} has {len(ids)} images; a draw needs {wanted}")
    return generator.sample(ids, wanted)


def _first(classes: int, of: int, take: int) -> np.ndarray:
    """Positions of the first `take` images of each class in a pool with `of` images a class."""
    return np.arange(classes * of).reshape(classes, of)[:, :take].ravel()
