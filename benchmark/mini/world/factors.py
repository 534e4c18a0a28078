"""Everything a picture is made of, drawn before a pixel is.

What an image *is* (species, colours, companions) is drawn from its id alone; how it is *seen* (place, pose, light,
noise) also from a view number, so that two views show the same objects twice. Arrays over objects have three slots in
drawing order: a companion behind, the main object, and a third one in front.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.mini.world import species
from benchmark.mini.world.draws import Draws, Floats, Ints
from benchmark.mini.world.scenes import COLOUR_NAMES, SCENE_NAMES
from benchmark.mini.world.shapes import SHAPE_NAMES
from benchmark.mini.world.textures import TEXTURE_NAMES

SLOTS = 3
BEHIND, MAIN, FRONT = range(SLOTS)
RELATIONS = ("left", "right", "above", "below")  # where the main object is, seen from its companion
_COMPANION = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)], np.float32)  # and the companion, seen from it
NO_RELATION = -1


class Style(NamedTuple):
    """How pictures of one kind are drawn and what they are like."""

    size: tuple[float, float] = (0.28, 0.44)  # half the main object's side, in picture widths
    upright: float = 0.85  # share turned by no more than 21 degrees; the others by any angle
    companion: float = 0.55  # chance of an object behind
    third: float = 0.35  # chance of one in front, given one behind
    overlap: bool = False  # the one in front covers part of the main object
    light: tuple[float, float] = (0.8, 1.15)
    noise: tuple[float, float] = (0.0, 0.04)
    outline: tuple[float, float] = (0.0, 0.0)  # half the pen's width in pixels
    grey: bool = False  # ink on paper instead of colours in a scene
    levels: int = 0  # posterised to so many levels above black
    recolour: float = 0.0  # chance that the whole palette is turned by a third


STYLES = {
    "photo": Style(),
    "sketch": Style(outline=(0.7, 1.2), grey=True, companion=0.25, third=0.0, light=(0.85, 1.05)),
    "rendition": Style(outline=(0.6, 1.1), levels=4, recolour=1 / 3, noise=(0.0, 0.02)),
    "clutter": Style(
        size=(0.2, 0.32),
        upright=0.0,
        companion=1.0,
        third=1.0,
        overlap=True,
        light=(0.5, 0.8),
        noise=(0.03, 0.08),
    ),
}
STYLE_NAMES = tuple(STYLES)


def knob(name: str) -> NDArray:
    """One field of Style for every style, to be indexed by style number."""
    return np.array([getattr(style, name) for style in STYLES.values()])


@dataclass(frozen=True)
class Factors:
    """N pictures, as numbers. [N], or [N, 3] over the slots; positions in picture widths from the top left corner."""

    style: Ints  # index into STYLE_NAMES
    label: Ints  # species of the main object
    present: NDArray[np.bool_]  # [N, 3]
    shape: Ints  # [N, 3], like the next five
    texture: Ints
    colour: Ints
    second: Ints
    aspect: Floats
    frequency: Floats
    centre: Floats  # [N, 3, 2], x and y
    size: Floats  # [N, 3], half the side
    turn: Floats  # [N, 3], in full turns
    phase: Floats  # [N, 3, 2], where the texture begins, in tiles
    dye: Floats  # [N, 3, 2, 3], what is added to the palette's two colours
    relation: Ints  # index into RELATIONS, or NO_RELATION
    scene: Ints
    horizon: Floats  # height of the horizon where the scene has a sky
    backdrop: Floats  # [N, 2], where the scene's texture begins, in tiles
    wash: Floats  # [N, 3, 3], what is added to ground, mark and sky
    light: Floats
    tint: Floats  # [N, 3]
    slope: Floats  # [N, 2], how much lighter an object is at its right, at its bottom
    noise: Floats  # standard deviation
    grain: Floats  # where in the noise table, 0 .. 1
    outline: Floats  # half the pen's width in pixels
    turned: NDArray[np.bool_]  # whether the palette is turned

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.label)

    def __getitem__(self, index: slice | NDArray) -> "Factors":
        """The factors of some of the pictures."""
        return Factors(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    @property
    def count(self) -> Ints:
        """Number of objects in the picture, [N]."""
        return self.present.sum(axis=1)


def sample(split: str, ids: NDArray, labels: Ints, style: Ints, view: int = 0, relation: Ints | None = None) -> Factors:
    """The factors of images `ids` of a split. labels: [N] species; style: [N] style numbers; view: see the module.

    relation: [N]; if given, every picture has a companion, to which its main object is in this relation.
    """
    what = Draws(split, "what", ids=ids)
    seen = Draws(split, "seen", view, ids=ids)
    present = _present(what, style)
    if relation is None:
        relation = what.integer("relation", len(RELATIONS))
    else:
        present[:, BEHIND] = True
    place = _places(seen, style, present, relation)
    return Factors(
        style=style,
        label=labels,
        present=present,
        **_kinds(what, labels),
        **place,
        **_poses(seen, style),
        **_scenes(what, seen, view),
        **_lights(seen, style),
    )


def _present(what: Draws, style: Ints) -> NDArray[np.bool_]:
    behind = what.uniform("behind") < knob("companion")[style]
    front = behind & (what.uniform("front") < knob("third")[style])
    return np.stack([behind, np.ones(len(style), bool), front], axis=1)


def _kinds(what: Draws, labels: Ints) -> dict[str, NDArray]:
    """What the objects are: the main one mostly true to its species, the others anything."""
    colours = len(COLOUR_NAMES)
    colour = np.where(what.chance("odd colour", 0.15), what.integer("colour", colours), species.COLOUR[labels])
    second = np.where(what.chance("odd second", 0.3), what.integer("second", colours), species.SECOND[labels])
    main: dict[str, NDArray] = {
        "shape": species.SHAPE[labels],
        "texture": species.TEXTURE[labels],
        "colour": colour,
        "second": second,
        "aspect": species.ASPECT[labels],
        "frequency": species.FREQUENCY[labels],
    }
    behind, front = _anything(what, BEHIND), _anything(what, FRONT)
    return {name: np.stack([behind[name], main[name], front[name]], axis=1) for name in main}


def _anything(what: Draws, slot: int) -> dict[str, NDArray]:
    """An object of any kind."""
    return {
        "shape": what.integer(f"shape/{slot}", len(SHAPE_NAMES)),
        "texture": what.integer(f"texture/{slot}", len(TEXTURE_NAMES)),
        "colour": what.integer(f"colour/{slot}", len(COLOUR_NAMES)),
        "second": what.integer(f"second/{slot}", len(COLOUR_NAMES)),
        "aspect": what.uniform(f"aspect/{slot}", 0.86, 1.16),
        "frequency": what.uniform(f"frequency/{slot}", 0.5, 0.8),
    }


def _places(seen: Draws, style: Ints, present: NDArray[np.bool_], relation: Ints) -> dict[str, NDArray]:
    """Where the objects are. A main object with a companion makes room: it is smaller and moves away from it."""
    low, high = knob("size")[style].astype(np.float32).T
    accompanied = present[:, BEHIND]
    size = seen.uniform("size") * (high - low) + low
    size = size * np.where(accompanied, np.float32(0.82), np.float32(1))
    away = _COMPANION[relation]
    main = seen.vector("centre", 2, 0.38, 0.62) - away * (accompanied * np.float32(0.1))[:, None]
    behind = 0.5 + away * seen.uniform("apart", 0.3, 0.38)[:, None]
    behind = behind + away[:, ::-1] * seen.uniform("aside", -0.22, 0.22)[:, None]
    across = away[:, ::-1] * np.where(seen.chance("side", 0.5), np.float32(1), np.float32(-1))[:, None]
    edge = 0.5 + across * seen.uniform("front apart", 0.34, 0.4)[:, None] - away * np.float32(0.25)
    cover = main + (seen.vector("cover", 2, -1, 1)) * size[:, None] * np.float32(0.8)
    front = np.where(knob("overlap")[style][:, None], cover, edge)
    return {
        "centre": np.stack([behind, main, front], axis=1).astype(np.float32),
        "size": np.stack([seen.uniform("size/0", 0.13, 0.19), size, seen.uniform("size/2", 0.1, 0.15)], axis=1),
        "relation": np.where(accompanied, relation, NO_RELATION),
    }


def _poses(seen: Draws, style: Ints) -> dict[str, NDArray]:
    """Turn, texture phase and the dye of each object's own colours."""
    upright = np.stack([seen.uniform(f"upright/{s}") for s in range(SLOTS)], axis=1) < knob("upright")[style][:, None]
    small, any_turn = seen.vector("turn", SLOTS, -21 / 360, 21 / 360), seen.vector("any turn", SLOTS)
    n = len(style)
    return {
        "turn": np.where(upright, small, any_turn),
        "phase": seen.vector("phase", SLOTS * 2).reshape(n, SLOTS, 2),
        "dye": seen.vector("dye", SLOTS * 6, -0.07, 0.07).reshape(n, SLOTS, 2, 3),
    }


