"""Line plot: accuracy over the variable of the columns, one line a row, with a second, enlarged panel if needed.

Intervals are bars at the points. Rows stand a little apart at each number, so that no bar covers another, and every line is
named at its end.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmark.analysis.results import Measured, Row
from benchmark.core.digest import Json, JsonDict
from benchmark.core.numbers import fixed
from benchmark.reporting.figures import dots, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FAR = 10.0
"""Percentage points below the level line from which a row is not what the enlarged panel is for."""
APART = 0.05
"""Octaves between neighbouring rows at one number."""
HEIGHT = 3.7
"""Height of the figure in inches."""
NAME = 0.15
"""Height of the line of a name at the end of a line, in inches."""
AXES = 0.72
"""Part of the height of a figure that is inside its axes, about; the layout decides it when the names are placed already."""

Line = tuple[JsonDict, list[tuple[float, Row]]]
"""Style of a row for matplotlib, and its points (x, cell)."""


def draw(measured: Measured) -> "Figure":
    """Draw all lines, and again at a larger scale without those far below the level line; of one number, a dot plot."""
    found = lines(measured, measured.exhibit.columns)
    if one := _of_one_number(measured, found):
        return one
    twice = min(means(found), default=0.0) < level_of(found) - FAR < max(means(found), default=0.0)
    figure, grid = style.subplots(
        1, 1 + twice, squeeze=False, figsize=(style.WIDTH, HEIGHT), width_ratios=(1, 2)[-1 - twice :]
    )
    for axes in grid.flat:
        plot(axes, found, measured)
        axes.set_ylabel(measured.exhibit.mark.get("y_label", measured.exhibit.metric))
    if twice:
        grid.flat[0].set_title("all")
        grid.flat[1].set_title("enlarged")
        enlarge(grid.flat[1], found)
    name_ends(grid.flat[-1], found)
    figure.suptitle(style.title(measured, hollow=True))
    return figure


def small(measured: Measured, width: float, height: float) -> "Figure":
    """Draw the enlarged panel alone, without a title, in a figure of `width` x `height` inches."""
    found = lines(measured, measured.exhibit.columns)
    if one := _of_one_number(measured, found):
        one.suptitle("")
        one.set_size_inches(width, height)
        return one
    figure, axes = style.subplots(figsize=(width, height))
    plot(axes, found, measured)
    enlarge(axes, found)
    name_ends(axes, found)
    axes.set_ylabel(measured.exhibit.mark.get("y_label", measured.exhibit.metric))
    return figure


def _of_one_number(measured: Measured, found: Sequence[Line]) -> "Figure | None":
    """A dot plot where only one number of the columns is measured, so that there is nothing to connect; else None."""
    only = {cell.column for look, points in found if look["marker"] for _, cell in points}
    if len(only) != 1:
        return None
    levels = [look["label"] for look, _ in found if not look["marker"]]
    return dots.draw(measured, [c for c in measured.exhibit.columns if c["name"] in only], levels)


def told(measured: Measured) -> str:
    """The figure in words: of each line the first and the last point, the highest end first."""
    found = lines(measured, measured.exhibit.columns)
    parts = [_ends(look, points) for look, points in sorted(found, key=lambda line: -(line[1][-1][1].mean or 0))]
    mark = measured.exhibit.mark
    return f"{mark.get('y_label', measured.exhibit.metric)} over {mark.get('x_label', mark.get('x', ''))}: {'; '.join(parts)}"


def _ends(look: JsonDict, points: Sequence[tuple[float, Row]]) -> str:
    """A line in words: "CoOp 53.2 at 1 to 57.0 at 16"; of a level line its height."""
    ends = points[:1] if not look["marker"] or len(points) == 1 else [points[0], points[-1]]
    at = [fixed(cell.mean or 0, 1) + (f" at {x:g}" if look["marker"] else "") for x, cell in ends]
    return f"{look['label']} {' to '.join(at)}"


def handles(*many: Any) -> JsonDict:
    """Legend handles of several axes by label, each label once."""
    return {label: handle for axes in many for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}


def lines(measured: Measured, columns: Sequence[Json]) -> list[Line]:
    """Style and points of each row with a measured cell in `columns`."""
    x_of = measured.exhibit.mark.get("x", "shots")
    looks = style.styles(measured)
    found = []
    columns = [column for column in columns if "declares" not in column]
    for row in measured.exhibit.rows:
        points = [(float(column[x_of]), measured.at(row["name"], column["name"])) for column in columns]
        points = [(x, cell) for x, cell in points if cell.mean is not None]
        flat = row.get(x_of) is not None  # the row fixes the variable of the columns: a level line, not a curve
        if points:
            found.append(({**looks[row["name"]], **(style.LEVEL if flat else {})}, points))
    return found


def plot(axes: Any, found: Sequence[Line], measured: Measured) -> None:
    """Draw lines and their intervals over a logarithmic x axis of base 2.

    A line ends where a number of the columns between two points is not measured. The interval of a level line is a band,
    those of points are bars. Points of fewer seeds than the most are hollow.
    """
    mark = measured.exhibit.mark
    there = {x for _, points in found for x, _ in points}
    every = sorted(
        {float(column[mark.get("x", "shots")]) for column in measured.exhibit.columns if "declares" not in column}
    )
    ticks = [x for x in every if min(there, default=0) <= x <= max(there, default=0)]
    curves = [line for line in found if line[0]["marker"]]
    for look, points in found:
        if not look["marker"]:
            _level(axes, look, points[0][1])
    for place, (look, points) in enumerate(curves):
        shift = 2 ** (APART * (place - (len(curves) - 1) / 2))
        at = dict(points)
        axes.plot([shift * x for x in ticks], [at[x].mean if x in at else math.nan for x in ticks], **look)
        for x, cell in points:
            _point(axes, look, shift * x, cell, style.fewer(measured, cell.row, cell.column))
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel(mark.get("x_label", mark.get("x", "")))
    style.plain(axes)
    if not found:
        style.nothing(axes)


def _level(axes: Any, look: JsonDict, cell: Row) -> None:
    axes.axhline(cell.mean, **look)
    if cell.ci_low is not None:
        axes.axhspan(cell.ci_low, cell.ci_high, color=look["color"], alpha=0.1, linewidth=0, zorder=0)


def _point(axes: Any, look: JsonDict, x: float, cell: Row, hollow: bool) -> None:
    """The interval of a point, and the point again in white where it is hollow."""
    if cell.ci_low is not None:
        bar = {"color": look["color"], "linewidth": 0.5 * look["linewidth"], "zorder": look["zorder"]}
        axes.vlines(x, cell.ci_low, cell.ci_high, **bar)
    if hollow:
        axes.plot([x], [cell.mean], **{**look, "label": "_", "markerfacecolor": "white", "linestyle": ""})


def enlarge(axes: Any, found: Sequence[Line]) -> None:
    """Limit the y axis to the rows that do not lie far below the level line, with their whole intervals."""
    near = [line for line in found if min(means([line])) >= level_of(found) - FAR]
    ends = [end for _, points in near for _, cell in points for end in (cell.mean, cell.ci_low, cell.ci_high)]
    known = [end for end in ends if end is not None]
    if known:
        room = 0.03 * (max(known) - min(known))
        axes.set_ylim(min(known) - room, max(known) + room)


def name_ends(axes: Any, found: Sequence[Line]) -> None:
    """Write the name of each line at the right of the axes, as near to its last point as the other names allow."""
    drawn = {line.get_label(): line for line in axes.get_lines()}
    within = axes.transAxes.inverted()
    ends = []
    for look, points in found:
        line, mean = drawn[look["label"]], points[-1][1].mean or 0.0
        x, y = within.transform(line.get_transform().transform((_last(line), mean)))
        ends.append((min(1.0, max(0.0, y)), x, f"{look['label']} ↓ {fixed(mean, 0)}" if y < 0 else look["label"], look))
    ends.sort(key=lambda end: end[0])
    places = apart([y for y, *_ in ends], NAME / (AXES * axes.figure.get_figheight()))
    for (y, x, name, look), place in zip(ends, places, strict=True):
        sample = {**look, "label": "_", "transform": axes.transAxes, "clip_on": False}
        axes.plot([x, 1.02], [y, place], **{**sample, "marker": "", "linewidth": 0.5})
        axes.plot([1.03, 1.065, 1.1], [place] * 3, markevery=[1], **sample)
        weight = "bold" if style.strong(look) else "normal"
        words = {"transform": axes.transAxes, "va": "center", "fontsize": 7.5, "fontweight": weight}
        axes.text(1.12, place, name, **words)


def _last(line: Any) -> float:
    """Where a line ends, at its last measured point."""
    return [x for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True) if not math.isnan(y)][-1]


def apart(wanted: Sequence[float], gap: float) -> list[float]:
    """Places at least `gap` apart that are nearest to the ascending `wanted` ones, by least squares (isotonic regression)."""
    pools: list[list[float]] = []
    for number, place in enumerate(wanted):
        pools.append([place - number * gap])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    return [mean + number * gap for number, mean in enumerate(_mean(pool) for pool in pools for _ in pool)]


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def means(found: Sequence[Line]) -> list[float]:
    """Means of all points of all lines."""
    return [cell.mean for _, points in found for _, cell in points if cell.mean is not None]


def level_of(found: Sequence[Line]) -> float:
    """Height of the level line; minus infinity if there is none."""
    levels = [points[0][1].mean for look, points in found if look["marker"] == ""]
    return levels[0] if levels and levels[0] is not None else -math.inf
