"""The mini suite's source task: images of the rendered world, made when asked for."""

from dataclasses import dataclass, field

import numpy as np

from benchmark.data.dataset import Draw, nested_draw
from benchmark.mini import generator, world

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
