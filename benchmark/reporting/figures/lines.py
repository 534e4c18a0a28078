"""Line plot: accuracy over the variable of the columns, one line a row, with a second, enlarged panel if needed."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmark.analysis.results import Measured, Row
from benchmark.core.digest import Json, JsonDict
from benchmark.reporting.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BELOW = 2.5
"""Percentage points below the level line that the enlarged panel shows."""

Line = tuple[JsonDict, list[tuple[float, Row]]]
"""Style of a row for matplotlib, and its points (x, cell)."""


def draw(measured: Measured) -> "Figure":
    """Draw all lines; if one falls far below the level line, draw the upper part again in a second, enlarged panel."""
    found = lines(measured, measured.exhibit.columns)
    floor = level_of(found) - BELOW
    twice = min(means(found), default=floor) < floor < max(means(found), default=floor)
    settings = {"figsize": (11, 5.2), "width_ratios": (1, 1.5)} if twice else {"figsize": (8.5, 5.2)}
    figure, grid = style.subplots(1, 2 if twice else 1, squeeze=False, **settings)
    for axes in grid.flat:
        plot(axes, found, measured.exhibit.mark)
    if twice:
        left, right = grid.flat
        left.set_title("all", fontsize=10)
        right.set_title("the upper part, at a larger scale", fontsize=10)
        right.set_ylim(floor, max(means(found)) + 1)
    grid.flat[0].set_ylabel(measured.exhibit.mark.get("y_label", measured.exhibit.metric))
    figure.suptitle(style.title(measured), fontsize=11)
    style.legend(figure, handles(*grid.flat))
    return figure


def handles(*many: Any) -> JsonDict:
    """Legend handles of several axes by label, each label once."""
    return {label: handle for axes in many for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}


def lines(measured: Measured, columns: Sequence[Json]) -> list[Line]:
    """Style and points of each row with a measured cell in `columns`."""
    x_of = measured.exhibit.mark.get("x", "shots")
    looks = style.styles(measured)
    found = []
    for row in measured.exhibit.rows:
        points = [(float(column[x_of]), measured.at(row["name"], column["name"])) for column in columns]
        points = [(x, cell) for x, cell in points if cell.mean is not None]
        flat = row.get(x_of) is not None  # the row fixes the variable of the columns: a level line, not a curve
        if points:
            found.append(({**looks[row["name"]], **(style.LEVEL if flat else {})}, points))
    return found


def plot(axes: Any, found: Sequence[Line], mark: Json) -> None:
    """Draw lines and their intervals over a logarithmic x axis of base 2."""
    for look, points in found:
        x = [p[0] for p in points]
        axes.plot(x, [p[1].mean for p in points], linewidth=1.6, **look)
        low, high = [p[1].ci_low for p in points], [p[1].ci_high for p in points]
        axes.fill_between(x, low, high, color=look["color"], alpha=0.12, linewidth=0)
    axes.set_xscale("log", base=2)
    ticks = sorted({p[0] for _, points in found for p in points})
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel(mark.get("x_label", mark.get("x", "")))
    style.plain(axes)
    if not found:
        style.nothing(axes)


def means(found: Sequence[Line]) -> list[float]:
    """Means of all points of all lines."""
    return [cell.mean for _, points in found for _, cell in points if cell.mean is not None]


def level_of(found: Sequence[Line]) -> float:
    """Height of the level line; minus infinity if there is none."""
    levels = [points[0][1].mean for look, points in found if look["marker"] == ""]
    return levels[0] if levels and levels[0] is not None else -math.inf
