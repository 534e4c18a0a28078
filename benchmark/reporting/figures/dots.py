"""Dot plot: mean and interval of every cell, one strip with a scale of its own for each column, one line for each row.

With `mark.strips = "rows"`, a strip for each row of every panel, and a line for each column of the panel.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.analysis.results import Measured
from benchmark.core.digest import Json
from benchmark.core.numbers import fixed
from benchmark.records import readings
from benchmark.reporting.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ALONE = 4.6
"""Width of a figure of one strip, in inches."""


@dataclass(frozen=True)
class Strip:
    """One part of the figure.

    Attributes:
        title: what its cells have in common.
        cells: label of each line, from top to bottom -> its cell, (row, column).
        levels: labels of lines to compare those after them with.
    """

    title: str
    cells: Mapping[str, tuple[str, str]]
    levels: Sequence[str] = ()


def draw(measured: Measured, only: Sequence[Json] = (), levels: Sequence[str] = ()) -> "Figure":
    """Draw the strips, at most `mark.across` side by side (default 6); rows and columns without a number are left out.

    Args:
        measured: the exhibit.
        only: columns to draw, all by default.
        levels: rows to compare those after them with, by default those of `mark.levels`.

    Returns:
        The figure.
    """
    mark = measured.exhibit.mark
    asked = only or _columns(measured)
    strips = _strips(measured, asked, levels or mark.get("levels", ()))
    across = min(len(strips), mark.get("across", 6))
    down = -(-len(strips) // across)
    size = (style.WIDTH if across > 1 else ALONE, down * (0.7 + 0.22 * len(strips[0].cells)) + 0.6)
    figure, grid = style.subplots(down, across, figsize=size, squeeze=False, sharey=True)
    every = list(grid.flat)
    for axes, strip in zip(every, strips, strict=False):
        _strip(axes, measured, strip)
        axes.set_title(strip.title if len(asked) > 1 else "")
    for axes in every[len(strips) :]:
        axes.set_visible(False)
    label = every[0].set_xlabel if len(strips) == 1 else figure.supxlabel
    label(mark.get("y_label", mark.get("x_label", measured.exhibit.metric)), fontsize=8)
    more = "strips have own scales" if len(strips) > 1 else ""
    figure.suptitle(style.title(measured, _words(measured), more, hollow=True))
    return figure


def _columns(measured: Measured) -> list[Json]:
    return [column for column in measured.exhibit.columns if "declares" not in column]


def _strips(measured: Measured, asked: Sequence[Json], levels: Sequence[str]) -> list[Strip]:
    columns, names = measured_part(measured, asked)
    if measured.exhibit.mark.get("strips") == "rows":
        panels: dict[str, list[Json]] = {}
        for column in columns:
            panels.setdefault(column.get("panel", ""), []).append(column)
        return [
            Strip(_title(panel, name), {_short(column): (name, column["name"]) for column in part})
            for panel, part in panels.items()
            for name in names
        ]
    return [
        Strip(
            _title(column.get("panel", ""), _short(column)),
            {name: (name, column["name"]) for name in names},
            [name for name in levels if name in names],
        )
        for column in columns
    ]


def _title(panel: str, name: str) -> str:
    return "\n".join(filter(None, (panel, name)))


def _short(column: Json) -> str:
    return column.get("short", column["name"])


def measured_part(measured: Measured, columns: Sequence[Json]) -> tuple[Sequence[Json], list[str]]:
    """The columns with a number, and the rows with one in them; all where there is no number."""
    rows = [row["name"] for row in measured.exhibit.rows]
    shown = [c for c in columns if any(style.has_number(measured, row, [c["name"]]) for row in rows)] or columns
    return shown, [row for row in rows if style.has_number(measured, row, [c["name"] for c in shown])] or rows


def told(measured: Measured) -> str:
    """The figure in words: of each strip the highest and the lowest line."""
    digits = 1 if all(readings.counted(row.metric) for row in measured.rows) else 2
    parts = []
    for strip in _strips(measured, _columns(measured), ()):
        places = {place: name for name, place in strip.cells.items() if place not in measured.texts}
        ranked = sorted(
            (mean, name) for place, name in places.items() if (mean := measured.at(*place).mean) is not None
        )
        if ranked:
            (low, lowest), (high, highest) = ranked[0], ranked[-1]
            told = f"{highest} highest at {fixed(high, digits)}, {lowest} lowest at {fixed(low, digits)}"
            parts.append(f"{', '.join(strip.title.splitlines())}: {told}")
    return "; ".join(parts)


def _words(measured: Measured) -> str:
    """The conditions: the selection, and which cells have an interval."""
    cells = [cell for cell in measured.rows if cell.selection == "val" and cell.mean is not None]
    without = ", none of a ratio of one seed" if any(cell.ci_low is None for cell in cells) else ""
    return f"val selection, 95 % intervals{without}"


def _strip(axes: "Axes", measured: Measured, strip: Strip) -> None:
    looks = style.styles(measured, strip.cells)
    for line, (name, place) in enumerate(strip.cells.items()):
        cell = None if place in measured.texts else measured.at(*place)
        if cell is None or cell.mean is None:
            continue
        low, high = (
            cell.mean if cell.ci_low is None else cell.ci_low,
            cell.mean if cell.ci_high is None else cell.ci_high,
        )
        look = looks[name]
        axes.plot([low, high], [line, line], color=look["color"], linewidth=1.4, solid_capstyle="butt")
        face = "white" if style.fewer(measured, *place) else look["color"]
        shape = {"marker": look["marker"] or "o", "markersize": look["markersize"] + 0.5, "markerfacecolor": face}
        axes.plot([cell.mean], [line], color=look["color"], linestyle="", **shape)
    _levels(axes, measured, strip)
    names = list(strip.cells)
    axes.set_yticks(range(len(names)), names)
    for label, name in zip(axes.get_yticklabels(), names, strict=False):  # the first strip of a line alone has them
        label.set_fontweight("bold" if style.strong(looks[name]) else "normal")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.margins(x=0.1)
    style.not_below_zero(axes.dataLim.intervalx, axes.get_xlim, axes.set_xlim)
    if any(style.has_number(measured, row, [column]) for row, column in strip.cells.values()):
        axes.locator_params(axis="x", nbins=4)
    else:
        style.nothing(axes)
    style.plain(axes)


def _levels(axes: "Axes", measured: Measured, strip: Strip) -> None:
    """Draw a dashed line through the mean of each level, down to the next, to compare the lines between with."""
    names = list(strip.cells)
    places = [names.index(name) for name in strip.levels]
    for place, end in itertools.pairwise([*places, len(names)]):
        mean = measured.at(*strip.cells[names[place]]).mean
        if mean is not None:
            axes.plot([mean, mean], [place, end - 0.5], color="0.4", linestyle=(0, (4, 3)), linewidth=1, zorder=0)
