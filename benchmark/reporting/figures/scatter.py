"""Scatter plots of two columns of each panel, one point a row; rows picked by the exhibit's rule are ringed."""

from typing import TYPE_CHECKING, Any

from benchmark.analysis import feature_rule
from benchmark.analysis.results import Measured
from benchmark.reporting.figures import style
from benchmark.reporting.figures.lines import handles
from benchmark.reporting.figures.panels import abreast

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(measured: Measured) -> "Figure":
    """Draw one scatter plot a panel; `mark.x` and `mark.y` name the two columns."""
    mark, panels = measured.exhibit.mark, measured.exhibit.by_panel()
    n = abreast(len(panels))
    down = -(-len(panels) // n)
    figure, grid = style.subplots(down, n, figsize=(style.WIDTH, 1.6 * down + 1), squeeze=False)
    every = list(grid.flat)
    picked = {found.panel: found.picked for found in feature_rule.apply(measured)}
    for axes, (name, columns) in zip(every, panels.items(), strict=False):
        by_short = {column.get("short", column["name"]): column["name"] for column in columns}
        _panel(axes, measured, by_short[mark["x"]], by_short[mark["y"]], picked.get(name, []))
        axes.set_title(name)
        axes.margins(0.15)
        style.not_below_zero(axes.dataLim.intervaly, axes.get_ylim, axes.set_ylim)
        style.plain(axes)
    for axes in every[len(panels) :]:
        axes.set_visible(False)
    for axes in every[max(0, len(panels) - n) : len(panels)]:  # the lowest panel of each column
        axes.set_xlabel(mark.get("x_label", mark["x"]), fontsize=6.5)
    figure.supylabel(mark.get("y_label", mark["y"]), fontsize=8)
    figure.suptitle(style.title(measured, "val selection, means", "ringed: picked by the rule"))
    style.legend(figure, handles(*every[: len(panels)]))
    return figure


def told(measured: Measured) -> str:
    """The figure in words: the rows that are ringed in each panel."""
    picked = {found.panel: found.picked for found in feature_rule.apply(measured)}
    return "; ".join(f"{name or 'ringed'}: {', '.join(rows) or 'none'} ringed" for name, rows in picked.items())


def _panel(axes: Any, measured: Measured, x: str, y: str, picked: list[str]) -> None:
    looks = style.styles(measured)
    found = False
    for row in measured.exhibit.rows:
        name = row["name"]
        across, up = measured.at(name, x).mean, measured.at(name, y).mean
        if across is None or up is None:
            continue
        found = True
        look = {**looks[name], "linestyle": "", "markersize": 5}
        axes.plot([across], [up], **look)
        if name in picked:
            ring = {"marker": "o", "markersize": 10, "markerfacecolor": "none", "markeredgecolor": "0.2"}
            axes.plot([across], [up], linestyle="", **ring)
    if not found:
        style.nothing(axes)
        axes.set_yticks([])