def _scenes(what: Draws, seen: Draws, view: int) -> dict[str, NDArray]:
    """The backdrop. Other views than the first show another scene with probability .6."""
    first, other = what.integer("scene", len(SCENE_NAMES)), seen.integer("scene", len(SCENE_NAMES))
    elsewhere = seen.chance("elsewhere", 0.6 if view else 0.0)
    return {
        "scene": np.where(elsewhere, other, first),
        "horizon": seen.uniform("horizon", 0.3, 0.65),
        "backdrop": seen.vector("backdrop", 2),
        "wash": seen.vector("wash", 9, -0.09, 0.09).reshape(-1, 3, 3),
    }


def _lights(seen: Draws, style: Ints) -> dict[str, NDArray]:
    """Light, tint, shading, noise, pen."""

    def between(name: str, field: str) -> Floats:
        low, high = knob(field)[style].astype(np.float32).T
        return seen.uniform(name) * (high - low) + low

    return {
        "light": between("light", "light"),
        "tint": seen.vector("tint", 3, 0.93, 1.07),
        "slope": seen.vector("slope", 2, -0.22, 0.22),
        "noise": between("noise", "noise"),
        "grain": seen.uniform("grain"),
        "outline": between("outline", "outline"),
        "turned": seen.uniform("turned") < knob("recolour")[style],
    }
