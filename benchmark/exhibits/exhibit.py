"""A table or figure of the paper as data: TOML -> cells -> runs.

A cell merges the keys of the exhibit's `fixed` part, its panel, its column and its row. A cell with a method stands for runs;
a cell without one only cites a published number. Loading an exhibit checks its keys and runs nothing.
"""

import itertools
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources

from benchmark.core.digest import Json, JsonDict
from benchmark.core.dotted import nested
from benchmark.core.errors import BenchError
from benchmark.core.names import choose, meant
from benchmark.exhibits.question import Question
from benchmark.exhibits.run import Run, lacks, make, merge, sees
from benchmark.methods.construct import predictor_class
from benchmark.suites.suite import Suite

RUN_KEYS = ("method", "with", "search", "dataset", "backbone", "shots", "seeds")
READ_KEYS = ("metric", "target", "declares", "mean_over")
SHOW_KEYS = ("name", "cite", "log", "missing", "only")
KEYS = frozenset(RUN_KEYS + READ_KEYS + SHOW_KEYS)
"""Allowed keys of a row, a column, a panel or `fixed`: what to run, which metric to read, how to show it.

search: { lam = [...], "recipe.lr" = [...] }, settings that need a training each. There is one run for every combination and
    one at the method's own settings; every selection picks among them (`benchmark.analysis.results`).
metric: the metric read from the records (`benchmark.records.readings`), instead of the exhibit's.
target: the shift on which the metric is read.
declares: the name of an attribute of the method's class, whose text fills the cell; "sees" for what the method is given.
mean_over: { dataset = [...] }, for a cell that is the mean over these runs.
cite: the row of the file `reference` with the paper's number of the cell.
log: { file = "…", … }, a row of another reference file, with the number logged by the method's official repository, for cells
    that the paper does not print.
missing: the reason to print for a cell without a number.
only: the columns in which a row has cells; its other cells stay empty.
"""


SEES = "sees"
"""Value of `declares` for what a method is given (`benchmark.exhibits.run.sees`)."""


@dataclass(frozen=True)
class Exhibit:
    """One table or figure.

    Attributes:
        id: "table1", "figure3", ...
        title: Title.
        caption: Caption.
        paper: Place in the paper, with a remark where the paper prints no values.
        metric: Metric of the cells that name no other.
        rows: Tables of the TOML file, in its order.
        columns: Tables of the TOML file, in its order; with panels, the product of panels and columns, each with the keys
            `panel` and `short`, the column's name within the panel.
        fixed: Keys of every cell.
        mark: How a figure is drawn: `kind`, axes and their labels.
        reference: File of the paper's numbers, in results/reference/; "" if there is none.
        panels: Values of a third dimension, beside rows and columns; every panel has every column.
        place: Position in the order of the paper; exhibits beyond the paper have the largest.
        row_header: Header of the column of row names.
        rule: Rule that picks rows by their numbers (`benchmark.analysis.feature_rule`).
        beside: Rows of which the first measured is compared with a method of another package after its run.
        options: Options of `bench run` that ask it, where its id does not say them: "--table 4 --dataset mine".
        added: Name of a row that the exhibit's file has not -> its method, as --method takes it.
    """

    id: str
    title: str
    caption: str
    paper: str
    metric: str
    rows: Sequence[Json]
    columns: Sequence[Json]
    fixed: Json = field(default_factory=dict)
    mark: Json = field(default_factory=dict)
    reference: str = ""
    panels: Sequence[Json] = ()
    place: float = 100
    row_header: str = "method"
    rule: Json = field(default_factory=dict)
    beside: Sequence[str] = ()
    options: str = ""
    added: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """The `bench run` command that measures it."""
        return f"bench run {self.asked}"

    @property
    def asked(self) -> str:
        """The options of `bench run` that ask it: "--table 4"."""
        kind = "figure" if self.id.startswith("figure") else "table"
        return self.options or f"--{kind} {self.id.removeprefix(kind)}"

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
                said.update({key: {} for key in ("cite", "log") if key not in row or "declares" in said})
                of_column = Question.from_json(united(base, column))
                yield Cell(row["name"], column["name"], Question.from_json(said), of_column, self.id)

    def by_panel(self) -> dict[str, list[Json]]:
        """Panel -> its columns; {"": all columns} if there are no panels."""
        found: dict[str, list[Json]] = {}
        for column in self.columns:
            found.setdefault(column.get("panel", ""), []).append(column)
        return found


