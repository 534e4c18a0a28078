"""Small multiples: one panel of lines for each of the exhibit's panels, one legend for all."""

from typing import Any

from benchmark.figures import lines, style
from benchmark.results import Measured

ACROSS = 4


def draw(measured: Measured) -> Any:
    """Panels in rows of four; every panel has its own scale of accuracy."""
    panels = measured.exhibit.by_panel()
    mark = measured.exhibit.mark
    down = -(-len(panels) // ACROSS)
    figure, grid = style.subplots(down, ACROSS, figsize=(13, 2.9 * down + 0.6), squeeze=False)
    every = list(grid.flat)
    for axes, (name, columns) in zip(every, panels.items(), strict=False):
        lines.plot(axes, lines.lines(measured, columns), {**mark, "x_label": ""})
        axes.set_title(name, fontsize=10)
        axes.tick_params(labelsize=8)
    for axes in every[len(panels) :]:
        axes.set_visible(False)
    figure.supxlabel(mark.get("x_label", ""), fontsize=10)
    figure.supylabel(mark.get("y_label", measured.exhibit.metric), fontsize=10)
    figure.suptitle(style.title(measured), fontsize=11)
    style.legend(figure, lines.handles(*every[: len(panels)]))
    return figure
