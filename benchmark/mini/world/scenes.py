"""Colours and scenes. Adjacent scenes share colours and differ in structure, so that colour alone does not classify them."""

from typing import NamedTuple

import numpy as np

from benchmark.mini.world.textures import TEXTURE_NAMES

Colour = tuple[float, float, float]

COLOURS: dict[str, Colour] = {
    "red": (0.85, 0.12, 0.12),
    "orange": (0.95, 0.52, 0.10),
    "yellow": (0.96, 0.90, 0.20),
    "green": (0.15, 0.65, 0.20),
    "teal": (0.05, 0.60, 0.62),
    "blue": (0.15, 0.28, 0.88),
    "purple": (0.50, 0.15, 0.72),
    "pink": (0.97, 0.55, 0.75),
    "brown": (0.45, 0.27, 0.12),
    "white": (0.96, 0.96, 0.96),
    "black": (0.07, 0.07, 0.08),
    "grey": (0.52, 0.52, 0.54),
}
COLOUR_NAMES = tuple(COLOURS)
PALETTE = np.array(list(COLOURS.values()), np.float32)


class Scene(NamedTuple):
    """A backdrop: a textured ground in two colours and, in some scenes, a sky above."""

    texture: str
    ground: Colour
    mark: Colour
    sky: Colour | None
    tiles: float  # tiles of the texture (two periods each) across the image


_SKY, _GREEN, _SAND, _RUST = (0.55, 0.75, 0.95), (0.35, 0.58, 0.28), (0.85, 0.76, 0.52), (0.60, 0.33, 0.25)
_STONE, _DEEP, _PALE = (0.58, 0.58, 0.58), (0.22, 0.38, 0.62), (0.88, 0.89, 0.92)

SCENES: dict[str, Scene] = {
    "meadow": Scene("speckled", _GREEN, (0.55, 0.72, 0.35), _SKY, 1.5),
    "hills": Scene("zigzag", _GREEN, (0.25, 0.45, 0.22), _SKY, 1.5),
    "forest": Scene("striped", _GREEN, (0.22, 0.38, 0.18), None, 2.5),
    "moss": Scene("marbled", _GREEN, (0.25, 0.45, 0.22), None, 2.0),
    "beach": Scene("speckled", _SAND, (0.72, 0.62, 0.42), _SKY, 1.5),
    "desert": Scene("zigzag", _SAND, (0.75, 0.62, 0.38), (0.93, 0.85, 0.68), 1.5),
    "dune": Scene("banded", _SAND, (0.74, 0.63, 0.40), None, 2.0),
    "wood": Scene("striped", _RUST, (0.48, 0.27, 0.18), None, 2.0),
    "brick": Scene("bricked", _RUST, (0.74, 0.60, 0.52), None, 2.0),
    "carpet": Scene("netted", _RUST, (0.75, 0.50, 0.36), None, 2.0),
    "road": Scene("plain", _STONE, _STONE, (0.74, 0.79, 0.84), 1.0),
    "pavement": Scene("gridded", _STONE, (0.44, 0.44, 0.44), None, 2.0),
    "sea": Scene("banded", _DEEP, (0.34, 0.52, 0.74), _SKY, 2.0),
    "night": Scene("speckled", (0.12, 0.14, 0.26), (0.42, 0.42, 0.50), None, 1.5),
    "snow": Scene("marbled", _PALE, (0.76, 0.80, 0.87), _SKY, 1.5),
    "tiles": Scene("gridded", _PALE, (0.70, 0.74, 0.80), None, 2.0),
}
SCENE_NAMES = tuple(SCENES)

GROUND = np.array([s.ground for s in SCENES.values()], np.float32)
MARK = np.array([s.mark for s in SCENES.values()], np.float32)
SKY = np.array([s.sky or s.ground for s in SCENES.values()], np.float32)
HAS_SKY = np.array([s.sky is not None for s in SCENES.values()])
TILES = np.array([s.tiles for s in SCENES.values()], np.float32)
SCENE_TEXTURE = np.array([TEXTURE_NAMES.index(s.texture) for s in SCENES.values()])