def united(*parts: Json) -> JsonDict:
    """Merge several parts of an exhibit; a later part overrides an earlier one.

    Arguments (`with`) and citations (`cite`, `log`) are merged name by name, but a part with a method discards the arguments
    of the parts before it.

    Args:
        *parts: Tables of the TOML file with the keys in `KEYS`.

    Returns:
        The merged keys, always with `with`, `cite` and `log`.
    """
    said: JsonDict = {}
    for part in parts:
        under = {} if "method" in part else said.get("with", {})
        cited = {key: {**said.get(key, {}), **part.get(key, {})} for key in ("cite", "log")}
        said = {**said, **part, "with": {**under, **part.get("with", {})}, **cited}
    return said


@dataclass(frozen=True)
class Cell:
    """The cell of an exhibit in a row and a column.

    Attributes:
        row: Name of the row.
        column: Name of the column.
        question: Merged keys of `fixed`, panel, column and row.
        of_column: Merged keys without those of the row.
        exhibit: Id of the exhibit.
    """

    row: str
    column: str
    question: Question
    of_column: Question
    exhibit: str = ""

    @property
    def method(self) -> str | None:
        """The method's name; None if the cell only cites a published number."""
        return self.question.method

    @property
    def empty(self) -> bool:
        """Whether the row has no cell in this column."""
        only = self.question.only
        return only is not None and not {self.column, self.of_column.short} & set(only)

    @property
    def declared(self) -> str | None:
        """What the method declares and fills the cell, as text; None for a cell without `declares`."""
        if self.question.declares is None or self.method is None or self.empty or self.recorded:
            return None
        if self.question.declares == SEES:
            return sees(self.method, self.question.arguments or {})
        return str(getattr(predictor_class(self.method), self.question.declares))

    @property
    def recorded(self) -> bool:
        """Whether its runs are those of records, and its method is not imported."""
        return self.question.recorded is not None

    def recorded_runs(self, seeds: Sequence[int]) -> list[list[Run]]:
        """The runs of the records of a row that they alone tell of: one for each part and seed; empty if a part has none."""
        found = [_recalled(part, seeds) for part in self.parts()]
        return found if all(found) else []

    def parts(self) -> list[Question]:
        """Questions of the runs of the cell: one, or one for each combination of `mean_over`."""
        over = self.question.mean_over
        if not over:
            return [self.question]
        combinations = itertools.product(*over.values())
        return [self.question.changed(dict(zip(over, values, strict=True))) for values in combinations]

    def lacks(self, suite: Suite) -> str:
        """One line on a data set, encoder or shift that the cell needs and the suite lacks; "" if it can be run."""
        if self.method is None or self.recorded:
            return ""
        return next(filter(None, (lacks(suite, part) for part in self.parts())), "")

    def groups(self, suite: Suite, seeds: Sequence[int] | None = None) -> list[list[list[Run]]]:
        """Group the runs of this cell by part (`mean_over`) and by settings (`search`).

        Args:
            suite: Suite to run in.
            seeds: Seeds, unless the cell has its own; by default the suite's.

        Returns:
            For each part, a list of groups: the method's own settings first, then the searched ones. A group has one run for
            each seed. Empty if the cell only cites or cannot be run in the suite.
        """
        if self.method is None or self.empty or self.question.declares is not None or self.lacks(suite):
            return []
        chosen = self.question.seeds or seeds or suite.seeds
        if self.recorded:
            return [[runs] for runs in self.recorded_runs(chosen)]
        return [_alternatives(suite, part, chosen) for part in self.parts()]

    def runs(self, suite: Suite, seeds: Sequence[int] | None = None) -> list[Run]:
        """All runs of this cell, over parts, settings and seeds."""
        return [run for part in self.groups(suite, seeds) for group in part for run in group]


def _alternatives(suite: Suite, part: Question, seeds: Sequence[int]) -> list[list[Run]]:
    """Groups of one run for each seed: at the method's own settings, then at each searched combination that differs."""
    own, *others = ([make(suite, question, seed) for seed in seeds] for question in _searched(part))
    return [own, *(group for group in others if group[0].settings != own[0].settings)]


