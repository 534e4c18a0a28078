"""A conclusion of the paper as data: TOML -> claim -> contrasts, whose operands are cells of exhibits and never numbers.

A contrast is an effect of some cells: the difference of two cells, a rank correlation, or the value of the row that a rule
picks less the best other value. Loading a claim checks the row and the column of every operand and measures nothing.
"""

import itertools
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources

from benchmark.analysis.claims import effects
from benchmark.core.digest import Json
from benchmark.core.errors import BenchError
from benchmark.core.names import choose
from benchmark.exhibits import exhibit as exhibit_module
from benchmark.exhibits.naming import column_named
from benchmark.suites.suite import Suite

KINDS = ("superiority", "equivalence", "order", "association", "trend")
"""Kinds of contrasts.

superiority: `left` is above `right` by more than the margin.
equivalence: `left` and `right` differ by no more than the margin.
order: each cell of `best_first` is above the next.
association: two quantities are correlated over some rows, or within one record.
trend: the change of a value along an axis is more than the margin.
"""

QUANTIFIERS = ("all", "most", "any", "mean")
"""Number of a claim's contrasts that must hold; "mean": the mean of the contrasts must hold."""

PLACE = ("row", "column", "metric")
SIDES = ("left", "right", "best_first", "of", "points", "given", "outcome", "superiority", "complementarity")
COMPARE = frozenset(("exhibit", "kind", "margin", "premise", "rule", *PLACE, *SIDES))
"""Allowed keys of a table `[[compare]]`.

row, column, metric: apply to both sides; a list stands for one contrast for each of its members.
premise: whether the claim applies only if this contrast holds.
points: the rows over which an association or a rule is evaluated.
rule: the exhibit whose `[rule]` picks one of the points by `superiority` and `complementarity`, to be judged by `outcome`.
"""


@dataclass(frozen=True)
class Operand:
    """A cell of an exhibit.

    Attributes:
        exhibit, row, column: The cell.
        metric: What is read of its records; "" for the cell's own metric.
        own: The cell itself, in a row that the exhibit's file has not.
    """

    exhibit: str
    row: str
    column: str
    metric: str = ""
    own: exhibit_module.Cell | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Contrast:
    """An effect of some cells.

    Attributes:
        name: Label: "AMU-Tuning against CoOp, 16-shot".
        kind: One of `KINDS`.
        margin: Margin, in the unit of the effect.
        operands: Cells.
        effect: Function from values of the cells [..., operands] to the effect [...].
        premise: Whether the claim applies only if this contrast holds.
    """

    name: str
    kind: str
    margin: float
    operands: tuple[Operand, ...]
    effect: effects.Function
    premise: bool = False

    @property
    def difference(self) -> bool:
        """Whether the effect is the first cell less the second, which may have been measured on the same images."""
        return self.effect is effects.difference


@dataclass(frozen=True)
class Claim:
    """One conclusion of the paper, or a question that the paper does not ask.

    Attributes:
        id: Name of the TOML file.
        quote: The paper's words; "" for a question beyond the paper.
        place: Section, table or figure of the quotation.
        reading: The tested statement, in one sentence.
        kind: Kind of every contrast that names none.
        compare: Tables `[[compare]]` with the keys in `COMPARE`.
        quantifier: One of `QUANTIFIERS`.
        margin: Margin of every contrast that names none, in percentage points or in the unit of its effect.
        note: Remark on printed numbers that disagree with the claim.
        seeds: Number of seeds for which a verdict is expected, if more than the suite's; else 0.
        contrasts: Contrasts of all comparisons.
    """

    id: str
    quote: str
    place: str
    reading: str
    kind: str
    compare: Sequence[Json]
    quantifier: str = "all"
    margin: float = 0.0
    note: str = ""
    seeds: int = 0
    contrasts: tuple[Contrast, ...] = field(default=())

    @property
    def exhibits(self) -> list[str]:
        """Ids of the exhibits with operands of the claim, without repetition."""
        return list(dict.fromkeys(operand.exhibit for c in self.contrasts for operand in c.operands))


@cache
def names() -> tuple[str, ...]:
    """Ids of all claims, in the order of their first exhibits."""
    files = resources.files(__package__).iterdir()
    found = sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))
    return tuple(sorted(found, key=lambda name: exhibit_module.load(_read(name).exhibits[0]).place))


def load(name: str) -> Claim:
    """Read a claim by its id; BenchError with the nearest id if it is unknown, or for a wrong file."""
    return _read(choose(name, names(), "claim"))


