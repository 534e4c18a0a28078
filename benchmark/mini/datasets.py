"""The data sets of the rendered world: its source task, its shifts, its downstream tasks."""

from dataclasses import dataclass, field

import numpy as np

from benchmark.core.names import choose
from benchmark.data.dataset import Draw, nested_draw
from benchmark.mini.world import digits, generator, shifts, tasks, world

TRAIN_POOL = 100
"""Images of a class in the pool that support sets are drawn from."""
TEST_IMAGES = 10_000
"""A 95 % interval of one point at most."""


@dataclass(frozen=True)
class RenderedWorld:
    """The world as a data set; ids count from 0 in each split, and an id alone decides its image."""

    classnames: tuple[str, ...] = world.CLASSNAMES
    templates: tuple[str, ...] = world.TEMPLATES
    fingerprint: str = field(default=f"rendered-world-{world.VERSION}")

    def ids(self, split: str) -> np.ndarray:
        """0 … N-1."""
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
        """A stand-in image generator's pictures: uint8 [C * per_class, 48, 48, 3], and the classes asked for, int64 [N]."""
        return generator.generated(per_class)

    def sentences(self) -> list[list[str]]:
        """A stand-in language model's sentences, class by class."""
        return generator.sentences()


@dataclass(frozen=True)
class Shifted:
    """One of "imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"; labels are indices into the source's classes."""

    kind: str
    classnames: tuple[str, ...] = world.CLASSNAMES
    templates: tuple[str, ...] = world.TEMPLATES

    def __post_init__(self) -> None:
        """BenchError for an unknown kind."""
        choose(self.kind, shifts.SHIFTS, "shift of the mini suite")

    @property
    def fingerprint(self) -> str:
        """Changes whenever an image or a label does."""
        return f"rendered-{self.kind}-{world.VERSION}.{shifts.VERSION}"

    @property
    def classes(self) -> tuple[int, ...] | None:
        """The source's classes that there are images of, ascending; None: all of them."""
        held = shifts.classes(self.kind)
        return None if len(held) == len(self.classnames) else held

    def ids(self, split: str) -> np.ndarray:
        """Every image of "test"; "train" has none."""
        return shifts.ids(self.kind) if split == "test" else np.arange(0)

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        """The source's classes, int64 [N]."""
        return shifts.labels(self.kind, ids)

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Pixels, uint8 [N, 48, 48, 3]."""
        return shifts.render(self.kind, split, ids)

    def draw(self, shots: int, seed: int) -> Draw:
        """Shots are the source's; a shift gives none (ValueError)."""
        raise ValueError(f"{self.kind} is a test set: shots are drawn from its source")


TRAIN_POOL = 100
"""Images of a class in the pool that support sets are drawn from."""


@dataclass(frozen=True)
class Downstream:
    """A task that the world's renderer draws. kind: one of tasks.TASKS, such as "dtd"."""

    kind: str

    def __post_init__(self) -> None:
        """BenchError for an unknown kind."""
        choose(self.kind, tasks.TASKS, "downstream task of the mini suite")

    @property
    def classnames(self) -> tuple[str, ...]:
        """In the words of the captions."""
        return tasks.TASKS[self.kind].classnames

    @property
    def templates(self) -> tuple[str, ...]:
        """In the words of the captions."""
        return tasks.TASKS[self.kind].templates

    @property
    def fingerprint(self) -> str:
        """Changes whenever an image or a label does."""
        return f"rendered-{self.kind}-{tasks.VERSION}"

    def ids(self, split: str) -> np.ndarray:
        """0 … N-1, equally many of each class."""
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
    """scikit-learn's handwritten digits; ids are places in its file."""

    classnames: tuple[str, ...] = digits.CLASSNAMES
    templates: tuple[str, ...] = digits.TEMPLATES
    fingerprint: str = f"scikit-learn-digits-{digits.VERSION}"

    def ids(self, split: str) -> np.ndarray:
        """A hundred of each digit to train on, the other 797 to test."""
        return digits.ids(split)

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        """The digits themselves, int64 [N]."""
        return digits.labels(ids)

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Pixels, uint8 [N, 48, 48, 3]."""
        return digits.images(ids)

    def draw(self, shots: int, seed: int) -> Draw:
        """See `nested_draw`."""
        ids = self.ids("train")
        return nested_draw(self.labels("train", ids), ids, shots, seed)
