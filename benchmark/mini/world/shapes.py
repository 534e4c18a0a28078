"""The twenty shapes, as signed distance fields in one look-up table.

A shape lies in the square [-1, 1]^2 with y pointing down. Its field is the distance to the outline, positive inside (for
unions and intersections exact near the outline only, where it is used). Fields are computed by + - * /, square roots,
comparisons and cosines rounded to six digits, so that the table is identical on every machine.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]
Point = tuple[float, float]

CELLS = 144  # cells along one side of the table
REACH = 1.45  # the table covers [-REACH, REACH]^2, with room for outlines and shadows
OUTSIDE = -2.0  # value of the table's border: far outside of any shape
_CENTRES = (np.arange(CELLS) + 0.5) * (2 * REACH / CELLS) - REACH
X, Y = np.broadcast_arrays(_CENTRES[None, :], _CENTRES[:, None])


def polar(radius: float, turns: float) -> Point:
    """The point at `turns` of a full turn clockwise from the top."""
    angle = 2 * math.pi * turns
    return radius * round(math.sin(angle), 6), -radius * round(math.cos(angle), 6)


def disc(radius: float, x: float = 0.0, y: float = 0.0) -> Field:
    """A disc with centre (x, y)."""
    return radius - np.sqrt((X - x) * (X - x) + (Y - y) * (Y - y))


def polygon(points: Sequence[Point]) -> Field:
    """A simple polygon: distance to the nearest edge, signed by the even-odd rule."""
    nearest = np.full(X.shape, np.inf)
    inside = np.zeros(X.shape, bool)
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        ex, ey = bx - ax, by - ay
        along = np.clip(((X - ax) * ex + (Y - ay) * ey) / (ex * ex + ey * ey), 0, 1)
        dx, dy = X - ax - along * ex, Y - ay - along * ey
        nearest = np.minimum(nearest, dx * dx + dy * dy)
        if ey != 0:
            crossing = ax + (Y - ay) / ey * ex
            inside ^= ((ay > Y) != (by > Y)) & (crossing > X)
    return np.where(inside, 1.0, -1.0) * np.sqrt(nearest)


def box(left: float, top: float, right: float, bottom: float) -> Field:
    """An upright rectangle."""
    return polygon([(left, top), (right, top), (right, bottom), (left, bottom)])


def union(*fields: Field) -> Field:
    """The union of fields: inside any of them."""
    return np.maximum.reduce(fields)


def cut(field: Field, *holes: Field) -> Field:
    """The difference of fields: inside `field` and outside all `holes`."""
    return np.minimum.reduce([field, *(-hole for hole in holes)])


def star(spikes: int, outer: float, inner: float) -> Field:
    """A star with its first spike at the top."""
    return polygon([polar((outer, inner)[i % 2], i / (2 * spikes)) for i in range(2 * spikes)])


def gear(teeth: int = 8) -> Field:
    """A cog wheel with a hole."""
    rim = [polar(r, (i + d) / teeth) for i in range(teeth) for r, d in _TOOTH]
    return cut(polygon(rim), disc(0.34))


_TOOTH = ((0.68, -0.27), (0.98, -0.17), (0.98, 0.17), (0.68, 0.27))


def flower() -> Field:
    """Five round petals around a disc."""
    return union(disc(0.42), *(disc(0.37, *polar(0.6, i / 5)) for i in range(5)))


def heart() -> Field:
    """Two discs and the wedge below them."""
    wedge = polygon([(-0.85, 0.03), (0, -0.45), (0.85, 0.03), (0, 0.95)])
    return union(disc(0.5, -0.45, -0.3), disc(0.5, 0.45, -0.3), wedge)


def drop() -> Field:
    """A disc below a pointed tip."""
    return union(disc(0.6, 0, 0.35), polygon([(0, -1.0), (0.55, 0.12), (-0.55, 0.12)]))


def mushroom() -> Field:
    """A round cap on a stem."""
    cap = cut(disc(0.95, 0, 0.1), box(-2, 0.1, 2, 2))
    return union(cap, box(-0.27, 0.05, 0.27, 0.9))


def fish() -> Field:
    """A lens with a tail to the right."""
    body = np.minimum(disc(1.0, -0.2, 0.52), disc(1.0, -0.2, -0.52))
    return union(body, polygon([(0.4, 0), (0.98, -0.5), (0.98, 0.5)]))


def tree() -> Field:
    """Two stacked triangles on a trunk."""
    top = polygon([(0, -1.0), (0.6, -0.1), (-0.6, -0.1)])
    return union(top, polygon([(0, -0.55), (0.85, 0.5), (-0.85, 0.5)]), box(-0.17, 0.4, 0.17, 0.95))


def mug() -> Field:
    """A box with a handle at the right."""
    handle = cut(disc(0.45, 0.45, 0.0), disc(0.24, 0.45, 0.0))
    return union(box(-0.85, -0.8, 0.4, 0.8), handle)


SHAPES: dict[str, Callable[[], Field]] = {
    "disc": lambda: disc(0.92),
    "square": lambda: box(-0.8, -0.8, 0.8, 0.8),
    "triangle": lambda: polygon([(0, -0.95), (0.98, 0.75), (-0.98, 0.75)]),
    "cross": lambda: union(box(-0.95, -0.33, 0.95, 0.33), box(-0.33, -0.95, 0.33, 0.95)),
    "star": lambda: star(5, 1.0, 0.45),
    "heart": heart,
    "crescent": lambda: cut(disc(0.98), disc(0.8, 0.48, -0.1)),
    "ring": lambda: cut(disc(0.95), disc(0.46)),
    "gear": gear,
    "dome": lambda: cut(disc(0.98, 0, 0.45), box(-2, 0.45, 2, 3)),
    "arrow": lambda: polygon(
        [(-0.95, -0.3), (0.1, -0.3), (0.1, -0.8), (0.98, 0), (0.1, 0.8), (0.1, 0.3), (-0.95, 0.3)]
    ),
    "drop": drop,
    "flower": flower,
    "mushroom": mushroom,
    "fish": fish,
    "hourglass": lambda: polygon([(-0.75, -0.9), (0.75, -0.9), (0.16, 0), (0.75, 0.9), (-0.75, 0.9), (-0.16, 0)]),
    "bolt": lambda: polygon([(0.3, -1), (-0.6, 0.15), (-0.05, 0.15), (-0.3, 1), (0.6, -0.2), (0.05, -0.2)]),
    "house": lambda: polygon(
        [(0, -0.98), (0.95, -0.1), (0.7, -0.1), (0.7, 0.85), (-0.7, 0.85), (-0.7, -0.1), (-0.95, -0.1)]
    ),
    "tree": tree,
    "mug": mug,
}
SHAPE_NAMES = tuple(SHAPES)


def table() -> NDArray[np.float32]:
    """The fields of all shapes, [20, CELLS, CELLS] (shape, row, column), with the border set to OUTSIDE."""
    fields = np.full((len(SHAPES), CELLS, CELLS), OUTSIDE, np.float32)
    for field, make in zip(fields, SHAPES.values(), strict=True):
        field[1:-1, 1:-1] = make()[1:-1, 1:-1]
    return fields
