"""Names for people: of a column in a suite, of a method, and of a run.

Exhibits, options and records name data sets by their roles in the paper, and methods by their classes. What is printed names
the data set that a suite puts in a role, and a method by its row.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from benchmark.core.digest import Json
from benchmark.core.dotted import flat
from benchmark.core.text import counted
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Cell, Exhibit
from benchmark.exhibits.run import Run
from benchmark.suites.suite import Suite

METHODS = "table4"
"""The exhibit whose rows name the methods."""

TELLING = ("method", "with", "backbone")
"""Keys of a column by which its runs differ from those of other columns, besides data set and shots."""


def column_named(column: Json, suite: Suite) -> str:
    """A column of an exhibit in a suite, after its panel: "digits (scikit-learn), 1-shot"."""
    short = column.get("short", column["name"])
    return ", ".join(suite.named(part) for part in (column.get("panel"), short) if part)


def methods() -> frozenset[str]:
    """Methods that exhibits name; of others, a record's word is no reason to import them."""
    return _methods(exhibit.names())


@cache
def _methods(names: Sequence[str]) -> frozenset[str]:
    shown = [exhibit.load(name) for name in names]
    parts = (part for one in shown for part in (one.fixed, *one.columns, *one.rows))
    return frozenset(part["method"] for part in parts if "method" in part)


def method_named(method: str, other: str = "") -> str:
    """A method, "package.module:Class", by the row that an exhibit has for it, or else by `other`, by default its class."""
    return _rows(exhibit.names()).get(method) or other or method.partition(":")[2]


@cache
def _rows(names: Sequence[str]) -> Mapping[str, str]:
    """Method -> its row in the first exhibit that has just one for it, `METHODS` before the others."""
    found: dict[str, str] = {}
    for name in sorted(names, key=lambda name: name != METHODS):
        rows = [(row["method"], row["name"]) for row in exhibit.load(name).rows if "method" in row]
        count = Counter(method for method, _ in rows)
        found = {**{method: row for method, row in rows if count[method] == 1}, **found}
    return found


def shown_in(shown: Exhibit, suite: Suite) -> Exhibit:
    """The exhibit with panels and short names of columns as the suite names its data sets; names of columns stay."""
    return replace(shown, columns=[_shown(column, suite) for column in shown.columns])


def _shown(column: Json, suite: Suite) -> Json:
    panel = {"panel": suite.named(column["panel"])} if "panel" in column else {}
    return {**column, **panel, "short": suite.named(column.get("short", column["name"]))}


def run_named(run: Run, cell: Cell, shown: Exhibit, suite: Suite) -> str:
    """A run by a cell that asks for it: "CaFo*, source (rendered), 16 shots, seed 1".

    Args:
        run: One of the cell's runs.
        cell: Cell of the exhibit.
        shown: The exhibit.
        suite: Suite of the run.

    Returns:
        The row, before it the method where the row is a part or a setting of it, after it the column where that says which
        method or backbone; then the data set, the shots and the seed.
    """
    words = suite.named(run.dataset), counted(run.shots, "shot"), f"seed {run.seed}"
    return ", ".join([*_subject(run, cell, shown), *words])


def _subject(run: Run, cell: Cell, shown: Exhibit) -> Iterable[str]:
    """The words for what is fitted, which tell a cell's runs from those of the exhibit's other cells."""
    if cell.of_column.method is not None:
        yield method_named(run.method)
    row = _part(shown.rows, cell.row)
    header = "" if "method" in row or shown.row_header == "method" else f"{shown.row_header} "
    searched = [f"{name} {flat(run.settings)[name]}" for name in cell.question.search or ()]
    yield f"{header}{cell.row}" + (f" ({', '.join(searched)})" if searched else "")
    column = _part(shown.columns, cell.column)
    if any(column.get(key) for key in TELLING):
        yield column.get("short", column["name"])


def _part(parts: Sequence[Json], name: str) -> Json:
    return next(part for part in parts if part["name"] == name)
