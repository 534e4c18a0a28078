"""Accuracy over what the columns vary, one line a row: all of them on the left, the upper ones again on the right."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.figures import style
from benchmark.results import Measured, Row

Line = tuple[dict[str, Any], list[tuple[float, Row]]]
"""A row's style and its points, (x, cell)."""


def draw(measured: Measured) -> Any:
    """Two views of the same lines; the right one has a scale of its own."""
    found = lines(measured, measured.exhibit.columns)
    figure, (left, right) = style.subplots(1, 2, figsize=(11, 5.2), width_ratios=(1, 1.5))
    for axes in (left, right):
        plot(axes, found, measured.exhibit.mark)
    left.set_ylabel(measured.exhibit.mark.get("y_label", measured.exhibit.metric))
    left.set_title("all", fontsize=10)
    right.set_title("from just below the level upwards", fontsize=10)
    zoom(right, found)
    figure.suptitle(style.title(measured), fontsize=11)
    style.legend(figure, handles(right))
    return figure


def handles(*many: Any) -> dict[str, Any]:
    """Label -> handle of everything drawn in some axes, each label once."""
    return {label: handle for axes in many for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}


def lines(measured: Measured, columns: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Each measured row with its style and its points in these columns."""
    x_of = measured.exhibit.mark.get("x", "shots")
    looks = style.styles(measured)
    found = []
    for row in measured.exhibit.rows:
        points = [(float(column[x_of]), measured.at(row["name"], column["name"])) for column in columns]
        points = [(x, cell) for x, cell in points if cell.mean is not None]
        flat = row.get(x_of) is not None  # the row fixes what the columns vary, so it is a level, not a curve
        if points:
            found.append(({**looks[row["name"]], **(style.LEVEL if flat else {})}, points))
    return found


def plot(axes: Any, found: Sequence[Line], mark: Mapping[str, Any]) -> None:
    """Lines with their intervals, over a scale of doublings."""
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


def zoom(axes: Any, found: Sequence[Line]) -> None:
    """Limit y to what lies above the level line, and a little below it; leave it alone where there is no level."""
    means = [cell.mean for _, points in found for _, cell in points if cell.mean is not None]
    levels = [points[0][1].mean for look, points in found if look["marker"] == ""]
    if levels and levels[0] is not None and max(means) > levels[0]:
        axes.set_ylim(levels[0] - 2.5, max(means) + 1)
