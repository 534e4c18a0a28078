"""A table or figure of the paper as data: TOML -> cells -> runs.

A cell is what the exhibit fixes, united with its panel, its column and its row. Where the union names a method it is a
run, where not it only cites. Loading an exhibit binds every parameter to the constructor it is meant for: nothing runs
for that.
"""

import itertools
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from typing import Any

from benchmark.core.errors import BenchError
from benchmark.core.names import choose
from benchmark.exhibits import run as run_module
from benchmark.exhibits.run import Run
from benchmark.methods.construct import predictor_class
from benchmark.suites.suite import Suite

RUN_KEYS = ("method", "with", "search", "dataset", "backbone", "shots", "seeds")
READ_KEYS = ("metric", "target", "declares", "mean_over")
SHOW_KEYS = ("name", "cite", "log", "missing", "only")
KEYS = frozenset(RUN_KEYS + READ_KEYS + SHOW_KEYS)
"""What a row, a column, a panel or `fixed` may say: what to run, what to read of it, how to show it.

search: { lam = [...] }, settings that need a training each: one run a combination and one at the method's own, and every
selection picks among them (`benchmark.analysis.results`).
metric: what is read of the records (benchmark.records.readings), instead of the exhibit's.
target: on which shift it is read.
declares: the cell is a text, this attribute of the method's class.  mean_over: { dataset = [...] }, the cell is the mean
of that many runs.  cite: the row of `reference` that is the cell's printed number.  log: { file = "…", … }, a row of another
file there, of what the method's own repository logged, where the paper prints nothing.  only: the columns in which a row has
cells; the others stay empty.
"""


@dataclass(frozen=True)
class Exhibit:
    """One table or figure. `rows` and `columns` are the dictionaries of the TOML file, in its order.

    panels: a third thing that varies. Every panel has every column, so that `columns` is then their product, each
    with the `panel` it belongs to and its `short` name there.
    place: where the paper has it among its exhibits; what is beyond the paper comes last.
    row_header: what the rows are.
    rule: a rule that picks rows by their numbers (`benchmark.analysis.feature_rule`).
    """

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
    panels: Sequence[Mapping[str, Any]] = ()
    place: float = 100
    row_header: str = "method"
    rule: Mapping[str, Any] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """What to type to measure it."""
        kind = "figure" if self.id.startswith("figure") else "table"
        return f"bench run --{kind} {self.id.removeprefix(kind)}"

    def cells(self) -> Iterator["Cell"]:
        """Every cell, row by row."""
        return iter(self._cells)

    @cached_property
    def _cells(self) -> Sequence["Cell"]:
        return tuple(self._made())

    def _made(self) -> Iterator["Cell"]:
        base = {"metric": self.metric, **self.fixed}
        for row in self.rows:
            for column in self.columns:
                said = united(base, column, row)
                said.update({key: {} for key in ("cite", "log") if key not in row})
                yield Cell(row["name"], column["name"], said, united(base, column), self.id)

    def by_panel(self) -> dict[str, list[Mapping[str, Any]]]:
        """Panel -> its columns; everything under "" where there are no panels."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for column in self.columns:
            found.setdefault(column.get("panel", ""), []).append(column)
        return found


def united(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """What several parts say together: the later wins.

    Arguments (`with`) and citations (`cite`, `log`) are united name by name; a part that names a method begins its arguments
    anew.
    """
    said: dict[str, Any] = {}
    for part in parts:
        under = {} if "method" in part else said.get("with", {})
        cited = {key: {**said.get(key, {}), **part.get(key, {})} for key in ("cite", "log")}
        said = {**said, **part, "with": {**under, **part.get("with", {})}, **cited}
    return said


@dataclass(frozen=True)
class Cell:
    """Where a row and a column of an exhibit meet. `said` is the union; `column_said` what it would be without the row."""

    row: str
    column: str
    said: Mapping[str, Any]
    column_said: Mapping[str, Any]
    exhibit: str = ""

    @property
    def method(self) -> str | None:
        """The method's name, or None where the cell only cites."""
        return self.said.get("method")

    @property
    def empty(self) -> bool:
        """Whether the row has no cell in this column."""
        short = self.column_said.get("short", self.column)
        return "only" in self.said and not {self.column, short} & set(self.said["only"])

    @property
    def declared(self) -> str | None:
        """The text of a cell that only says what the method's class declares."""
        if "declares" not in self.said or self.method is None or self.empty:
            return None
        return str(getattr(predictor_class(self.method), self.said["declares"]))

    def parts(self) -> list[Mapping[str, Any]]:
        """What is asked for: one question, or one for each of those the cell is the mean of."""
        over = self.said.get("mean_over", {})
        return [{**self.said, **dict(zip(over, values, strict=True))} for values in itertools.product(*over.values())]

    def lacks(self, suite: Suite) -> str:
        """What the cell needs and the suite has not, in words; empty where it can be run."""
        if self.method is None:
            return ""
        return next(filter(None, (run_module.lacks(suite, part) for part in self.parts())), "")

    def groups(self, suite: Suite, seeds: Sequence[int] | None = None) -> list[list[list[Run]]]:
        """The runs of this cell: for each part, for the method's own settings and then all that are searched, one a seed.

        None where it only cites or cannot be run.
        """
        if self.method is None or self.empty or "declares" in self.said or self.lacks(suite):
            return []
        chosen = self.said.get("seeds") or seeds or suite.seeds
        return [_alternatives(suite, part, chosen) for part in self.parts()]

    def runs(self, suite: Suite, seeds: Sequence[int] | None = None) -> list[Run]:
        """All runs of this cell, each once."""
        return [run for part in self.groups(suite, seeds) for group in part for run in group]


