"""Small multiples of line plots: one for each panel of the exhibit, with one legend."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmark.analysis.results import Measured
from benchmark.core.digest import JsonDict
from benchmark.core.numbers import fixed
from benchmark.reporting.figures import lines, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACROSS = (4, 5)
ROOM = 4.0
"""Smallest number of percentage points below the level line that every panel shows."""


def abreast(panels: int) -> int:
    """Number of panels side by side: the one of ACROSS that leaves the fewest empty places."""
    return min(ACROSS, key=lambda n: -panels % n)


def draw(measured: Measured) -> "Figure":
    """Draw panels with scales of their own; points far below the level line are cut off and printed as numbers."""
    panels = measured.exhibit.by_panel()
    mark, n = measured.exhibit.mark, abreast(len(measured.exhibit.by_panel()))
    down = -(-len(panels) // n)
    figure, grid = style.subplots(down, n, figsize=(style.WIDTH, 1.9 * down + 0.9), squeeze=False)
    every = list(grid.flat)
    for axes, (name, columns) in zip(every, panels.items(), strict=False):
        found = lines.lines(measured, columns)
        lines.plot(axes, [(_fine(look), points) for look, points in found], measured)
        _cut(axes, found)
        axes.set_title(name)
        axes.set_xlabel("")
    for axes in every[len(panels) :]:
        axes.set_visible(False)
    for axes in every[max(0, len(panels) - n) : len(panels)]:  # the lowest panel of each column
        axes.set_xlabel(mark.get("x_label", ""))
    figure.supylabel(mark.get("y_label", measured.exhibit.metric), fontsize=8)
    more = "panels have own scales, ↓ a point below"
    figure.suptitle(style.title(measured, more=more, hollow=True))
    style.legend(figure, lines.handles(*every[: len(panels)]))
    return figure


def told(measured: Measured) -> str:
    """The figure in words: of each panel the highest line at the last point, and the level line."""
    parts = []
    for name, columns in measured.exhibit.by_panel().items():
        found = lines.lines(measured, columns)
        ends = [(points[-1][1].mean or 0, look["label"], points[-1][0]) for look, points in found if look["marker"]]
        levels = [f"{look['label']} {fixed(points[0][1].mean or 0, 1)}" for look, points in found if not look["marker"]]
        if ends:
            mean, row, x = max(end for end in ends if end[2] == max(e[2] for e in ends))
            parts.append(", ".join([f"{name}: {row} highest at {x:g} with {fixed(mean, 1)}", *levels]))
    return "; ".join(parts)


def _fine(look: JsonDict) -> JsonDict:
    """The style of a row in a small panel."""
    return {**look, "linewidth": 0.7 * look["linewidth"], "markersize": 0.6 * look.get("markersize", 0)}


def _cut(axes: Any, found: Sequence[lines.Line]) -> None:
    """Cut the y axis as far below the level line as the best point is above it, plus ROOM; print lower points as numbers."""
    level, every = lines.level_of(found), lines.means(found)
    if not every or min(every) >= (floor := level - (max(every) - level) - ROOM):
        return
    top = max(cell.ci_high or cell.mean or floor for _, points in found for _, cell in points)
    axes.set_ylim(floor, top + 0.05 * (top - floor))
    there: list[float] = []
    for look, points in found:
        for x, cell in points:
            if cell.mean is not None and cell.mean < floor:
                place = {"xytext": (3, 2 + 8 * there.count(x)), "textcoords": "offset points", "fontsize": 6}
                axes.annotate(
                    f"↓{fixed(cell.mean, 0)}", (x, 0), xycoords=axes.get_xaxis_transform(), color=look["color"], **place
                )
                there.append(x)
