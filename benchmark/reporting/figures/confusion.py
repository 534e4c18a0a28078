"""Confusion matrix of one cell of an exhibit whose test set is not balanced: each row the images of a class, in shares of it.

The cell is the row with the highest balanced accuracy in the last column that is measured.
"""

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.analysis.by_class import ByClass
from benchmark.analysis.results import Measured
from benchmark.core.numbers import fixed
from benchmark.reporting import classes
from benchmark.reporting.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COUNTED = 12
"""Largest number of classes whose counts are written into the matrix."""
NAMED = 60
"""Largest number of classes that are named at the axes; of more, the largest confusions are listed beside the matrix."""
CONFUSIONS = 15
"""Number of the confusions that are listed."""
LONGEST = 22
"""Largest number of letters of a class's name."""
LETTERS = 13
"""Letters of the title to an inch of the figure's width."""
UPRIGHT = 5
"""Largest number of classes whose names stand level below the matrix."""


def draw(measured: Measured) -> "Figure":
    """Draw the matrix, in shares of a class's images; with counts for few classes, with a list of confusions for many."""
    from matplotlib.colors import PowerNorm

    column, found = classes.last(measured)
    row = next(iter(found))
    cell = found[row]
    names, counts = _answered(cell)
    shares = 100 * counts / np.maximum(1, counts.sum(1, keepdims=True))
    if len(names) > NAMED:
        ratios = {"width_ratios": [2, 1]}
        figure, (axes, beside) = style.subplots(1, 2, figsize=(style.WIDTH, 4.9), gridspec_kw=ratios)
        _list(beside, names, counts, shares)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_ylabel(f"class, {len(names)} in the order of the data set")
    else:
        side = 0.42 * len(names) + 1.6 if len(names) <= COUNTED else 0.1 * len(names) + 2
        figure, axes = style.subplots(1, 1, figsize=(min(style.WIDTH, side + 2.2), min(style.WIDTH - 0.8, side + 1)))
        _name(axes, names, counts.sum(1) // len(cell.seeds))
    if len(names) <= COUNTED:
        _count(axes, counts, shares)
    faint = PowerNorm(0.5 if len(names) > NAMED else 1, 0, 100)  # the points of a large matrix are small
    shown = axes.imshow(shares, cmap="Blues", norm=faint, interpolation="nearest")
    figure.colorbar(shown, ax=axes, shrink=0.7, label="% of the images of a class")
    axes.set_xlabel("predicted class")
    letters = int(LETTERS * figure.get_figwidth())
    lines = (textwrap.wrap(line, letters) for line in _title(measured, row, column, cell))
    figure.suptitle("\n".join(part for line in lines for part in line))
    return figure


def told(measured: Measured) -> str:
    """The picture in words: its cell, and the classes with the lowest recalls."""
    _, found = classes.last(measured)
    return f"Confusion matrix. {classes.sentence(measured, next(iter(found)))}."


def _title(measured: Measured, row: str, column: str, cell: ByClass) -> list[str]:
    drawn = f"{len(cell.seeds)} seeds, images summed" if len(cell.seeds) > 1 else "one seed"
    where = f"{row} at {measured.column(column)}, {measured.suite.name} suite, val selection, {drawn}"
    return [measured.exhibit.title, f"{where}; balanced accuracy {classes.value(cell)} %"]


def _answered(cell: ByClass) -> tuple[list[str], np.ndarray]:
    """Names of the classes that have test images or were predicted, and the matrix of these, [C', C']."""
    there = np.flatnonzero(cell.counts.sum(0) + cell.counts.sum(1)).tolist()
    return [cell.names[c] for c in there], cell.counts[np.ix_(there, there)]


def _name(axes: Any, names: list[str], images: np.ndarray) -> None:
    places, short = range(len(names)), [_short(name) for name in names]
    size = 7 if len(names) <= 2 * COUNTED else 5
    axes.set_xticks(places, short, rotation=0 if len(names) <= UPRIGHT else 90, fontsize=size)
    axes.set_yticks(places, [f"{name} ({n})" for name, n in zip(short, images, strict=True)], fontsize=size)
    axes.set_ylabel("class (number of test images)")


def _count(axes: Any, counts: np.ndarray, shares: np.ndarray) -> None:
    """Write the counts into the fields, white on dark ones."""
    for (i, j), count in np.ndenumerate(counts):
        if count:
            axes.text(j, i, str(count), ha="center", va="center", fontsize=7, color="w" if shares[i, j] > 55 else "k")


def _list(axes: Any, names: list[str], counts: np.ndarray, shares: np.ndarray) -> None:
    """List the largest confusions, by the number of images."""
    axes.set_axis_off()
    others = counts.copy()
    np.fill_diagonal(others, 0)
    order = np.argsort(-others, axis=None, kind="stable")[:CONFUSIONS]
    pairs = [divmod(int(place), len(names)) for place in order if others.flat[place]]
    lines = [f"{_short(names[i])} → {_short(names[j])}: {fixed(shares[i, j], 0)} %" for i, j in pairs]
    axes.text(0, 0.5, "\n".join(["most often taken for another:", "", *lines]), va="center", fontsize=6.5)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