def _alternatives(suite: Suite, part: Mapping[str, Any], seeds: Sequence[int]) -> list[list[Run]]:
    """One run a seed at the method's own settings, and at each of those searched that are other ones."""
    own, *others = ([run_module.make(suite, question, seed) for seed in seeds] for question in _searched(part))
    return [own, *(group for group in others if group[0].settings != own[0].settings)]


def _searched(part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The question itself, and one for each combination of the settings that its `search` lists."""
    over = part.get("search", {})
    points = itertools.product(*over.values()) if over else ()
    return [part, *({**part, "with": {**part["with"], **dict(zip(over, point, strict=True))}} for point in points)]


@cache
def names() -> tuple[str, ...]:
    """The exhibits that there are, in the paper's order: table1, …"""
    files = resources.files(__package__).iterdir()
    found = sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))
    return tuple(sorted(found, key=lambda name: _read(name).place))


def load(name: str) -> Exhibit:
    """Read one exhibit by its id; BenchError names the nearest one, or what is wrong in the file."""
    choose(name, names(), "exhibit")
    return _read(name)


@cache
def _read(name: str) -> Exhibit:
    return parse(name, resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


def parse(name: str, text: str) -> Exhibit:
    """An exhibit from the text of its TOML file."""
    try:
        exhibit = Exhibit(id=name, **tomllib.loads(text))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise BenchError(f"exhibits/{name}.toml: {error}") from error
    for part in (exhibit.fixed, *exhibit.rows, *exhibit.columns, *exhibit.panels):
        for key in part:
            choose(key, sorted(KEYS), f"key in exhibits/{name}.toml")
    for kind, parts in (("row", exhibit.rows), ("column", exhibit.columns), ("panel", exhibit.panels)):
        called = [part.get("name") for part in parts]
        if None in called or len(set(called)) < len(called):
            raise BenchError(f"exhibits/{name}.toml: every {kind} needs a name of its own")
    return replace(
        exhibit,
        columns=[_in_panel(*both) for both in itertools.product(exhibit.panels, exhibit.columns)]
        if exhibit.panels
        else exhibit.columns,
    )


def _in_panel(panel: Mapping[str, Any], column: Mapping[str, Any]) -> dict[str, Any]:
    """A column of a panel: both united, named "panel, column"."""
    names = {"name": f"{panel['name']}, {column['name']}", "panel": panel["name"], "short": column["name"]}
    return {**united(panel, column), **names}


def with_method(exhibit: Exhibit, method: str) -> Exhibit:
    """The exhibit with one more row: a method from anybody's package, as `package.module:Class`.

    An exhibit whose columns or fixed part name the method compares something else than methods, and stays as it is.
    """
    if any("method" in part for part in (exhibit.fixed, *exhibit.columns)):
        return exhibit
    short = method.partition(":")[2]
    taken = any(row["name"] == short for row in exhibit.rows)
    row = {"name": method if taken else short, "method": method}
    return replace(exhibit, rows=[*exhibit.rows, row])


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
