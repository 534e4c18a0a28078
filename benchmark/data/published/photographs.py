"""Photographs on disk as a data set: lists of files with labels, decoded when asked for."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmark.data.dataset import Draw
from benchmark.data.published import pictures, sampling
from benchmark.data.published.listing import Listing
from benchmark.errors import Incomplete

VERSION = 1
"""Raised when the same files become other pixels."""

Sampler = Callable[[np.ndarray, np.ndarray, int, int], Draw]
"""Labels of the training and of the validation list, shots, seed -> draw."""


@dataclass(frozen=True)
class Photographs:
    """One data set of files. Nothing is decoded before `images` or `views`, and these may be called from several threads.

    ids of the split "train" count through the training list and on through the validation list; of "test", its list.
    classes: of a shift, the source's classes that it holds.
    nested: whether `sampler` gives every number of shots of a seed out of one pool.
    """

    key: str
    classnames: Sequence[str]
    templates: Sequence[str]
    train: Listing
    val: Listing
    test: Listing
    sampler: Sampler = sampling.official
    nested: bool = False
    classes: tuple[int, ...] | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Of the class names and of every file's name, split and label.

        A file that is added, removed, renamed or relabelled changes it, wherever the folders lie; one whose pixels are
        exchanged under the same name does not: reading every file to find that out would take as long as encoding them.
        """
        parts = [str(VERSION), *self.classnames, *(part.digest() for part in (self.train, self.val, self.test))]
        return f"{self.key}-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    def ids(self, split: str) -> np.ndarray:
        """0 … N-1."""
        return np.arange(len(self.test) if split == "test" else len(self.train) + len(self.val))

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Classes, int64 [N]."""
        known = self.test.labels if split == "test" else np.concatenate([self.train.labels, self.val.labels])
        return known[ids]

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Pixels as tested, uint8 [N, 224, 224, 3]."""
        return pictures.stacked(self.paths(split, ids), ids.tolist(), 1, 0)[0].transpose(0, 2, 3, 1)

    def views(self, split: str, ids: np.ndarray, views: int, seed: int) -> Tensor:
        """uint8 [views, N, 3, 224, 224]: view 0 as tested, the others crops of the files' own pixels."""
        return torch.from_numpy(pictures.stacked(self.paths(split, ids), ids.tolist(), views, seed))

    def paths(self, split: str, ids: np.ndarray) -> list[Path]:
        """The files of images."""
        return [listed.path(place) for listed, place in map(lambda i: self._where(split, i), ids.tolist())]

    def listed(self, ids: np.ndarray) -> list[str]:
        """Paths of images of the split "train", below the folder of the images."""
        return [listed.name(place) for listed, place in map(lambda i: self._where("train", i), ids.tolist())]

    def _where(self, split: str, image_id: int) -> tuple[Listing, int]:
        if split == "test":
            return self.test, image_id
        behind = image_id - len(self.train)
        return (self.train, image_id) if behind < 0 else (self.val, behind)

    def draw(self, shots: int, seed: int) -> Draw:
        """The sampler's draw. Incomplete where there is nothing to draw from."""
        if self.classes is not None:
            raise ValueError(f"{self.key} is a test set: shots are drawn from its source")
        without = np.setdiff1d(np.arange(len(self.classnames)), self.train.labels)
        if len(without):
            name = self.classnames[without[0]]
            raise Incomplete(
                f"data set {self.key}: {self.train.root}: no training images of {len(without)} of "
                f"{len(self.classnames)} classes, the first {name!r}; shots are drawn from all of them"
            )
        return self.sampler(self.train.labels, self.val.labels, shots, seed)
