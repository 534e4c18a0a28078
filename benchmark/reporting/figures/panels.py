"""Small multiples of line plots: one for each panel of the exhibit, with one legend."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmark.analysis.results import Measured
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
    figure, grid = style.subplots(down, n, figsize=(3 * n, 2.9 * down + 1), squeeze=False)
    every = list(grid.flat)
    for axes, (name, columns) in zip(every, panels.items(), strict=False):
        found = lines.lines(measured, columns)
        lines.plot(axes, found, {**mark, "x_label": ""})
        _cut(axes, found)
        axes.set_title(name, fontsize=10)
        axes.tick_params(labelsize=8)
    for axes in every[len(panels) :]:
        axes.set_visible(False)
    for axes in every[max(0, len(panels) - n) : len(panels)]:  # the lowest panel of each column
        axes.set_xlabel(mark.get("x_label", ""), fontsize=9)
    figure.supylabel(mark.get("y_label", measured.exhibit.metric), fontsize=10)
    words = "val selection, 95 % intervals; panels have scales of their own, ↓ a point below its panel"
    figure.suptitle(style.title(measured, words), fontsize=11)
    style.legend(figure, lines.handles(*every[: len(panels)]), below=True)
    return figure


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
                place = {"xytext": (3, 2 + 10 * there.count(x)), "textcoords": "offset points", "fontsize": 8}
                axes.annotate(
                    f"↓{fixed(cell.mean, 0)}", (x, 0), xycoords=axes.get_xaxis_transform(), color=look["color"], **place
                )
                there.append(x)
