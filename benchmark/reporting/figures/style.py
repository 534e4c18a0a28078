"""Style of the figures: colours and markers of the rows, equal in all figures, and common settings of the axes."""

import itertools
import textwrap
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from benchmark.analysis import remarks
from benchmark.analysis.results import Measured
from benchmark.core.digest import JsonDict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31")
MARKERS = "osD^vPXh*"
WIDEST = 72
"""Largest number of letters in a line of a title that names cells."""
LEVEL = {"color": "0.35", "linestyle": (0, (5, 3)), "marker": ""}
"""Style of a row that does not depend on the variable of the columns, drawn as a level line."""


@cache
def _known() -> dict[str, JsonDict]:
    return tomllib.loads(resources.files(__package__).joinpath("styles.toml").read_text("utf-8"))


def styles(measured: Measured) -> dict[str, JsonDict]:
    """Keyword arguments of matplotlib's `plot` for each row: by styles.toml, else the next free colour and marker."""
    names = [row["name"] for row in measured.exhibit.rows]
    known = {name: look for name, look in _known().items() if name in names}
    taken = {(look["color"], look["marker"]) for look in known.values()}
    free = (look for n in itertools.count() if ((look := _numbered(n))["color"], look["marker"]) not in taken)
    return {name: {"label": name, **(_named(known[name]) if name in known else next(free))} for name in names}


def _named(look: JsonDict) -> JsonDict:
    dashes = look.get("dashes")
    line = (0, tuple(dashes)) if dashes else "-"
    return {"color": look["color"], "marker": look["marker"], "linestyle": line, "markersize": 5}


def _numbered(number: int) -> JsonDict:
    """Style number `number`: colours and markers in turn, dashed from the ninth style on."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": "-" if number < len(COLOURS) else "--",
        "markersize": 5,
    }


def subplots(*shape: int, **settings: Any) -> tuple[Any, Any]:
    """A figure and its axes, for drawing without a display, with constrained layout."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["text.parse_math"] = False  # dollar signs in names do not start a formula
    return plt.subplots(*shape, layout="constrained", **settings)


def plain(axes: "Axes") -> None:
    """Style axes with a light grid and without top and right spines."""
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def not_below_zero(shown: Sequence[float], limits: Callable[[], Any], set_limits: Callable[..., Any]) -> None:
    """Raise a negative lower limit of an axis to 0 if all data are non-negative.

    Args:
        shown: range of the data.
        limits: getter of the limits of the axis.
        set_limits: setter of the limits of the axis.
    """
    if min(shown) >= 0 and limits()[0] < 0:
        set_limits(0, limits()[1])


def title(measured: Measured, words: str = "val selection, 95 % intervals") -> str:
    """The title of a figure: title of the exhibit, name of the suite, conditions, and remarks on images."""
    odd = [f"measured on {measured.other_sizes}"] if measured.other_sizes else []
    told = [
        part
        for line in (*remarks.on_seeds(measured), *remarks.on_images(measured))
        for part in textwrap.wrap(line, WIDEST)
    ]
    return "\n".join([measured.exhibit.title, f"{measured.suite.name} suite, {words}", *odd, *told])


def legend(figure: "Figure", handles: JsonDict, below: bool = False) -> None:
    """Draw one legend for all panels, to the right of them, or below them in at most eight columns."""
    place = {"loc": "outside lower center", "ncols": min(8, len(handles))} if below else {"loc": "outside right upper"}
    if handles:
        figure.legend(handles.values(), handles.keys(), frameon=False, fontsize=9, **place)


def nothing(axes: "Axes", words: str = "nothing measured yet") -> None:
    """Write `words` into an empty panel and remove its x ticks."""
    axes.set_xticks([])
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color="0.4", fontsize=9)
