"""A table or figure of the paper as data: TOML -> cells -> runs.

A cell is what the exhibit fixes, united with its column and its row. Where the union names a method it is a run, where
not it only cites. Loading an exhibit binds every parameter to the constructor it is meant for: nothing runs for that.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from benchmark import run as runs
from benchmark.errors import BenchError
from benchmark.names import choose
from benchmark.run import Run
from benchmark.suite import Suite

KEYS = frozenset({"name", "method", "with", "dataset", "backbone", "shots", "seeds", "cite", "missing", "note", "x"})
"""What a row, a column or `fixed` may say."""


@dataclass(frozen=True)
class Exhibit:
    """One table or figure. `rows` and `columns` are the dictionaries of the TOML file, in its order."""

    id: str
    title: str
    caption: str
    paper: str
    metric: str
    rows: Sequence[Mapping[str, Any]]
    columns: Sequence[Mapping[str, Any]]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    mark: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""

    def cells(self) -> Iterator["Cell"]:
        """Every cell, row by row."""
        for row in self.rows:
            for column in self.columns:
                cite = {**column.get("cite", {}), **row.get("cite", {})} if "cite" in row else {}
                yield Cell(row["name"], column["name"], {**self.fixed, **column, **row, "cite": cite}, column)


@dataclass(frozen=True)
class Cell:
    """Where a row and a column meet. `said` is the union; `column_said` the column alone, for the picture's x."""

    row: str
    column: str
    said: Mapping[str, Any]
    column_said: Mapping[str, Any]

    @property
    def method(self) -> str | None:
        """The method's name, or None where the cell only cites."""
        return self.said.get("method")

    def runs(self, suite: Suite, seeds: Sequence[int] | None = None) -> list[Run]:
        """The runs of this cell, one a seed; none where it only cites."""
        if self.method is None:
            return []
        chosen = self.said.get("seeds") or seeds or suite.seeds
        return [runs.make(suite, self.said, seed) for seed in chosen]


def names() -> list[str]:
    """The exhibits that there are: table4, …"""
    files = resources.files("benchmark").joinpath("exhibits").iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def load(name: str) -> Exhibit:
    """Read one exhibit by its id; BenchError names the nearest one, or what is wrong in the file."""
    choose(name, names(), "exhibit")
    text = resources.files("benchmark").joinpath("exhibits", f"{name}.toml").read_text("utf-8")
    return parse(name, text)


def parse(name: str, text: str) -> Exhibit:
    """An exhibit from the text of its TOML file."""
    try:
        exhibit = Exhibit(id=name, **tomllib.loads(text))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise BenchError(f"exhibits/{name}.toml: {error}") from error
    for part in (exhibit.fixed, *exhibit.rows, *exhibit.columns):
        for key in part:
            choose(key, sorted(KEYS), f"key in exhibits/{name}.toml")
    for kind, parts in (("row", exhibit.rows), ("column", exhibit.columns)):
        called = [part.get("name") for part in parts]
        if None in called or len(set(called)) < len(called):
            raise BenchError(f"exhibits/{name}.toml: every {kind} needs a name of its own")
    return exhibit


def with_method(exhibit: Exhibit, method: str) -> Exhibit:
    """The exhibit with one more row: a method from anybody's package, as `package.module:Class`."""
    short = method.partition(":")[2]
    taken = any(row["name"] == short for row in exhibit.rows)
    row = {"name": method if taken else short, "method": method}
    return Exhibit(**{**exhibit.__dict__, "rows": [*exhibit.rows, row]})


def select(cells: Iterable[Cell], methods: Sequence[str], shots: Sequence[int]) -> list[Cell]:
    """The cells of the named methods (row name, class name or module:Class) and shots; all where none is named."""
    cells = list(cells)
    for method in methods:
        choose(method, dict.fromkeys(name for c in cells for name in _aliases(c)), "method")
    for shot in shots:
        choose(str(shot), dict.fromkeys(str(c.column_said.get("shots")) for c in cells), "number of shots")
    return [
        c
        for c in cells
        if (not methods or set(_aliases(c)) & set(methods)) and (not shots or c.column_said.get("shots") in shots)
    ]


def _aliases(cell: Cell) -> list[str]:
    if cell.method is None:
        return []
    return [cell.row, cell.method, cell.method.partition(":")[2]]


def unique(runs_: Iterable[Run]) -> list[Run]:
    """Each run once, in the order of first mention: what two cells share is made once."""
    return list({run.key: run for run in runs_}.values())
