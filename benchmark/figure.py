"""The picture of an exhibit (matplotlib): accuracy over what the columns vary, one line a row."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark.results import Measured, Row

# Okabe and Ito's palette, which the colour-blind can tell apart; markers and dashes repeat the distinction.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31")
MARKERS = "osD^vPXh*"
DPI = 160


def draw(measured: Measured, path: Path) -> None:
    """Draw the exhibit's picture: all lines on the left, the upper ones again on the right at a scale of their own."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["text.parse_math"] = False  # a name with dollar signs is a name, no formula
    lines = list(_lines(measured))
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5.2), width_ratios=(1, 1.5), layout="constrained")
    for axes in (left, right):
        _draw_lines(axes, lines, measured.exhibit.mark)
    left.set_ylabel(measured.exhibit.mark.get("y_label", measured.exhibit.metric))
    left.set_title("all", fontsize=10)
    right.set_title("from just below zero-shot upwards", fontsize=10)
    _zoom(right, lines)
    figure.suptitle(f"{measured.exhibit.title} ({measured.suite.name} suite, val selection, 95 % intervals)")
    handles, labels = right.get_legend_handles_labels()
    if labels:
        figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=9)
    figure.savefig(path, dpi=DPI, metadata={"Software": None})
    plt.close(figure)


def _lines(measured: Measured) -> Iterator[tuple[dict[str, Any], list[tuple[float, Row]]]]:
    """Each measured row with its style and its points, (x, row)."""
    x_of = measured.exhibit.mark.get("x", "shots")
    for number, row in enumerate(measured.exhibit.rows):
        points = [
            (float(column[x_of]), measured.at(row["name"], column["name"])) for column in measured.exhibit.columns
        ]
        points = [(x, cell) for x, cell in points if cell.mean is not None]
        if points:
            flat = row.get(x_of) is not None  # the row fixes what the columns vary, so it is a level, not a curve
            yield _style(row["name"], number, flat), points


def _style(name: str, number: int, flat: bool) -> dict[str, Any]:
    if flat:
        return {"label": name, "color": "0.35", "linestyle": (0, (5, 3)), "marker": ""}
    return {
        "label": name,
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": "-" if number < len(COLOURS) else "--",
        "markersize": 5,
    }


def _draw_lines(axes: Any, lines: list[tuple[dict[str, Any], list[tuple[float, Row]]]], mark: Any) -> None:
    for style, points in lines:
        x = [p[0] for p in points]
        mean = [p[1].mean for p in points]
        axes.plot(x, mean, linewidth=1.6, **style)
        low, high = [p[1].ci_low for p in points], [p[1].ci_high for p in points]
        axes.fill_between(x, low, high, color=style["color"], alpha=0.12, linewidth=0)
    axes.set_xscale("log", base=2)
    ticks = sorted({p[0] for _, points in lines for p in points})
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel(mark.get("x_label", mark.get("x", "")))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _zoom(axes: Any, lines: list[tuple[dict[str, Any], list[tuple[float, Row]]]]) -> None:
    """Limit y to what lies above the level line, and a little below it; leave it alone where there is no level."""
    means = [cell.mean for _, points in lines for _, cell in points if cell.mean is not None]
    levels = [points[0][1].mean for style, points in lines if style["marker"] == ""]
    if levels and levels[0] is not None and max(means) > levels[0]:
        axes.set_ylim(levels[0] - 2.5, max(means) + 1)
