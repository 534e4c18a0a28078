"""How a row looks, the same in every picture, and what all axes have in common."""

import itertools
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any

from benchmark.analysis.results import Measured

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31")
MARKERS = "osD^vPXh*"
LEVEL = {"color": "0.35", "linestyle": (0, (5, 3)), "marker": ""}
"""A row that does not depend on what the columns vary: a level, not a curve."""


@cache
def _known() -> dict[str, dict[str, Any]]:
    return tomllib.loads(resources.files(__package__).joinpath("styles.toml").read_text("utf-8"))


def styles(measured: Measured) -> dict[str, dict[str, Any]]:
    """Row -> what matplotlib's plot takes: its own look, or the next one that is free."""
    names = [row["name"] for row in measured.exhibit.rows]
    known = {name: look for name, look in _known().items() if name in names}
    taken = {(look["color"], look["marker"]) for look in known.values()}
    free = (look for n in itertools.count() if ((look := _numbered(n))["color"], look["marker"]) not in taken)
    return {name: {"label": name, **(_named(known[name]) if name in known else next(free))} for name in names}


def _named(look: dict[str, Any]) -> dict[str, Any]:
    dashes = look.get("dashes")
    line = (0, tuple(dashes)) if dashes else "-"
    return {"color": look["color"], "marker": look["marker"], "linestyle": line, "markersize": 5}


def _numbered(number: int) -> dict[str, Any]:
    """The looks that no method has, one after another: colours and markers in turn, dashed from the ninth on."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": "-" if number < len(COLOURS) else "--",
        "markersize": 5,
    }


def subplots(*shape: int, **settings: Any) -> tuple[Any, Any]:
    """A figure and its axes, drawn without a screen, laid out so that nothing lies over anything."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["text.parse_math"] = False  # a name with dollar signs is a name, no formula
    return plt.subplots(*shape, layout="constrained", **settings)


def plain(axes: Any) -> None:
    """A light grid and no box."""
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def not_below_zero(shown: Sequence[float], limits: Callable[[], Any], set_limits: Callable[..., Any]) -> None:
    """A scale of numbers that are all positive begins at zero at the lowest, whatever room is left around them."""
    if min(shown) >= 0 and limits()[0] < 0:
        set_limits(0, limits()[1])


def title(measured: Measured, words: str = "val selection, 95 % intervals") -> str:
    """What stands over a picture: the exhibit, the suite, the conditions."""
    return f"{measured.exhibit.title}\n{measured.suite.name} suite, {words}"


def legend(figure: Any, handles: dict[str, Any], below: bool = False) -> None:
    """One legend for all panels, beside them, or below them in lines of at most eight; never over a line."""
    place = {"loc": "outside lower center", "ncols": min(8, len(handles))} if below else {"loc": "outside right upper"}
    if handles:
        figure.legend(handles.values(), handles.keys(), frameon=False, fontsize=9, **place)


def nothing(axes: Any, words: str = "nothing measured yet") -> None:
    """An empty panel says so, and has no scale."""
    axes.set_xticks([])
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color="0.4", fontsize=9)
