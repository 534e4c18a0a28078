"""A conclusion of the paper as data: TOML -> claim -> contrasts. Operands are cells of exhibits, never numbers.

A contrast is an effect of some cells: the difference of two, a rank correlation, what a rule picks less the best of the
rest. Loading a claim binds every operand to a row and a column of its exhibit: nothing is measured for that.
"""

import itertools
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from benchmark.analysis.claims import effects
from benchmark.core.errors import BenchError
from benchmark.core.names import choose
from benchmark.exhibits import exhibit as exhibit_module

KINDS = ("superiority", "equivalence", "order", "association", "trend")
"""superiority: left is above right by more than the margin.  equivalence: they differ by no more than the margin.
order: each of `best_first` is above the next.  association: numbers go together over some rows, or within one record.
trend: how far a number moves along an axis is more than the margin."""

QUANTIFIERS = ("all", "most", "any", "mean")
"""Which of a claim's contrasts must hold; "mean": their mean does."""

PLACE = ("row", "column", "metric")
SIDES = ("left", "right", "best_first", "of", "points", "given", "outcome", "superiority", "complementarity")
COMPARE = frozenset(("exhibit", "kind", "margin", "premise", "rule", *PLACE, *SIDES))
"""What a `[[compare]]` may say. row, column and metric stand for both sides; a list for each of its members in turn.

premise: the claim says nothing where this does not hold.  points: the rows that an association or a rule runs over.
rule: the exhibit whose `[rule]` picks among the points by `superiority` and `complementarity`; `outcome` judges it.
"""


@dataclass(frozen=True)
class Operand:
    """A cell of an exhibit; metric: what is read of its records, where it is not what the cell shows."""

    exhibit: str
    row: str
    column: str
    metric: str = ""


@dataclass(frozen=True)
class Contrast:
    """An effect of cells. effect: values [..., operands] -> [...].  difference: it is the first less the second."""

    name: str
    kind: str
    margin: float
    operands: tuple[Operand, ...]
    effect: Callable[..., Any]
    premise: bool = False

    @property
    def difference(self) -> bool:
        """Whether it compares two cells, which may have been measured on the same images."""
        return self.effect is effects.difference


@dataclass(frozen=True)
class Claim:
    """One conclusion.

    quote and place: the paper's words, and where they stand.  reading: what is tested, in a sentence.  margin: of every
    contrast that gives none, in points or in the unit of its effect.  note: where the printed numbers themselves disagree.
    seeds: how many it takes for a verdict to be expected, where that is more than a suite's own.
    """

    id: str
    quote: str
    place: str
    reading: str
    kind: str
    compare: Sequence[Mapping[str, Any]]
    quantifier: str = "all"
    margin: float = 0.0
    note: str = ""
    seeds: int = 0
    contrasts: tuple[Contrast, ...] = field(default=())

    @property
    def exhibits(self) -> list[str]:
        """The exhibits that its operands are cells of, each once."""
        return list(dict.fromkeys(operand.exhibit for c in self.contrasts for operand in c.operands))


@cache
def names() -> tuple[str, ...]:
    """The claims that there are, in the order of the exhibits that they rest on."""
    files = resources.files(__package__).iterdir()
    found = sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))
    return tuple(sorted(found, key=lambda name: exhibit_module.load(_read(name).exhibits[0]).place))


def load(name: str) -> Claim:
    """Read one claim by its id; BenchError names the nearest one, or what is wrong in the file."""
    return _read(choose(name, names(), "claim"))


@cache
def _read(name: str) -> Claim:
    return parse(name, resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


def parse(name: str, text: str) -> Claim:
    """A claim from the text of its TOML file."""
    file = f"claims/{name}.toml"
    try:
        claim = Claim(id=name, **tomllib.loads(text))
        choose(claim.kind, KINDS, f"kind in {file}")
        choose(claim.quantifier, QUANTIFIERS, f"quantifier in {file}")
        contrasts = tuple(contrast for said in claim.compare for contrast in _contrasts(claim, said, file))
        return Claim(**{**vars(claim), "contrasts": contrasts})
    except (TypeError, ValueError) as error:  # of which tomllib's is one
        raise BenchError(f"{file}: {error}") from error
    except KeyError as error:
        raise BenchError(f"{file}: a comparison of its kind needs {error}") from error


def _contrasts(claim: Claim, said: Mapping[str, Any], file: str) -> Iterator[Contrast]:
    for key in said:
        choose(key, sorted(COMPARE), f"key of a comparison in {file}")
    kind = choose(said.get("kind", claim.kind), KINDS, f"kind in {file}")
    rest = kind, float(said.get("margin", claim.margin))
    premise = bool(said.get("premise", False))
    for operands, effect in _bound(kind, said, file):
        yield Contrast(_named(operands, effect), *rest, tuple(operands), effect, premise)


def _bound(kind: str, said: Mapping[str, Any], file: str) -> Iterator[tuple[list[Operand], Callable[..., Any]]]:
    """The operands of each contrast that a comparison stands for, and the effect of their values."""
    for shared in _each({key: said[key] for key in PLACE if key in said}):

        def cells(part: Mapping[str, Any], shared: Mapping[str, Any] = shared) -> list[Operand]:
            return [_operand(said["exhibit"], {**shared, **place}, file) for place in _each(part)]

        def over(name: str, shared: Mapping[str, Any] = shared) -> list[Operand]:
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


def _each(part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every choice of one member of each list."""
    lists = [value if isinstance(value, list) else [value] for value in part.values()]
    return (dict(zip(part, chosen, strict=True)) for chosen in itertools.product(*lists))


def _operand(name: str, place: Mapping[str, Any], file: str) -> Operand:
    """One cell; BenchError unless its exhibit has such a row and column, and the row a cell there."""
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
    """The exhibit's cell that an operand is."""
    return _cells(operand.exhibit)[operand.row, operand.column]


def _named(operands: Sequence[Operand], effect: Callable[..., Any]) -> str:
    """ "AMU-Tuning against CoOp, 16-shot": what differs, and what is the same."""
    first = operands[0]
    if len(operands) == 1:
        return f"{first.row}, {first.column}"
    if len(operands) > 2:
        return f"{getattr(effect, 'words', '')} over {len(dict.fromkeys(o.row for o in operands))} rows"
    second = operands[1]
    if first.column == second.column:
        return f"{first.row} against {second.row}, {first.column}"
    if first.row == second.row:
        return f"{first.column} against {second.column}, {first.row}"
    return f"{first.row}, {first.column} against {second.row}, {second.column}"
