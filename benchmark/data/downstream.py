"""The mini suite's ten downstream tasks."""

from dataclasses import dataclass

import numpy as np

from benchmark.data.dataset import Draw, nested_draw
from benchmark.mini import digits, tasks
from benchmark.names import choose

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
