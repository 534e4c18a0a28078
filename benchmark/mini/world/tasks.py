"""Images of the downstream tasks: factors fixed by their classes, rendered as the images of the source task are.

Each image is a pure function of (role, split, id). The splits are "train", "test" and "monitor", which is for inspection.
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

VERSION = 1  # goes up when a pixel or label of a task changes, and with every VERSION of the world
PATTERNS = TEXTURE_NAMES[1:]  # all textures except "plain"


def labels(role: str, ids: NDArray) -> Ints:
    """Class indices of images, [N]: id mod C."""
    return np.asarray(ids, np.int64) % len(TASKS[role].classnames)


def sample(role: str, split: str, ids: NDArray) -> Factors:
    """Factors of the images `ids` of a task."""
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
    """Relations fixed by the classes, at random where a class has ANY, [N]; None if the task fixes no relation."""
    if "relation" not in fixed:
        return None
    return np.where(fixed["relation"] == ANY, draws.integer("relation", len(RELATIONS)), fixed["relation"])


def render(role: str, split: str, ids: NDArray) -> NDArray[np.uint8]:
    """Images of a task, uint8 [N, 48, 48, 3]."""
    return draw(sample(role, split, ids))


def _any_object(f: Factors, draws: Draws, fixed: Mapping[str, Ints]) -> Factors:
    """Set shape, texture and colours of the main object to the values of its class, or to random contrasting ones."""
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
    """Random second colours, [N], that differ from the first ones by more than .45 in one channel."""
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
    """Give companions the shapes `shape`, [N] (unchanged for ANY), and make them large enough to be recognised."""
    behind = np.where(shape == ANY, f.shape[:, BEHIND], shape)
    return replace(
        f, shape=_put(f.shape, BEHIND, behind), size=_put(f.size, BEHIND, f.size[:, BEHIND] * np.float32(1.3))
    )


def _composed(f: Factors, draws: Draws, task: Task, fixed: Mapping[str, Ints]) -> Factors:
    """Set the objects that are present, size, position and turn of the main object, and the scene."""
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
    """Presence of the objects, booleans [N, 3]: by the count of the class, the main object alone, or at random."""
    if "count" in fixed:
        return np.stack([fixed["count"] >= 2, fixed["count"] >= 1, fixed["count"] >= 3], axis=1)
    return f.present if task.companion else np.broadcast_to([False, True, False], f.present.shape)
