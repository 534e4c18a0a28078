"""Dot plot: mean and interval of every cell, one strip with a scale of its own for each column, one line for each row."""

from typing import TYPE_CHECKING

from benchmark.analysis.results import Measured
from benchmark.core.digest import Json
from benchmark.reporting.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(measured: Measured) -> "Figure":
    """Draw the strips, at most `mark.across` side by side (default 6)."""
    columns = [c for c in measured.exhibit.columns if "declares" not in c]
    across = min(len(columns), measured.exhibit.mark.get("across", 6))
    down = -(-len(columns) // across)
    names = [row["name"] for row in measured.exhibit.rows]
    size = (2.6 + 2.1 * across, down * (1.1 + 0.27 * len(names)) + 0.6)
    figure, grid = style.subplots(down, across, figsize=size, squeeze=False, sharey=True)
    every = list(grid.flat)
    for axes, column in zip(every, columns, strict=False):
        _strip(axes, measured, column, names)
        axes.set_title(column.get("short", column["name"]) if len(columns) > 1 else "", fontsize=10)
    for axes in every[len(columns) :]:
        axes.set_visible(False)
    label = every[0].set_xlabel if len(columns) == 1 else figure.supxlabel
    label(measured.exhibit.mark.get("x_label", measured.exhibit.metric), fontsize=10)
    words = "val selection, 95 % intervals" + ("; each strip has a scale of its own" if len(columns) > 1 else "")
    figure.suptitle(style.title(measured, words), fontsize=11)
    return figure


def _strip(axes: "Axes", measured: Measured, column: Json, names: list[str]) -> None:
    looks = style.styles(measured)
    empty = True
    for place, name in enumerate(names):
        cell = None if (name, column["name"]) in measured.texts else measured.at(name, column["name"])
        if cell is None or cell.mean is None:
            continue
        empty = False
        low, high = (
            cell.mean if cell.ci_low is None else cell.ci_low,
            cell.mean if cell.ci_high is None else cell.ci_high,
        )
        colour = looks[name]["color"]
        axes.plot([low, high], [place, place], color=colour, linewidth=2, alpha=0.45, solid_capstyle="round")
        axes.plot([cell.mean], [place], color=colour, marker=looks[name]["marker"] or "o", markersize=6, linestyle="")
    _level(axes, measured, column)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="x", labelsize=8)
    axes.margins(x=0.1)
    style.not_below_zero(axes.dataLim.intervalx, axes.get_xlim, axes.set_xlim)
    if empty:
        style.nothing(axes)
    style.plain(axes)


def _level(axes: "Axes", measured: Measured, column: Json) -> None:
    """Draw a dashed line through the mean of the row `mark.level`, to compare other rows with."""
    name = measured.exhibit.mark.get("level")
    mean = None if name is None else measured.at(name, column["name"]).mean
    if mean is not None:
        axes.axvline(mean, color="0.4", linestyle=(0, (4, 3)), linewidth=1, zorder=0)
