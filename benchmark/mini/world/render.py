"""Rendering of factors to 48 x 48 RGB images, vectorised over chunks of images.

Rendering uses + - * /, floor, clip, comparisons and table look-ups on float32 only, each in a NumPy call of its own, so that
pixels are identical on every machine, dispatch path and chunk size. Planes are [n, 48, 48]; the centre of pixel (i, j) is
at ((j + .5) / 48, (i + .5) / 48) in image widths.
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmark.mini.world import scenes, shapes, textures
from benchmark.mini.world.draws import Floats, Ints, mix
from benchmark.mini.world.factors import SLOTS, Factors, knob

SIZE = 48
CHUNK = 64  # images; their planes fit in a core's cache
TURNS = 1024  # entries of the cosine table

Plane = Floats
_AXIS = ((np.arange(SIZE) + 0.5) / SIZE).astype(np.float32)
_INK = np.float32(0.1)
_SHADOW_REACH, _SHADOW = np.float32(3.0), np.float32(0.45)  # pixels; share of the light removed at the outline


@cache
def _fields() -> Floats:
    """Signed distance fields of all shapes, flattened."""
    return shapes.table().reshape(-1)


@cache
def _tiles() -> Floats:
    """Tiles of all textures, flattened."""
    return textures.table().reshape(-1)


@cache
def _cosines() -> Floats:
    """Cosines of i / 1024 turns, [1024], rounded to six digits because libraries differ in the last bit."""
    return np.array([round(math.cos(2 * math.pi * i / TURNS), 6) for i in range(TURNS)], np.float32)


@cache
def _noise() -> NDArray[np.float32]:
    """Windows of the size of an image over a table of nearly normal noise: standardised sums of four 16-bit numbers."""
    words = mix(np.arange(1, 2**18 + 1, dtype=np.uint64))
    total = sum(((words >> np.uint64(16 * i)) & np.uint64(0xFFFF)).astype(np.int64) for i in range(4))
    centred = (np.asarray(total) - 2 * 0xFFFF).astype(np.float32)
    table = centred * np.float32(1 / 37837.2)  # 65536 * sqrt(4 / 12)
    return np.lib.stride_tricks.sliding_window_view(table, 3 * SIZE * SIZE)


def draw(factors: Factors) -> NDArray[np.uint8]:
    """Render images, uint8 [N, 48, 48, 3], from their factors."""
    out = np.empty((len(factors), SIZE, SIZE, 3), np.uint8)
    for start in range(0, len(factors), CHUNK):
        chunk = slice(start, start + CHUNK)
        out[chunk] = _develop(_paint(factors[chunk]), factors[chunk]).transpose(0, 2, 3, 1)
    return out


def _paint(f: Factors) -> Floats:
    """Backdrop and objects before light and noise, [n, 3, 48, 48]."""
    canvas = _backdrop(f)
    for slot in range(SLOTS):
        rows = np.flatnonzero(f.present[:, slot])
        if len(rows):
            canvas[rows] = _add_object(canvas[rows], f[rows], slot)
    return canvas


def _backdrop(f: Factors) -> Floats:
    """The scene: ground and mark mixed by its texture, with the sky above; for sketches, paper."""
    ground, mark, sky = _scene_colours(f)
    tiles = scenes.TILES[f.scene]
    u = _AXIS[None, None, :] * tiles[:, None, None] + f.backdrop[:, 0, None, None]
    v = _AXIS[None, :, None] * tiles[:, None, None] + f.backdrop[:, 1, None, None]
    share = _look_up_tile(scenes.SCENE_TEXTURE[f.scene], u, v)
    horizon = np.where(scenes.HAS_SKY[f.scene], f.horizon, np.float32(-1))
    above = np.clip((horizon[:, None] - _AXIS[None, :]) * np.float32(SIZE) + np.float32(0.5), 0, 1)
    share *= (1 - above)[:, :, None]
    base = ground[:, :, None] + (sky - ground)[:, :, None] * above[:, None, :]
    return base[..., None] + (mark - ground)[:, :, None, None] * share[:, None]


def _scene_colours(f: Factors) -> tuple[Floats, Floats, Floats]:
    """Ground, mark and sky, each [n, 3]."""
    colours = np.stack([scenes.GROUND[f.scene], scenes.MARK[f.scene], scenes.SKY[f.scene]], axis=1) + f.wash
    paper = np.float32(0.9) + f.wash[:, :1, :1] + np.zeros_like(colours)
    colours = np.where(knob("grey")[f.style][:, None, None], paper, _recolour(f, colours))
    return colours[:, 0], colours[:, 1], colours[:, 2]


def _recolour(f: Factors, colours: Floats) -> Floats:
    """Rotate the channels of colours [n, k, 3] (red to green, green to blue, blue to red) where `turned` is set."""
    return np.where(f.turned[:, None, None], np.roll(colours, 1, axis=-1), colours)


def _object_colours(f: Factors, slot: int) -> tuple[Floats, Floats]:
    """Both colours of the objects in a slot, each [n, 3]; for sketches, white and grey."""
    palette = np.stack([scenes.PALETTE[f.colour[:, slot]], scenes.PALETTE[f.second[:, slot]]], axis=1)
    colours = _recolour(f, np.clip(palette + f.dye[:, slot], 0, 1))
    ink = np.array([[0.95], [0.5]], np.float32) + f.dye[:, slot, :, :1] + np.zeros_like(colours)
    colours = np.where(knob("grey")[f.style][:, None, None], ink, colours)
    return colours[:, 0], colours[:, 1]


def _add_object(canvas: Floats, f: Factors, slot: int) -> Floats:
    """Draw the objects of a slot on the canvas: a soft shadow, the textured shape, and its outline."""
    u, v = _frame(f, slot)
    pixels = f.size[:, slot, None, None] * np.float32(SIZE)
    distance = _look_up_field(f.shape[:, slot], u, v) * pixels
    frequency = f.frequency[:, slot, None, None]
    phase = f.phase[:, slot, :, None, None]
    share = _look_up_tile(f.texture[:, slot], u * frequency + phase[:, 0], v * frequency + phase[:, 1])

    cover = np.clip(distance + np.float32(0.5), 0, 1)
    shadow = np.clip(distance / _SHADOW_REACH + 1, 0, 1) * _SHADOW
    shadow *= (f.outline == 0)[:, None, None]
    keep = (1 - shadow) * (1 - cover)
    pen = np.clip(f.outline[:, None, None] - np.abs(distance) + np.float32(0.5), 0, 1)
    pen *= (f.outline > 0)[:, None, None]
    keep *= 1 - pen
    lit = cover * (1 - pen) * _shading(f, slot)
    share *= lit

    first, second = (colour[:, :, None, None] for colour in _object_colours(f, slot))
    canvas *= keep[:, None]
    canvas += first * lit[:, None]
    canvas += (second - first) * share[:, None]
    canvas += (pen * _INK)[:, None]
    return canvas


def _frame(f: Factors, slot: int) -> tuple[Plane, Plane]:
    """Coordinates of each pixel in the frame of the object (shape in [-1, 1]^2): turned, then stretched by the aspect."""
    step = (f.turn[:, slot] * np.float32(TURNS)).astype(np.int64)
    cosine, sine = _cosines()[step % TURNS], _cosines()[(step - TURNS // 4) % TURNS]
    wide, high = f.size[:, slot] * f.aspect[:, slot], f.size[:, slot] / f.aspect[:, slot]
    x = _AXIS[None, :] - f.centre[:, slot, 0, None]
    y = _AXIS[None, :] - f.centre[:, slot, 1, None]
    u = (x * (cosine / wide)[:, None])[:, None, :] + (y * (sine / wide)[:, None])[:, :, None]
    v = (x * (-sine / high)[:, None])[:, None, :] + (y * (cosine / high)[:, None])[:, :, None]
    return u, v


def _shading(f: Factors, slot: int) -> Plane:
    """Brightness across the objects of a slot, 1 at their centre."""
    scale = np.float32(1) / f.size[:, slot]
    across = np.clip((_AXIS[None, :] - f.centre[:, slot, 0, None]) * scale[:, None], -1, 1) * f.slope[:, :1]
    down = np.clip((_AXIS[None, :] - f.centre[:, slot, 1, None]) * scale[:, None], -1, 1) * f.slope[:, 1:]
    return np.float32(1) + across[:, None, :] + down[:, :, None]


def _look_up_field(shape: Ints, u: Plane, v: Plane) -> Plane:
    """Signed distance to the outline at (u, v), in object units; beyond the table, the value OUTSIDE of its border."""
    scale, last = np.float32(shapes.CELLS / (2 * shapes.REACH)), np.float32(shapes.CELLS - 1)
    column = np.clip((u + np.float32(shapes.REACH)) * scale, 0, last).astype(np.int32)
    row = np.clip((v + np.float32(shapes.REACH)) * scale, 0, last).astype(np.int32)
    row *= shapes.CELLS
    row += column
    row += (shape * shapes.CELLS**2).astype(np.int32)[:, None, None]
    return _fields().take(row)


def _look_up_tile(texture: Ints, u: Plane, v: Plane) -> Plane:
    """Share of the second colour at (u, v), in periodic units of tiles."""
    cells = np.int32(textures.CELLS)
    column = np.floor(u * np.float32(cells)).astype(np.int32) & (cells - 1)
    row = np.floor(v * np.float32(cells)).astype(np.int32) & (cells - 1)
    index = row * cells + column + (texture * int(cells) ** 2).astype(np.int32)[:, None, None]
    return _tiles().take(index)


def _develop(canvas: Floats, f: Factors) -> NDArray[np.uint8]:
    """Apply light, posterising and noise, and quantise to bytes, [n, 3, 48, 48]."""
    canvas *= (f.tint * f.light[:, None])[:, :, None, None]
    _posterise(canvas, f)
    windows = _noise()
    offset = (f.grain * np.float32(len(windows))).astype(np.int64)
    canvas += windows[offset].reshape(canvas.shape) * f.noise[:, None, None, None]
    canvas *= np.float32(255)
    canvas += np.float32(0.5)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _posterise(canvas: Floats, f: Factors) -> None:
    """Round the canvas to the number of levels of the style, in place."""
    levels = knob("levels")[f.style]
    rows = np.flatnonzero(levels)
    if len(rows):
        steps = levels[rows].astype(np.float32)[:, None, None, None]
        canvas[rows] = np.floor(canvas[rows] * steps + np.float32(0.5)) / steps
