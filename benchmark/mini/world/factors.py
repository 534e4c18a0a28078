"""The factors of variation of an image, sampled before it is rendered.

The content of an image (species, colours, companions) depends on its id alone. Its appearance (position, pose, light, noise)
also depends on a view number, so that two views show one set of objects twice. Arrays over objects have three slots in
drawing order: a companion behind, the main object, and a third object in front.
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
RELATIONS = ("left", "right", "above", "below")  # position of the main object relative to its companion
_COMPANION = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)], np.float32)  # direction from main object to companion
NO_RELATION = -1


class Style(NamedTuple):
    """Distribution of the factors of one kind of image; a pair is the range of a uniform distribution."""

    size: tuple[float, float] = (0.28, 0.44)  # half the main object's side, in image widths
    upright: float = 0.85  # share of objects turned by at most 21 degrees; the rest are turned by any angle
    companion: float = 0.55  # probability of an object behind
    third: float = 0.35  # probability of an object in front, given one behind
    overlap: bool = False  # whether the object in front covers part of the main object
    light: tuple[float, float] = (0.8, 1.15)
    noise: tuple[float, float] = (0.0, 0.04)  # standard deviation
    outline: tuple[float, float] = (0.0, 0.0)  # half the pen's width in pixels
    grey: bool = False  # ink on paper instead of colours in a scene
    levels: int = 0  # levels above black to posterise to; 0 for none
    recolour: float = 0.0  # probability that the channels of the palette are rotated


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
    """A field of Style for all styles, [S] or [S, 2], to be indexed by style number."""
    return np.array([getattr(style, name) for style in STYLES.values()])


@dataclass(frozen=True)
class Factors:
    """Factors of N images: [N], or [N, 3] over the slots; positions in image widths from the top left corner."""

    style: Ints  # index into STYLE_NAMES
    label: Ints  # species of the main object
    present: NDArray[np.bool_]  # [N, 3]
    shape: Ints  # [N, 3]; also the next five fields
    texture: Ints
    colour: Ints
    second: Ints
    aspect: Floats
    frequency: Floats
    centre: Floats  # [N, 3, 2], x and y
    size: Floats  # [N, 3], half the side
    turn: Floats  # [N, 3], in full turns
    phase: Floats  # [N, 3, 2], offset of the texture, in tiles
    dye: Floats  # [N, 3, 2, 3], added to the two colours of the palette
    relation: Ints  # index into RELATIONS, or NO_RELATION
    scene: Ints
    horizon: Floats  # height of the horizon in scenes with a sky
    backdrop: Floats  # [N, 2], offset of the scene's texture, in tiles
    wash: Floats  # [N, 3, 3], added to ground, mark and sky
    light: Floats
    tint: Floats  # [N, 3]
    slope: Floats  # [N, 2], increase of brightness towards the right and the bottom of an object
    noise: Floats  # standard deviation
    grain: Floats  # position in the noise table, 0 .. 1
    outline: Floats  # half the pen's width in pixels
    turned: NDArray[np.bool_]  # whether the channels of the palette are rotated

    def __len__(self) -> int:
        """Number of images."""
        return len(self.label)

    def __getitem__(self, index: slice | NDArray) -> "Factors":
        """The factors of the images selected by `index`."""
        return Factors(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    @property
    def count(self) -> Ints:
        """Number of objects in each image, [N]."""
        return self.present.sum(axis=1)


def sample(split: str, ids: NDArray, labels: Ints, style: Ints, view: int = 0, relation: Ints | None = None) -> Factors:
    """Sample the factors of images.

    Args:
        split: key of the random numbers, such as "pretrain".
        ids: ids of the images, [N].
        labels: species of the main objects, [N].
        style: style numbers, [N].
        view: number of the view; views of an image differ in appearance, not in content.
        relation: relations of the main object to its companion, [N], as indices into RELATIONS; every image then has a
            companion. None draws companions and relations at random.

    Returns:
        The factors of the N images.
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
    """Kinds of the objects: of the main object those of its species, with some odd colours; of the others at random."""
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
    """The kind of an object, at random."""
    return {
        "shape": what.integer(f"shape/{slot}", len(SHAPE_NAMES)),
        "texture": what.integer(f"texture/{slot}", len(TEXTURE_NAMES)),
        "colour": what.integer(f"colour/{slot}", len(COLOUR_NAMES)),
        "second": what.integer(f"second/{slot}", len(COLOUR_NAMES)),
        "aspect": what.uniform(f"aspect/{slot}", 0.86, 1.16),
        "frequency": what.uniform(f"frequency/{slot}", 0.5, 0.8),
    }


def _places(seen: Draws, style: Ints, present: NDArray[np.bool_], relation: Ints) -> dict[str, NDArray]:
    """Positions and sizes of the objects. A main object with a companion is smaller and moved away from the companion."""
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
    """Turn, texture phase and colour offsets of each object."""
    upright = np.stack([seen.uniform(f"upright/{s}") for s in range(SLOTS)], axis=1) < knob("upright")[style][:, None]
    small, any_turn = seen.vector("turn", SLOTS, -21 / 360, 21 / 360), seen.vector("any turn", SLOTS)
    n = len(style)
    return {
        "turn": np.where(upright, small, any_turn),
        "phase": seen.vector("phase", SLOTS * 2).reshape(n, SLOTS, 2),
        "dye": seen.vector("dye", SLOTS * 6, -0.07, 0.07).reshape(n, SLOTS, 2, 3),
    }


def _scenes(what: Draws, seen: Draws, view: int) -> dict[str, NDArray]:
    """The backdrop; a view other than 0 draws its scene anew with probability .6."""
    first, other = what.integer("scene", len(SCENE_NAMES)), seen.integer("scene", len(SCENE_NAMES))
    elsewhere = seen.chance("elsewhere", 0.6 if view else 0.0)
    return {
        "scene": np.where(elsewhere, other, first),
        "horizon": seen.uniform("horizon", 0.3, 0.65),
        "backdrop": seen.vector("backdrop", 2),
        "wash": seen.vector("wash", 9, -0.09, 0.09).reshape(-1, 3, 3),
    }


def _lights(seen: Draws, style: Ints) -> dict[str, NDArray]:
    """Light, tint, shading, noise and outline."""

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
