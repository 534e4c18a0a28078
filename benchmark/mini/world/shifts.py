"""The four shifts of the source task: its species, in pictures that are not like those that shots are drawn from.

The counterparts are ImageNet-V2 (Recht et al., 2019), -Sketch (Wang et al., 2019), -A (Hendrycks et al., 2021, natural
adversarial examples) and -R (Hendrycks et al., 2021, renditions). The last two hold a part of the classes, as theirs do.
Each picture is a pure function of (shift, split, id); labels are indices into the source's hundred classes. The first guess
at what changes put each of them clearly below the source for one CLIP on "monitor" ids, and was kept.
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

VERSION = 1  # goes up whenever a pixel or label of a shift changes and the world's does not
PICKED = Path(__file__).with_name("imagenet_a.json")
"""What a small supervised network got wrong; made by benchmark.mini.pretraining.adversary."""


@dataclass(frozen=True)
class Shift:
    """style: how the world draws it; change: what is different besides; classes: how many; images: in the test split."""

    style: str
    images: int
    classes: int = CLASSES
    change: Callable[[Factors, Draws], Factors] = lambda f, draws: f


def resampled(f: Factors, draws: Draws) -> Factors:
    """The same photographer's second collection: smaller, more often turned, darker, grainier, in half of the scenes."""
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
    """Clutter in daylight: the world's own is so dark that most of it is beyond telling."""
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
    """The source's classes that a shift holds, ascending."""
    order = Draws(role, ids=np.arange(CLASSES)).uniform("class").argsort(kind="stable")
    return tuple(sorted(order[: SHIFTS[role].classes].tolist()))


def labels(role: str, ids: NDArray) -> Ints:
    """Species of images, [N]: the shift's classes in turn."""
    return np.array(classes(role))[np.asarray(ids) % len(classes(role))]


def sample(role: str, split: str, ids: NDArray) -> Factors:
    """What is in the pictures of a shift."""
    shift, key = SHIFTS[role], f"{role}/{split}"
    style = np.full(len(ids), STYLE_NAMES.index(shift.style))
    plain = factors.sample(key, np.asarray(ids, np.int64), labels(role, ids), style)
    return shift.change(plain, Draws(key, "shift", ids=ids))


def render(role: str, split: str, ids: NDArray) -> NDArray[np.uint8]:
    """The pictures, [N, 48, 48, 3]."""
    return draw(sample(role, split, ids))


@cache
def picked() -> Ints:
    """Ids of imagenet_a's test images."""
    return np.array(json.loads(PICKED.read_text("utf-8"))["ids"])


def ids(role: str) -> Ints:
    """Ids of a shift's test images: from 0, but for imagenet_a those that were picked."""
    return picked() if role == "imagenet_a" else np.arange(SHIFTS[role].images)
