"""The data sets of the rendered world: its source task, its shifts, its downstream tasks."""

from dataclasses import dataclass, field

import numpy as np

from benchmark.core.names import choose
from benchmark.data.dataset import Draw, nested_draw
from benchmark.mini.world import digits, generator, shifts, tasks, world

TRAIN_POOL = 100
"""Images a class in the pool that support sets are drawn from."""
TEST_IMAGES = 10_000
"""Test images of the source task: enough for a 95 % interval of at most one point to either side."""


@dataclass(frozen=True)
class RenderedWorld:
    """The source task: the hundred species as a data set. Ids count from 0 in each split and determine the images."""

    classnames: tuple[str, ...] = world.CLASSNAMES
    templates: tuple[str, ...] = world.TEMPLATES
    fingerprint: str = field(default=f"rendered-world-{world.VERSION}")

    def ids(self, split: str) -> np.ndarray:
        """Image ids 0 … N-1 of a split, [N]."""
        return np.arange(TEST_IMAGES if split == "test" else TRAIN_POOL * len(self.classnames))

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Classes, int64 [N]."""
        return world.labels(split, ids)

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Pixels, uint8 [N, 48, 48, 3]."""
        return world.render(split, ids)

    def draw(self, shots: int, seed: int) -> Draw:
        """See `nested_draw`."""
        ids = self.ids("train")
        return nested_draw(self.labels("train", ids), ids, shots, seed)

    def generated(self, per_class: int) -> tuple[np.ndarray, np.ndarray]:
        """Images of a stand-in image generator, uint8 [C * per_class, 48, 48, 3], and their requested classes, int64 [N]."""
        return generator.generated(per_class)

    def sentences(self) -> list[list[str]]:
        """Sentences of a stand-in language model: one list a class, in the order of `classnames`."""
        return generator.sentences()


@dataclass(frozen=True)
class Shifted:
    """A distribution shift of the source task, test images only.

    `kind` is one of "imagenetv2", "imagenet_sketch", "imagenet_a" and "imagenet_r". Labels are indices into the classes of
    the source task, also for shifts that hold a part of them.
    """

    kind: str
    classnames: tuple[str, ...] = world.CLASSNAMES
    templates: tuple[str, ...] = world.TEMPLATES

    def __post_init__(self) -> None:
        """Raise BenchError for an unknown kind."""
        choose(self.kind, shifts.SHIFTS, "shift of the mini suite")

    @property
    def fingerprint(self) -> str:
        """Identifier of the content: changes whenever an image or a label changes."""
        return f"rendered-{self.kind}-{world.VERSION}.{shifts.VERSION}"

    @property
    def classes(self) -> tuple[int, ...] | None:
        """Classes of the source task that the shift has images of, ascending; None for all of them."""
        held = shifts.classes(self.kind)
        return None if len(held) == len(self.classnames) else held

    def ids(self, split: str) -> np.ndarray:
        """Image ids of a split, [N]; empty for "train"."""
        return shifts.ids(self.kind) if split == "test" else np.arange(0)

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Indices into the classes of the source task, int64 [N]."""
        return shifts.labels(self.kind, ids)

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Pixels, uint8 [N, 48, 48, 3]."""
        return shifts.render(self.kind, split, ids)

    def draw(self, shots: int, seed: int) -> Draw:
        """Raise ValueError: support sets are drawn from the source task."""
        raise ValueError(f"{self.kind} is a test set: shots are drawn from its source")


@dataclass(frozen=True)
class Downstream:
    """A downstream task drawn by the renderer; `kind` is a key of `tasks.TASKS`, such as "dtd"."""

    kind: str

    def __post_init__(self) -> None:
        """Raise BenchError for an unknown kind."""
        choose(self.kind, tasks.TASKS, "downstream task of the mini suite")

    @property
    def classnames(self) -> tuple[str, ...]:
        """Class names, in the vocabulary of the pre-training captions."""
        return tasks.TASKS[self.kind].classnames

    @property
    def templates(self) -> tuple[str, ...]:
        """Prompt templates, in the vocabulary of the pre-training captions."""
        return tasks.TASKS[self.kind].templates

    @property
    def fingerprint(self) -> str:
        """Identifier of the content: changes whenever an image or a label changes."""
        return f"rendered-{self.kind}-{tasks.VERSION}"

    def ids(self, split: str) -> np.ndarray:
        """Image ids 0 … N-1 of a split, [N], equally many a class."""
        classes = len(self.classnames)
        return np.arange(tasks.TASKS[self.kind].test if split == "test" else TRAIN_POOL * classes)

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Classes, int64 [N]."""
        return tasks.labels(self.kind, ids)

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Pixels, uint8 [N, 48, 48, 3]."""
        return tasks.render(self.kind, split, ids)

    def draw(self, shots: int, seed: int) -> Draw:
        """See `nested_draw`."""
        ids = self.ids("train")
        return nested_draw(self.labels("train", ids), ids, shots, seed)


@dataclass(frozen=True)
class Digits:
    """The handwritten digits of scikit-learn; ids are positions in its file."""

    classnames: tuple[str, ...] = digits.CLASSNAMES
    templates: tuple[str, ...] = digits.TEMPLATES
    fingerprint: str = f"scikit-learn-digits-{digits.VERSION}"

    def ids(self, split: str) -> np.ndarray:
        """Image ids of a split, [N]: "train" has a hundred of each digit, "test" the other 797."""
        return digits.ids(split)

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        """The digits 0 … 9, int64 [N]."""
        return digits.labels(ids)

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Pixels, uint8 [N, 48, 48, 3]."""
        return digits.images(ids)

    def draw(self, shots: int, seed: int) -> Draw:
        """See `nested_draw`."""
        ids = self.ids("train")
        return nested_draw(self.labels("train", ids), ids, shots, seed)
