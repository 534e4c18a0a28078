"""The pictures of the downstream tasks: factors as their classes say, drawn by the world's renderer.

Each picture is a pure function of (role, split, id); the splits are "train", "test" and, to look at, "monitor".
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmark.mini.world import factors, species
from benchmark.mini.world.draws import Draws, Ints
from benchmark.mini.world.factors import BEHIND, MAIN, RELATIONS, STYLE_NAMES, Factors
from benchmark.mini.world.render import draw
from benchmark.mini.world.scenes import COLOUR_NAMES, PALETTE
from benchmark.mini.world.shapes import SHAPE_NAMES
from benchmark.mini.world.task_classes import ANY, TASKS, Task
from benchmark.mini.world.textures import TEXTURE_NAMES

VERSION = 1  # goes up whenever any pixel or label of a task changes, also when the world's version does
PATTERNS = TEXTURE_NAMES[1:]  # all but plain


def labels(role: str, ids: NDArray) -> Ints:
    """Classes of images, [N]: id mod C."""
    return np.asarray(ids, np.int64) % len(TASKS[role].classnames)


def sample(role: str, split: str, ids: NDArray) -> Factors:
    """What is in the pictures of a task."""
    ids = np.asarray(ids, np.int64)
    task, key, y = TASKS[role], f"{role}/{split}", labels(role, ids)
    draws = Draws(key, "task", ids=ids)
    kinds = np.array(task.species)[y] if task.species else draws.integer("species", species.CLASSES)
    photo = np.full(len(ids), STYLE_NAMES.index("photo"))
    fixed = {name: np.array(values)[y] for name, values in task.fixed.items()}
    f = factors.sample(key, ids, kinds, photo, relation=_relation(fixed, draws))
    if not task.species:
        f = _any_object(f, draws, fixed)
    if "landmark" in fixed:
        f = _landmark(f, fixed["landmark"])
    return _composed(f, draws, task, fixed)


def _relation(fixed: Mapping[str, Ints], draws: Draws) -> Ints | None:
    """The relations that classes fix, and any one where they do not care; None if no class speaks of it."""
    if "relation" not in fixed:
        return None
    return np.where(fixed["relation"] == ANY, draws.integer("relation", len(RELATIONS)), fixed["relation"])


def render(role: str, split: str, ids: NDArray) -> NDArray[np.uint8]:
    """The pictures, [N, 48, 48, 3]."""
    return draw(sample(role, split, ids))


def _any_object(f: Factors, draws: Draws, fixed: Mapping[str, Ints]) -> Factors:
    """The main object as its class says, and at random where that says nothing; its two colours stand out."""
    pattern = draws.integer("texture", len(PATTERNS)) + 1
    colour = fixed.get("colour", draws.integer("colour", len(COLOUR_NAMES)))
    return replace(
        f,
        shape=_main(f.shape, fixed.get("shape", draws.integer("shape", len(SHAPE_NAMES)))),
        texture=_main(f.texture, fixed.get("texture", pattern)),
        colour=_main(f.colour, colour),
        second=_main(f.second, fixed.get("second", standing_out(colour, draws))),
    )


def standing_out(colour: Ints, draws: Draws) -> Ints:
    """A random second colour that differs from the first by more than .45 in one channel, [N]."""
    order = draws.permutation("second", len(PALETTE))
    distance = np.abs(PALETTE[order] - PALETTE[colour][:, None]).max(axis=2)
    return order[np.arange(len(order)), (distance > 0.45).argmax(axis=1)]


def _main(slots: NDArray, values: NDArray) -> NDArray:
    """A copy of [N, 3] with the main object's column replaced."""
    return _put(slots, MAIN, values)


def _put(slots: NDArray, slot: int, values: NDArray) -> NDArray:
    out = slots.copy()
    out[:, slot] = values
    return out


def _landmark(f: Factors, shape: Ints) -> Factors:
    """A companion of the shape asked for, and large enough to be told."""
    behind = np.where(shape == ANY, f.shape[:, BEHIND], shape)
    return replace(
        f, shape=_put(f.shape, BEHIND, behind), size=_put(f.size, BEHIND, f.size[:, BEHIND] * np.float32(1.3))
    )


def _composed(f: Factors, draws: Draws, task: Task, fixed: Mapping[str, Ints]) -> Factors:
    """Who is there, how large and where the main object is, and the scene."""
    present = _present(f, task, fixed)
    alone = ~present[:, BEHIND]
    low, high = task.size
    size = draws.uniform("size", low, high) * np.where(alone, np.float32(1), np.float32(0.82))
    middle = np.where(alone[:, None], draws.vector("centre", 2, 0.42, 0.58), f.centre[:, MAIN])
    turn = draws.uniform("turn", -5 / 360, 5 / 360) if task.upright else f.turn[:, MAIN]
    return replace(
        f,
        present=present,
        size=_main(f.size, size),
        centre=_main(f.centre, middle),
        turn=_main(f.turn, turn),
        relation=np.where(alone, factors.NO_RELATION, f.relation),
        scene=fixed.get("scene", f.scene),
    )


def _present(f: Factors, task: Task, fixed: Mapping[str, Ints]) -> NDArray[np.bool_]:
    """Which objects there are: as many as the class says, the main one only, or as chance has it; [N, 3]."""
    if "count" in fixed:
        return np.stack([fixed["count"] >= 2, fixed["count"] >= 1, fixed["count"] >= 3], axis=1)
    return f.present if task.companion else np.broadcast_to([False, True, False], f.present.shape)