@cache
def _read(name: str) -> Claim:
    return parse(name, resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


def parse(name: str, text: str) -> Claim:
    """Parse the text of a claim's TOML file; BenchError if a key, value or operand in it is wrong."""
    file = f"claims/{name}.toml"
    try:
        claim = Claim(**{"id": name, "quote": "", "place": "", **tomllib.loads(text)})
        choose(claim.kind, KINDS, f"kind in {file}")
        choose(claim.quantifier, QUANTIFIERS, f"quantifier in {file}")
        contrasts = tuple(contrast for said in claim.compare for contrast in _contrasts(claim, said, file))
        return Claim(**{**vars(claim), "contrasts": contrasts})
    except (TypeError, ValueError) as error:  # tomllib's error is a ValueError
        raise BenchError(f"{file}: {error}") from error
    except KeyError as error:
        raise BenchError(f"{file}: a comparison of its kind needs {error}") from error


def _contrasts(claim: Claim, said: Json, file: str) -> Iterator[Contrast]:
    for key in said:
        choose(key, sorted(COMPARE), f"key of a comparison in {file}")
    kind = choose(said.get("kind", claim.kind), KINDS, f"kind in {file}")
    rest = kind, float(said.get("margin", claim.margin))
    premise = bool(said.get("premise", False))
    for operands, effect in _operands_and_effect(kind, said, file):
        yield Contrast(label(operands, effect), *rest, tuple(operands), effect, premise)


def _operands_and_effect(kind: str, said: Json, file: str) -> Iterator[tuple[list[Operand], effects.Function]]:
    """Yield operands and effect of each contrast of a comparison."""
    for shared in _each({key: said[key] for key in PLACE if key in said}):

        def cells(part: Json, shared: Json = shared) -> list[Operand]:
            return [_operand(said["exhibit"], {**shared, **place}, file) for place in _each(part)]

        def over(name: str, shared: Json = shared) -> list[Operand]:
            return cells({**said["points"], **said[name]}, shared)

        if "rule" in said:
            columns = [over(name) for name in ("superiority", "complementarity", "outcome")]
            yield list(itertools.chain(*columns)), effects.Picked(said["rule"], [o.row for o in columns[0]])
        elif kind == "order":
            for pair in itertools.pairwise(cell for place in said["best_first"] for cell in cells(place)):
                yield list(pair), effects.difference
        elif "of" in said:
            yield from (([cell], effects.itself) for cell in cells(said["of"]))
        elif kind == "association":
            other, effect = ("given", effects.partial) if "given" in said else ("right", effects.stronger)
            yield list(itertools.chain(*map(over, ("left", other, "outcome")))), effect
        else:
            for left, right in itertools.product(cells(said["left"]), cells(said["right"])):
                yield [left, right], effects.difference


def _each(part: Json) -> Iterator[Json]:
    """Every combination of one member of each list; other values are kept."""
    lists = [value if isinstance(value, list) else [value] for value in part.values()]
    return (dict(zip(part, chosen, strict=True)) for chosen in itertools.product(*lists))


def _operand(name: str, place: Json, file: str) -> Operand:
    """Make an operand; BenchError unless its exhibit has a cell in the row and column."""
    shown = exhibit_module.load(name)
    for key in place:
        choose(key, PLACE, f"key of an operand in {file}")
    operand = Operand(name, **place)
    choose(operand.row, [row["name"] for row in shown.rows], f"row of {name} in {file}")
    choose(operand.column, [column["name"] for column in shown.columns], f"column of {name} in {file}")
    if _cells(name)[operand.row, operand.column].empty:
        raise BenchError(f"{file}: {name} has no cell at {operand.row}, {operand.column}; choose another column")
    return operand


@cache
def _cells(name: str) -> dict[tuple[str, str], exhibit_module.Cell]:
    return {(cell.row, cell.column): cell for cell in exhibit_module.load(name).cells()}


def cell(operand: Operand) -> exhibit_module.Cell:
    """The cell of an exhibit that an operand names."""
    return operand.own or _cells(operand.exhibit)[operand.row, operand.column]


def label(operands: Sequence[Operand], effect: effects.Function, suite: Suite | None = None) -> str:
    """Label of a contrast, first the differing names and then the common one: "AMU-Tuning against CoOp, 16-shot".

    Args:
        operands: Cells of the contrast.
        effect: Its effect.
        suite: Suite that names the data sets in names of columns; None for the names of the exhibits.

    Returns:
        The label.
    """
    rows = [operand.row for operand in operands]
    columns = [_column(operand, suite) for operand in operands]
    if len(operands) == 1:
        return f"{rows[0]}, {columns[0]}"
    if len(operands) > 2:
        return f"{getattr(effect, 'words', '')} over {len(dict.fromkeys(rows))} rows"
    if columns[0] == columns[1]:
        return f"{rows[0]} against {rows[1]}, {columns[0]}"
    if rows[0] == rows[1]:
        return f"{columns[0]} against {columns[1]}, {rows[0]}"
    return f"{rows[0]}, {columns[0]} against {rows[1]}, {columns[1]}"


def _column(operand: Operand, suite: Suite | None) -> str:
    column = next(c for c in exhibit_module.load(operand.exhibit).columns if c["name"] == operand.column)
    return column_named(column, suite) if suite else operand.column


def shown_in(claim: Claim, suite: Suite) -> Claim:
    """The claim with the labels of its contrasts for people, in a suite."""
    contrasts = (replace(c, name=label(c.operands, c.effect, suite)) for c in claim.contrasts)
    return replace(claim, contrasts=tuple(contrasts))
