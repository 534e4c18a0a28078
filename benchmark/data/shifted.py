"""A shift of the mini suite's source task: images to test on, none to train on."""

from dataclasses import dataclass

import numpy as np

from benchmark.data.dataset import Draw
from benchmark.mini import shifts, world
from benchmark.names import choose


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
