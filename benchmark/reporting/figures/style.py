"""Style of the figures: colours and markers of the rows, equal in all figures, and common settings of the axes."""

import itertools
import textwrap
import tomllib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from benchmark.analysis import remarks
from benchmark.analysis.results import Measured
from benchmark.core.digest import JsonDict
from benchmark.core.text import and_counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31")
MARKERS = "osD^vPXh*"
DASHES = ("-", (0, (4, 1.5)), (0, (1.5, 1)))
PLAIN = {"linewidth": 1.1, "markersize": 4.0, "zorder": 2.0}
STRONG = {"linewidth": 2.0, "markersize": 5.0, "zorder": 3.0}
"""Line of the row that a figure is about, thicker and above the others."""
WIDEST = 100
"""Largest number of letters in a line of a title or of a legend."""
LEVEL = {"color": "0.35", "linestyle": (0, (5, 3)), "marker": ""}
"""Style of a row that does not depend on the variable of the columns, drawn as a level line."""
WIDTH = 7.2
"""Width of a figure in inches, two columns of a paper, so that letters are printed at the size that is set here."""
NAMED = 4
"""Largest number of rows that a title names as not measured; of more rows, it gives the number."""
SETTINGS = {
    "text.parse_math": False,  # dollar signs in names do not start a formula
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "figure.titlesize": 9,
    "svg.fonttype": "none",  # letters, not their outlines
    "pdf.fonttype": 42,  # TrueType, which publishers ask for
    "svg.hashsalt": "amu-bench",  # the same file for the same figure
}


@cache
def _known() -> dict[str, JsonDict]:
    return tomllib.loads(resources.files(__package__).joinpath("styles.toml").read_text("utf-8"))


def styles(measured: Measured, lines: Iterable[str] | None = None) -> dict[str, JsonDict]:
    """Choose how each line of a figure looks.

    Args:
        measured: the exhibit.
        lines: names of the lines, by default of the exhibit's rows.

    Returns:
        Name -> keyword arguments of matplotlib's `plot`: by styles.toml, else the next colour and marker, free ones first,
        and never the colour of the row that the figure is about.
    """
    names = [row["name"] for row in measured.exhibit.rows] if lines is None else list(lines)
    known = {name: look for name, look in _known().items() if name in names}
    taken = {look[key] for look in known.values() for key in ("color", "marker")}
    subject = {look["color"] for look in known.values() if look.get("strong")}
    colours = sorted((c for c in COLOURS if c not in subject), key=taken.__contains__)
    markers = sorted(MARKERS, key=taken.__contains__)
    new = (_numbered(n, colours, markers) for n in itertools.count())
    return {name: {"label": name, **(_named(known[name]) if name in known else next(new))} for name in names}


def _named(look: JsonDict) -> JsonDict:
    dashes = look.get("dashes")
    drawn = STRONG if look.get("strong") else PLAIN
    return {
        "color": look["color"],
        "marker": look["marker"],
        "linestyle": (0, tuple(dashes)) if dashes else "-",
        **drawn,
    }


def _numbered(number: int, colours: Sequence[str], markers: Sequence[str]) -> JsonDict:
    """Style number `number`: colours, markers and dashes in turn."""
    return {
        "color": colours[number % len(colours)],
        "marker": markers[number % len(markers)],
        "linestyle": DASHES[(number + number // len(colours)) % len(DASHES)],
        **PLAIN,
    }


def strong(look: JsonDict) -> bool:
    """Whether a row is the one that its figure is about."""
    return bool(look["zorder"] == STRONG["zorder"])


def settings() -> AbstractContextManager[None]:
    """The context in which figures are drawn and saved: `SETTINGS`, which leave those of the process as they are."""
    import matplotlib

    return matplotlib.rc_context(SETTINGS)


def subplots(*shape: int, figsize: tuple[float, float] | None = None, **arranged: Any) -> tuple[Any, Any]:
    """A figure and its axes with constrained layout, without pyplot, so that a notebook keeps its display of figures."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=figsize, layout="constrained")
    return figure, figure.subplots(*shape, **arranged)


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


def seeds(measured: Measured, row: str, column: str) -> int:
    """Number of draws of the support set that a cell is the mean of; 0 for one without a support set."""
    return len({record.seed for record in measured.records.get((row, column), ()) if record.shots})


def most_seeds(measured: Measured) -> int:
    """The largest number of seeds of a cell."""
    return max((seeds(measured, row.row, row.column) for row in measured.rows), default=0)


def fewer(measured: Measured, row: str, column: str) -> bool:
    """Whether a cell has fewer seeds than others of its figure, so that its point is hollow."""
    return 0 < seeds(measured, row, column) < most_seeds(measured)


def seeds_in_words(measured: Measured, columns: Iterable[str] = ()) -> str:
    """Numbers of seeds of the measured cells, of the named columns or of all: "3 seeds", "1 or 3 seeds", ""."""
    wanted = set(columns) or {row.column for row in measured.rows}
    counts = {seeds(measured, row.row, row.column) for row in measured.rows if row.column in wanted} - {0}
    return and_counted(counts, "seed")


def has_number(measured: Measured, row: str, columns: Iterable[str] = ()) -> bool:
    """Whether a row has a number, in one of the named columns or in any."""
    wanted = set(columns) or {cell.column for cell in measured.rows}
    return any(cell.row == row and cell.column in wanted and cell.mean is not None for cell in measured.rows)


def title(
    measured: Measured, words: str = "val selection, 95 % intervals", more: str = "", hollow: bool = False
) -> str:
    """The title of a figure: title of the exhibit, suite, conditions, rows that are left out, and remarks on images.

    Args:
        measured: the exhibit.
        words: conditions of the measurement.
        more: what else is to know of the figure.
        hollow: whether the figure draws points of fewer seeds than the most as hollow ones.

    Returns:
        The title, in several lines.
    """
    drawn = seeds_in_words(measured)
    few = f" (hollow: fewer than {most_seeds(measured)})" if hollow and " or " in drawn else ""
    said = "; ".join(
        filter(None, [", ".join(filter(None, [f"{measured.suite.name} suite", words, drawn + few])), more])
    )
    odd = [f"measured on {measured.other_sizes}"] if measured.other_sizes else []
    told = [
        part for line in [*_left_out(measured), *remarks.on_images(measured)] for part in textwrap.wrap(line, WIDEST)
    ]
    return "\n".join([measured.exhibit.title, *textwrap.wrap(said, WIDEST), *odd, *told])


def _left_out(measured: Measured) -> list[str]:
    """The words on rows without a number; none where no row has one."""
    names = [row["name"] for row in measured.exhibit.rows]
    without = [name for name in names if not has_number(measured, name)]
    if not without or without == names:
        return []
    listed = ", ".join(without) if len(without) <= NAMED else f"{len(without)} of {len(names)} rows"
    return [f"not measured: {listed}"]


def legend(figure: "Figure", handles: JsonDict) -> None:
    """Draw one legend below all panels, in as many columns as fit."""
    if handles:
        fit = max(1, WIDEST // (6 + max(map(len, handles))))
        named = handles.values(), handles.keys()
        figure.legend(*named, frameon=False, loc="outside lower center", ncols=min(fit, len(handles)))


def nothing(axes: "Axes", words: str = "nothing measured yet") -> None:
    """Write `words` into an empty panel and remove its x ticks."""
    axes.set_xticks([])
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color="0.4")
