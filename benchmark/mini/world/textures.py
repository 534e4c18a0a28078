"""The twelve textures, as periodic tiles that hold the share of the second colour in a pixel, 0 .. 1.

A tile has two periods a side and soft edges between the colours. Tiles are computed by + - * /, square roots and comparisons
only, so that they are identical on every machine.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmark.mini.world.draws import Draws

Tile = NDArray[np.float64]

CELLS = 64  # a power of two: the renderer wraps around with a bit mask
_CENTRES = (np.arange(CELLS) + 0.5) / CELLS * 2
X, Y = np.broadcast_arrays(_CENTRES[None, :], _CENTRES[:, None])  # in periods, 0 .. 2


def wave(x: Tile) -> Tile:
    """Triangle wave of period 1: distance to the nearest integer, 0 .. 1/2."""
    return np.abs(x - np.floor(x + 0.5))


def soft(x: Tile, width: float = 0.1) -> Tile:
    """Soft step: 0 below -width/2, 1 above width/2, linear between."""
    return np.clip(x / width + 0.5, 0, 1)


def line(distance: Tile, half_width: float) -> Tile:
    """A soft line: 1 where the distance is below the half width."""
    return soft(half_width - distance)


def stripes(x: Tile) -> Tile:
    """Stripes of equal width across x."""
    return soft(0.25 - wave(x))


def checked() -> Tile:
    """Chessboard."""
    a, b = stripes(X), stripes(Y)
    return a + b - 2 * a * b


def dots(radius: float) -> Tile:
    """Dots on a square lattice with one more in the middle of each square."""
    corner = wave(X) * wave(X) + wave(Y) * wave(Y)
    middle = wave(X + 0.5) * wave(X + 0.5) + wave(Y + 0.5) * wave(Y + 0.5)
    return line(np.sqrt(np.minimum(corner, middle)), radius)


def bricked() -> Tile:
    """Courses of bricks, every second course shifted by half a brick."""
    odd = np.floor(Y * 2) % 2
    return np.maximum(line(wave(Y * 2) / 2, 0.07), line(wave(X + 0.5 * odd), 0.07))


def speckled() -> Tile:
    """Small dots at random positions."""
    places = Draws("speckles", ids=np.arange(26)).vector("place", 2, 0, 2).astype(np.float64)
    squared = np.full(X.shape, np.inf)
    for x, y in places:
        dx, dy = 2 * wave((X - x) / 2), 2 * wave((Y - y) / 2)
        squared = np.minimum(squared, dx * dx + dy * dy)
    return line(np.sqrt(squared), 0.11)


def scaly() -> Tile:
    """Rows of arcs, every second row shifted by half an arc."""
    arcs = np.zeros(X.shape)
    for row in range(-1, 5):
        dx, dy = wave(X + 0.5 * (row % 2)), Y - row / 2
        arc = line(np.abs(np.sqrt(dx * dx + dy * dy) - 0.5), 0.09)
        arcs = np.where((dy >= 0) & (dy < 0.5), np.maximum(arcs, arc), arcs)
    return arcs


def marbled(knots: int = 5) -> Tile:
    """Blobs: smooth periodic noise, thresholded at its middle."""
    values = Draws("marble", ids=np.arange(knots)).vector("value", knots).astype(np.float64)
    i, j = np.floor(Y / 2 * knots).astype(int), np.floor(X / 2 * knots).astype(int)
    fy, fx = Y / 2 * knots - i, X / 2 * knots - j
    fy, fx = fy * fy * (3 - 2 * fy), fx * fx * (3 - 2 * fx)
    near, far = values[i, j], values[i, (j + 1) % knots]
    top = near + (far - near) * fx
    near, far = values[(i + 1) % knots, j], values[(i + 1) % knots, (j + 1) % knots]
    return soft(top + (near + (far - near) * fx - top) * fy - 0.5)


TEXTURES: dict[str, Callable[[], Tile]] = {
    "plain": lambda: np.zeros(X.shape),
    "striped": lambda: stripes(X),
    "banded": lambda: stripes(Y),
    "checked": checked,
    "spotted": lambda: dots(0.26),
    "gridded": lambda: np.maximum(line(wave(X), 0.11), line(wave(Y), 0.11)),
    "zigzag": lambda: stripes(Y + wave(X)),
    "bricked": bricked,
    "speckled": speckled,
    "scaly": scaly,
    "marbled": marbled,
    "netted": lambda: np.maximum(line(wave(X + Y), 0.12), line(wave(X - Y), 0.12)),
}
TEXTURE_NAMES = tuple(TEXTURES)


def table() -> NDArray[np.float32]:
    """The tiles of all textures, [12, CELLS, CELLS] (texture, row, column)."""
    return np.stack([make() for make in TEXTURES.values()]).astype(np.float32)
