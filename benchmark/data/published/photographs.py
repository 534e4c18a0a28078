"""Data sets of image files: lists of files with labels, decoded on demand."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from benchmark.core import contents
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.file_facts import file_hash
from benchmark.core.resizing import USUAL, Resizing
from benchmark.core.settings import Settings
from benchmark.data.dataset import Draw
from benchmark.data.published import cafo, decoding, listing, sampling
from benchmark.data.published.listing import Listing
from benchmark.data.published.sets import PublishedSet
from benchmark.data.published.stored import Stored
from benchmark.methods.crops import SCALE, Crops

VERSION = 2
"""Goes up when the decoding of a file gives other pixels, or the fingerprint covers more."""

Sampler = Callable[[Listing, Listing, int, int], Draw]
"""A function (training list, validation list, shots, seed) -> draw."""


@dataclass(frozen=True, eq=False)
class Photographs:
    """A data set of image files; only `images` and `views` decode files, and both are thread-safe.

    Ids of the split "train" count through the training list, then through the validation list; ids of "test" are positions in
    the test list.

    sampler: draws support sets; None for a test set without training images.
    nested: whether one pool of `sampler` serves all shots of a seed.
    classes: the classes of the source task that a shift holds; None for all.
    published: entry of the published data set, to find the images and sentences that CaFo publishes for it.
    settings: data root and folders of single data sets, where those images and sentences lie, and the cache folder.
    notes: lines on how the lists were made, such as on files that were left out.
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
    published: PublishedSet | None = None
    settings: Settings = field(default_factory=Settings, repr=False)
    notes: Sequence[str] = ()
    _draws: dict[tuple[int, int], Draw] = field(default_factory=dict, init=False)

    @cached_property
    def fingerprint(self) -> str:
        """Identifier of the content: hash of class names and of name, split, label and bytes of every file.

        The location of the folders does not count. Of a list of more than `listing.WHOLE` files, the bytes of a sample count;
        of the other files of such a list only the names.
        """
        lists = (self.train, self.val, self.test)
        parts = [
            str(VERSION),
            *self.classnames,
            *(part.digest() for part in lists),
            *(part.content(self.settings.cache) for part in lists),
        ]
        return f"{self.key}-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    @cached_property
    def remarks(self) -> list[str]:
        """Lines about the data that a user has to know: the notes, and images that are in two lists (by their bytes)."""
        return [*self.notes, *self._tested_on_training_images()]

    def _tested_on_training_images(self) -> list[str]:
        if max(len(self.train), len(self.val), len(self.test)) > listing.WHOLE:
            return []
        known: dict[bytes, str] = {}
        for listed in (self.train, self.val):
            hashes = listed.hashes(self.settings.cache)
            known |= {row.tobytes(): str(listed.stored(place)) for place, row in enumerate(hashes)}
        tested = enumerate(self.test.hashes(self.settings.cache))
        both = [(place, known[row.tobytes()]) for place, row in tested if row.tobytes() in known]
        if not both:
            return []
        place, other = both[0]
        return [
            f"data set {self.key}: {len(both):,} of {len(self.test):,} test images are training or validation images too, "
            f"the first {self.test.stored(place)} is {other}; accuracies are too high, remove them from one part"
        ]

    def ids(self, split: str) -> np.ndarray:
        """Image ids 0 … N-1 of a split, [N]."""
        return np.arange(len(self.test) if split == "test" else len(self.train) + len(self.val))

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Class indices of images, int64 [N]."""
        known = self.test.labels if split == "test" else np.concatenate([self.train.labels, self.val.labels])
        return known[ids]

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Pixels as tested, uint8 [N, 224, 224, 3]."""
        return decoding.stacked(self.stored(split, ids), ids.tolist(), 1, 0)[0].transpose(0, 2, 3, 1)

    def views(
        self,
        split: str,
        ids: np.ndarray,
        views: int,
        seed: int,
        scales: Sequence[Crops] = (SCALE,),
        resizing: Resizing = USUAL,
    ) -> Tensor:
        """Views of images, uint8 [V', N, 3, H, W]: view 0 as tested, then crops of the full-size images."""
        return torch.from_numpy(decoding.stacked(self.stored(split, ids), ids.tolist(), views, seed, scales, resizing))

    def content(self, split: str, ids: np.ndarray) -> str:
        """Hash of the bytes of the files of images, all of which are read if they are not remembered."""
        found = np.empty((len(ids), 32), dtype=np.uint8)
        for listed, first in self._lists(split):
            among = _among(ids, listed, first)
            found[among] = listed.hashes(self.settings.cache, ids[among] - first)
        return contents.digest(found)

    def stored(self, split: str, ids: np.ndarray) -> list[Stored]:
        """Where the bytes of images are."""
        return [listed.stored(place) for listed, place in map(lambda i: self._where(split, i), ids.tolist())]

    @contextmanager
    def preloaded(self, split: str, ids: np.ndarray) -> Iterator[None]:
        """Until the block ends, images that are soon read in any order are in memory where reading one reads many."""
        with ExitStack() as stack:
            for listed, first in self._lists(split):
                if listed.shards:
                    stack.enter_context(listed.shards.held(ids[_among(ids, listed, first)] - first))
            yield

    def listed(self, ids: np.ndarray) -> list[str]:
        """Paths of images of the split "train", relative to the folder of the images."""
        return [listed.name(place) for listed, place in map(lambda i: self._where("train", i), ids.tolist())]

    def _lists(self, split: str) -> list[tuple[Listing, int]]:
        """The lists of a split, each with the id of its first image."""
        return [(self.test, 0)] if split == "test" else [(self.train, 0), (self.val, len(self.train))]

    def _where(self, split: str, image_id: int) -> tuple[Listing, int]:
        if split == "test":
            return self.test, image_id
        behind = image_id - len(self.train)
        return (self.train, image_id) if behind < 0 else (self.val, behind)

    def draw(self, shots: int, seed: int) -> Draw:
        """The cached draw of the sampler; raises Incomplete if a class has no training images, ValueError for a test set."""
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
        """CaFo's generated images, `per_class` a class and decoded on demand, and their class indices, int64 [N]."""
        listed = cafo.first_of_each(
            cafo.generated_list(self._published(), len(self.classnames), self.settings), per_class
        )
        return cafo.Generated(listed, self.settings.cache), listed.labels

    def sentences(self) -> list[list[str]]:
        """CaFo's sentences of a language model: one list a class, in the order of `classnames`."""
        return cafo.sentences(self._published(), self.classnames, self.settings)

    def fingerprint_of(self, part: str) -> str:
        """Identifier of the list of "generated" images or of the file of "sentences"."""
        if part == "generated":
            listed = cafo.generated_list(self._published(), len(self.classnames), self.settings)
            return f"{listed.digest()} {listed.content(self.settings.cache)}"
        return file_hash(cafo.prompts(self._published(), self.settings))

    def _published(self) -> PublishedSet:
        if self.published is None:
            raise BenchError(f"data set {self.key}: there are no generated images or sentences for it")
        return self.published


def _among(ids: np.ndarray, listed: Listing, first: int) -> np.ndarray:
    """Which of the images [N] are in a list whose first image has the id `first`, bool [N]."""
    return (ids >= first) & (ids < first + len(listed))
