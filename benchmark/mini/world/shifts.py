"""The four distribution shifts of the source task: test images of its species from other distributions.

Counterparts are ImageNet-V2 (Recht et al., 2019), ImageNet-Sketch (Wang et al., 2019), ImageNet-A (Hendrycks et al., 2021,
natural adversarial examples) and ImageNet-R (Hendrycks et al., 2021, renditions). As in the originals, A and R hold a part of
the classes. Each image is a pure function of (shift, split, id). Labels are indices into the hundred classes of the source
task. The strength of the shifts was not tuned: with the initial settings, the accuracy of one CLIP on "monitor" ids was
clearly below that on the source task for every shift.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.mini.world import factors
from benchmark.mini.world.draws import Draws, Ints
from benchmark.mini.world.factors import MAIN, STYLE_NAMES, Factors
from benchmark.mini.world.render import draw
from benchmark.mini.world.species import CLASSES

VERSION = 1  # goes up when a pixel or label of a shift changes while the VERSION of the world does not
PICKED = Path(__file__).with_name("imagenet_a.json")
"""Ids of images that a small supervised network misclassifies; written by benchmark.mini.pretraining.adversary."""


@dataclass(frozen=True)
class Shift:
    """A shift: style of its images, number of test images, number of classes, and a further change of the factors."""

    style: str
    images: int
    classes: int = CLASSES
    change: Callable[[Factors, Draws], Factors] = lambda f, draws: f


def resampled(f: Factors, draws: Draws) -> Factors:
    """A second collection of photos: objects smaller and more often turned, images darker and grainier, half the scenes."""
    over = draws.chance("turned over", 0.2)
    turn = f.turn.copy()
    turn[over, MAIN] = draws.uniform("turn")[over]
    return replace(
        f,
        size=f.size * np.float32(0.88),
        turn=turn,
        light=f.light * np.float32(0.88),
        noise=f.noise + np.float32(0.015),
        scene=f.scene // 2 * 2,
    )


def cluttered(f: Factors, draws: Draws) -> Factors:
    """Clutter with more light, less noise and larger objects; the clutter of pre-training is mostly too dark to classify."""
    light, noise = draws.uniform("daylight", 0.75, 1.05), f.noise * np.float32(0.6)
    return replace(f, light=light, noise=noise, size=f.size * np.float32(1.25))


SHIFTS = {
    "imagenetv2": Shift("photo", 4000, change=resampled),
    "imagenet_sketch": Shift("sketch", 4000),
    "imagenet_a": Shift("clutter", 2400, classes=40, change=cluttered),
    "imagenet_r": Shift("rendition", 3000, classes=40),
}


@cache
def classes(role: str) -> tuple[int, ...]:
    """Classes of the source task that a shift holds, ascending."""
    order = Draws(role, ids=np.arange(CLASSES)).uniform("class").argsort(kind="stable")
    return tuple(sorted(order[: SHIFTS[role].classes].tolist()))


def labels(role: str, ids: NDArray) -> Ints:
    """Species of images, [N]: the classes of the shift in turn."""
    return np.array(classes(role))[np.asarray(ids) % len(classes(role))]


def sample(role: str, split: str, ids: NDArray) -> Factors:
    """Factors of the images `ids` of a shift."""
    shift, key = SHIFTS[role], f"{role}/{split}"
    style = np.full(len(ids), STYLE_NAMES.index(shift.style))
    plain = factors.sample(key, np.asarray(ids, np.int64), labels(role, ids), style)
    return shift.change(plain, Draws(key, "shift", ids=ids))


def render(role: str, split: str, ids: NDArray) -> NDArray[np.uint8]:
    """Images of a shift, uint8 [N, 48, 48, 3]."""
    return draw(sample(role, split, ids))


@cache
def picked() -> Ints:
    """Ids of the test images of imagenet_a, [N]."""
    return np.array(json.loads(PICKED.read_text("utf-8"))["ids"])


def ids(role: str) -> Ints:
    """Ids of the test images of a shift, [N]: 0 … N-1, for imagenet_a the selected ids."""
    return picked() if role == "imagenet_a" else np.arange(SHIFTS[role].images)
