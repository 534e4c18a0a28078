"""Photographs on disk as a data set: lists of files with labels, decoded when asked for."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmark.core.errors import BenchError, Incomplete
from benchmark.data.dataset import Draw
from benchmark.data.published import cafo, decoding, sampling
from benchmark.data.published.listing import Listing
from benchmark.data.published.sets import PublishedSet

VERSION = 1
"""Raised when the same files become other pixels."""

Sampler = Callable[[Listing, Listing, int, int], Draw]
"""Training list, validation list, shots, seed -> draw."""


@dataclass(frozen=True, eq=False)
class Photographs:
    """One data set of files. Nothing is decoded before `images` or `views`, and these may be called from several threads.

    ids of the split "train" count through the training list and on through the validation list; of "test", its list.
    classes: of a shift, the source's classes that it holds. sampler: None, no shots are drawn from it.
    nested: whether `sampler` gives every number of shots of a seed out of one pool.
    published: what it is published as, for what CaFo publishes beside it.
    content: a digest of what is known of the files' content, for the fingerprint.
    """

    key: str
    classnames: Sequence[str]
    templates: Sequence[str]
    train: Listing
    val: Listing
    test: Listing
    sampler: Sampler | None = sampling.official
    nested: bool = False
    classes: tuple[int, ...] | None = None
    content: str = ""
    published: PublishedSet | None = None
    _draws: dict[tuple[int, int], Draw] = field(default_factory=dict, init=False)

    @cached_property
    def fingerprint(self) -> str:
        """Of the class names and of every file's name, split and label.

        A file that is added, removed, renamed or relabelled changes it, wherever the folders lie; one whose pixels are
        exchanged under the same name does not, unless `content` knows of it: reading every file to find that out would
        take as long as encoding them.
        """
        parts = [
            str(VERSION),
            self.content,
            *self.classnames,
            *(part.digest() for part in (self.train, self.val, self.test)),
        ]
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
        return decoding.stacked(self.paths(split, ids), ids.tolist(), 1, 0)[0].transpose(0, 2, 3, 1)

    def views(self, split: str, ids: np.ndarray, views: int, seed: int) -> Tensor:
        """uint8 [views, N, 3, 224, 224]: view 0 as tested, the others crops of the files' own pixels."""
        return torch.from_numpy(decoding.stacked(self.paths(split, ids), ids.tolist(), views, seed))

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
        """The sampler's draw, made once. Incomplete where there is nothing to draw from."""
        if (shots, seed) not in self._draws:
            self._draws[shots, seed] = self._drawn(shots, seed)
        return self._draws[shots, seed]

    def _drawn(self, shots: int, seed: int) -> Draw:
        if self.sampler is None:
            raise ValueError(f"{self.key} is a test set: shots are drawn from its source")
        without = np.setdiff1d(np.arange(len(self.classnames)), self.train.labels)
        if len(without):
            name = self.classnames[without[0]]
            raise Incomplete(
                f"data set {self.key}: {self.train.root}: no training images of {len(without)} of "
                f"{len(self.classnames)} classes, the first {name!r}; shots are drawn from all of them"
            )
        return self.sampler(self.train, self.val, shots, seed)

    def generated(self, per_class: int) -> tuple[cafo.Generated, np.ndarray]:
        """CaFo's generated images, `per_class` of each class, decoded when asked for, and their classes, int64 [N]."""
        listed = cafo.first_of_each(cafo.generated_list(self._published(), len(self.classnames)), per_class)
        return cafo.Generated(listed), listed.labels

    def sentences(self) -> list[list[str]]:
        """CaFo's sentences of a language model, class by class."""
        return cafo.sentences(self._published(), self.classnames)

    def fingerprint_of(self, part: str) -> str:
        """Of the list of "generated" images, as the data set's own, or of the file of "sentences"."""
        if part == "generated":
            return cafo.generated_list(self._published(), len(self.classnames)).digest()
        return hashlib.sha256(cafo.prompts(self._published()).read_bytes()).hexdigest()

    def _published(self) -> PublishedSet:
        if self.published is None:
            raise BenchError(f"data set {self.key}: there are no generated images or sentences for it")
        return self.published