def _recalled(part: Question, seeds: Sequence[int]) -> list[Run]:
    """The runs of the first record on the grid of a question, one for each seed; empty if there is none."""
    grid = {"dataset": part.dataset, "backbone": part.backbone, "shots": part.shots}
    asked = next((asked for asked in part.recorded or () if grid.items() <= asked.items()), None)
    return [] if asked is None else [Run.recalled(asked, seed) for seed in seeds]


def _searched(part: Question) -> list[Question]:
    """The part itself, then a copy with each combination of the settings in its `search`."""
    over, arguments = part.search or {}, part.arguments or {}
    points = itertools.product(*over.values()) if over else ()
    given = (nested(dict(zip(over, point, strict=True))) for point in points)
    return [part, *(replace(part, arguments=merge(arguments, more)) for more in given)]


@cache
def names() -> tuple[str, ...]:
    """Ids of all exhibits, in the order of the paper: "table1", …"""
    files = resources.files(__package__).iterdir()
    found = sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))
    return tuple(sorted(found, key=lambda name: _read(name).place))


def load(name: str) -> Exhibit:
    """Read an exhibit by its id; BenchError with the nearest id if it is unknown, or for a wrong file."""
    choose(name, names(), "exhibit")
    return _read(name)


@cache
def _read(name: str) -> Exhibit:
    return parse(name, resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


def parse(name: str, text: str) -> Exhibit:
    """Parse the text of an exhibit's TOML file; BenchError for an unknown key or a name that occurs twice."""
    try:
        exhibit = Exhibit(id=name, **tomllib.loads(text))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise BenchError(f"exhibits/{name}.toml: {error}") from error
    for part in (exhibit.fixed, *exhibit.rows, *exhibit.columns, *exhibit.panels):
        for key in part:
            choose(key, sorted(KEYS), f"key in exhibits/{name}.toml")
    for row in exhibit.beside:
        choose(row, [part.get("name", "") for part in exhibit.rows], f"row in exhibits/{name}.toml")
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


def _in_panel(panel: Json, column: Json) -> JsonDict:
    """Merge a panel and a column into a column named "panel, column"."""
    names = {"name": f"{panel['name']}, {column['name']}", "panel": panel["name"], "short": column["name"]}
    return {**united(panel, column), **names}


def compares_methods(exhibit: Exhibit) -> bool:
    """Whether the rows of an exhibit name the methods, rather than its columns or `fixed` part."""
    return not any("method" in part for part in (exhibit.fixed, *exhibit.columns))


def with_method(exhibit: Exhibit, method: str) -> Exhibit:
    """Add a row for a method of another package to an exhibit.

    An exhibit whose columns or `fixed` part name the method does not compare methods, and is returned unchanged.

    Args:
        exhibit: Table or figure.
        method: Method, as "package.module:Class".

    Returns:
        The exhibit with a row named by the class, or by the whole name if a row of that name exists.
    """
    if not compares_methods(exhibit):
        return exhibit
    short = method.partition(":")[2]
    taken = any(row["name"] == short for row in exhibit.rows)
    row = {"name": method if taken else short, "method": method}
    return replace(exhibit, rows=[*exhibit.rows, row], added={**exhibit.added, row["name"]: method})


def select(cells: Iterable[Cell], methods: Sequence[str], shots: Sequence[int]) -> list[Cell]:
    """Cells of the given methods (row, class or module:Class, as `meant`) and shots; an empty list selects all."""
    cells = list(cells)
    others = [name for c in cells for name in _aliases(c)]
    methods = [meant(method, dict.fromkeys(c.row for c in cells if c.method), "method", others) for method in methods]
    for shot in shots:
        choose(str(shot), dict.fromkeys(str(c.of_column.shots) for c in cells), "number of shots")
    return [
        c
        for c in cells
        if (not methods or set(_aliases(c)) & set(methods)) and (not shots or c.of_column.shots in shots)
    ]


def _aliases(cell: Cell) -> list[str]:
    if cell.method is None:
        return []
    return [cell.row, cell.method, cell.method.partition(":")[2]]


def unique(runs_: Iterable[Run]) -> list[Run]:
    """Remove repeated runs, which cells may share, and keep the order of first occurrence."""
    return list({run.key: run for run in runs_}.values())
