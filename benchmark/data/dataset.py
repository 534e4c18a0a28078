"""What a data set is to the harness, and how a support set is drawn from it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

MAX_SHOTS = 16
VAL_SHOTS = 4
"""Validation images of a class: min(K, 4), as CoOp has it."""


@dataclass(frozen=True)
class Draw:
    """A few-shot draw from the training pool.

    pool, val_pool: image ids whose features are made together (one pool serves every number of shots of a seed).
    support, val: positions in `pool` and in `val_pool`, class by class. No image is in both pools.
    """

    pool: np.ndarray
    support: np.ndarray
    val_pool: np.ndarray
    val: np.ndarray


class Dataset(Protocol):
    """Images and labels of one task. `split` is "train" (the pool that shots are drawn from) or "test".

    What a data set may have besides is asked for by name, with what holds where it says nothing:
    classes: of a shift, the source's classes that it holds, ascending; None, all of them.
    nested: whether one pool serves every number of shots of a seed; True. Where it is False, `draw` gives each its own.
    views(split, ids, views, seed): its images as encoders take them, uint8 [V, N, 3, H, W], view 0 as tested; the crops of
    `images` (`benchmark.data.views`).
    given(role, split, ids): features of images in an encoder's space, [V, N, D], where there are no images to be encoded.
    listed(ids): what images of the split "train" are called, for the record of a draw; nothing is kept.
    generated(per_class), sentences(): what methods want beyond the support set (`benchmark.running.task`). Generated images
    are uint8 [N, H, W, 3], or something whose views(ids, views, seed) makes them as `views` does.
    fingerprint_of("generated" or "sentences"): of these, where they can change and the data set not.
    """

    classnames: Sequence[str]
    templates: Sequence[str]
    fingerprint: str
    """Changes whenever an image or a label does."""

    def ids(self, split: str) -> np.ndarray:
        """Every image of a split, [N]."""

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Classes of images, int64 [N]."""

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Pixels, uint8 [N, H, W, 3]."""

    def draw(self, shots: int, seed: int) -> Draw:
        """The support and validation images of a seed."""


def nested(dataset: Dataset) -> bool:
    """Whether one pool of a data set serves every number of shots of a seed."""
    return bool(getattr(dataset, "nested", True))


def fingerprint_of(dataset: Dataset, part: str) -> str:
    """Of generated images or of sentences; "" where they cannot change but with the data set."""
    ask = getattr(dataset, "fingerprint_of", None)
    return ask(part) if ask else ""


def listed(dataset: Dataset, draw: Draw) -> dict[str, list[str]]:
    """What the images of a draw are called, {"support": [...], "val": [...]}; empty where they have no names."""
    name = getattr(dataset, "listed", None)
    if name is None:
        return {}
    return {"support": name(draw.pool[draw.support]), "val": name(draw.val_pool[draw.val])}


def nested_draw(labels: np.ndarray, ids: np.ndarray, shots: int, seed: int) -> Draw:
    """Draw `shots` support and min(shots, 4) validation images of every class.

    Each class's images are put in one random order per seed; the support set is the first `shots` of them, validation
    comes from behind place 16. So the 4-shot set is part of the 16-shot set, and a curve over shots adds images rather
    than exchanging them. (The official samplers draw anew for every number of shots: Python's random.sample, not nested.)

    labels, ids: [N]. Raises ValueError for a class with fewer than 20 images, and for more than 16 shots.
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
