"""Disagreements of the paper's printed numbers: with each other, with their sources, and with arithmetic.

Nothing is measured. Two tables print the same quantity where their cells would run the same, so that new exhibits are checked
as well. The printed numbers and those of other sources lie in results/reference/paper/, each row with its source.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchmark.core.numbers import fixed
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Cell
from benchmark.records import reference
from benchmark.suites import suite

LOGS = ("tip_adapter_explog.csv", "cafo_explog.csv")
"""Logs of single runs, whose accuracies are whole numbers of images."""
ELSEWHERE = (*LOGS, "amu_readme.csv", "coop_numbers.csv", "tip_paper_tables.csv", "user_reproductions.csv")
"""Files with the numbers of the methods' own authors and of other people for quantities that the paper prints."""
ROUNDED = 0.005
"""Two numbers printed with two decimals agree where they differ by no more."""
KINDS = {
    "disagreement": "the paper prints one quantity twice, with different numbers",
    "mixed": "one row is of two sources, or one table of two ways to choose an epoch",
    "duplicate": "one number stands for two quantities of a row; one may be copied by mistake",
    "attainability": "no whole number of test images gives this percentage",
    "elsewhere": "the methods' authors or others print another number, the largest difference first",
    "remark": "a note on how the numbers were copied, or on what they are",
}
"""Kind of a finding -> what it means, those that matter most first."""
LEADING = ("disagreement", "mixed", "duplicate")
"""The kinds that concern a conclusion of the paper: what readers of its tables have to know."""
K = TypeVar("K")
V = TypeVar("V")

ALIASES = {"ZS-CLIP": "Zero-shot CLIP"}
"""The paper's name of a method -> the name in its sources."""


@dataclass(frozen=True)
class Finding:
    """One disagreement.

    Attributes:
        kind: One of `KINDS`.
        where: Tables and cells.
        says: The disagreement in words.
        sources: The sources of the numbers, or of the code, that the finding rests on.
    """

    kind: str
    where: str
    says: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Printed:
    """A printed accuracy.

    Attributes:
        table: The exhibit.
        cell: The exhibit's cell.
        row: The row of the reference file.
        quantity: The runs behind the number and the way it is read of them; equal for cells that print the same quantity.
    """

    table: str
    cell: Cell
    row: Mapping[str, str]
    quantity: tuple[str, ...]

    @property
    def value(self) -> float:
        """The accuracy, in per cent."""
        return float(self.row["accuracy"])

    @property
    def where(self) -> str:
        """Table and cell for people: "table4: CoOp, 16-shot"."""
        return f"{self.table}: {self.cell.row}, {self.cell.column}"

    @property
    def named(self) -> tuple[str, ...]:
        """Method, data set, backbone and shots in the names of other sources."""
        return _named(self.row)


def findings() -> list[Finding]:
    """All findings, in the order of `KINDS`."""
    cells = list(printed())
    others = [row for file in ELSEWHERE for row in reference.rows(file)]
    logged = [row for file in LOGS for row in reference.rows(file)]
    return [
        *disagreements(cells),
        *mixed_sources(cells, others),
        *mixed_statistics(cells),
        *duplicates(cells),
        *unattainable([*(cell.row for cell in cells), *logged]),
        *elsewhere(cells, others),
        *remarks(cells),
    ]


def printed() -> Iterator[Printed]:
    """Every cell with a printed number; one number counts once, in several metrics or in several exhibits that cite it."""
    seen: set[tuple[str, ...]] = set()
    world = suite.load("mini")  # any suite will do: only whether two questions are the same counts
    for name in exhibit.names():
        shown = exhibit.load(name)
        for cell in shown.cells():
            row = reference.cited(shown.reference, cell.question.cite or {})
            if row is None or not row["accuracy"] or cell.question.declares is not None:
                continue
            number = (shown.reference, *row.values())
            if number in seen:
                continue
            seen.add(number)
            asked = [part[0][0].cell_key for part in cell.groups(world, [0])]
            read = (str(cell.question.metric), cell.question.target or "")
            yield Printed(name, cell, row, (*(asked or [name, cell.row, cell.column]), *read))


def disagreements(cells: Iterable[Printed]) -> Iterator[Finding]:
    """Find quantities that are printed twice with different numbers."""
    for same in _grouped((cell.quantity, cell) for cell in cells).values():
        if max(c.value for c in same) - min(c.value for c in same) > ROUNDED:
            where = "; ".join(cell.where for cell in same)
            says = "printed as " + " and ".join(dict.fromkeys(cell.row["accuracy"] for cell in same))
            yield Finding("disagreement", where, says, _sources(cell.row for cell in same))


def unattainable(rows: Iterable[Mapping[str, str]]) -> Iterator[Finding]:
    """Find accuracies that no whole number of test images gives (the GRIM test); a mean over seeds may be such a number."""
    sizes = {row["dataset"]: int(row["n_test"]) for row in reference.rows("datasets.csv")}
    for row in rows:
        n = sizes.get(row["dataset"])
        if n and row["accuracy"] and row.get("unit", "percent") == "percent" and not attainable(row["accuracy"], n):
            where = f"{row['dataset']}: {row['method']}, {row['shots']} shots"
            says = f"{row['accuracy']} is no number of {n} images; rounded, averaged, or of another split"
            yield Finding("attainability", where, says, (row["source"],))


def attainable(text: str, n: int) -> bool:
    """Whether k of n images, for some k, is the percentage `text`, rounded to the decimals of `text`."""
    value, half = float(text), 0.5 * 10.0 ** -len(text.partition(".")[2])
    nearest = round(value * n / 100)
    return abs(100 * nearest / n - value) <= half + 1e-9


def mixed_sources(cells: Iterable[Printed], others: Iterable[Mapping[str, str]]) -> Iterator[Finding]:
    """Find table rows with two or more cells of a source that differs in another cell, where no source has the whole row."""
    by_source = _grouped(((row["source"], row["method"], _named(row)[0]), row) for row in others)
    for (table, name), row in _grouped(((cell.table, cell.cell.row), cell) for cell in cells).items():
        held = [_held(row, source) for (_, _, method), source in by_source.items() if method == row[0].named[0]]
        if any(len(agreeing) > 1 and not differing for agreeing, differing in held):
            continue
        for agreeing, differing in held:
            if len(agreeing) > 1 and differing:
                theirs = ", ".join(f"{c.cell.column} {r['accuracy']} and not {c.row['accuracy']}" for c, r in differing)
                like = ", ".join(cell.cell.column for cell, _ in agreeing)
                says = f"{like} are those of {agreeing[0][1]['source']}, which has {theirs}"
                yield Finding("mixed", f"{table}: {name}", says, _sources([agreeing[0][1], row[0].row]))


Pairs = list[tuple[Printed, Mapping[str, str]]]
"""Printed cells, each with the row of another source for the same quantity."""


def _held(cells: Sequence[Printed], source: Iterable[Mapping[str, str]]) -> tuple[Pairs, Pairs]:
    """The cells that a source also has: those with equal numbers, and those with different ones."""
    theirs = {_named(row): row for row in source}
    both = [(cell, theirs[cell.named]) for cell in cells if cell.named in theirs]
    agree = [abs(cell.value - float(row["accuracy"])) <= ROUNDED for cell, row in both]
    return list(itertools.compress(both, agree)), list(itertools.compress(both, [not a for a in agree]))


def mixed_statistics(cells: Iterable[Printed]) -> Iterator[Finding]:
    """Find tables that mix numbers selected on test images with means at the last epoch, by the methods' released code."""
    protocols = {row["method"]: row for row in reference.rows("protocols.csv")}
    mixed = {}
    for table, inside in _grouped((cell.table, cell) for cell in cells).items():
        known = [protocols[name] for name in dict.fromkeys(cell.named[0] for cell in inside) if name in protocols]
        if len({(row["runs"], row["chosen"]) for row in known}) > 1:
            mixed[table] = known
    rows = list({row["method"]: row for known in mixed.values() for row in known}.values())
    kinds = _grouped(((row["runs"], row["chosen"]), row) for row in rows)
    if kinds:
        parts = [f"{' '.join(kind)}: {', '.join(r['method'] for r in same)}" for kind, same in kinds.items()]
        yield Finding("mixed", ", ".join(mixed), "; ".join(parts), _sources(rows))


def duplicates(cells: Iterable[Printed]) -> Iterator[Finding]:
    """Find equal numbers for different quantities within a row of a table: one of them may be copied by mistake."""
    for (table, name, value), same in _grouped(((c.table, c.cell.row, c.row["accuracy"]), c) for c in cells).items():
        if len({cell.quantity for cell in same}) > 1:
            says = f"{value} in {' and '.join(cell.cell.column for cell in same)}"
            yield Finding("duplicate", f"{table}: {name}", says, _sources(cell.row for cell in same))


def elsewhere(cells: Iterable[Printed], others: Sequence[Mapping[str, str]]) -> Iterator[Finding]:
    """Find printed numbers that differ from those of other sources, the largest difference first."""
    theirs = _grouped((_named(row), row) for row in others)
    found = []
    for named, same in _grouped((cell.named, cell) for cell in cells).items():
        ours = same[0].value
        other = [row for row in theirs.get(named, []) if abs(float(row["accuracy"]) - ours) > ROUNDED]
        if other:
            where = "; ".join(cell.where for cell in same)
            says = f"{same[0].row['accuracy']}; elsewhere {_told(other, ours)}"
            finding = Finding("elsewhere", where, says, _sources([*(cell.row for cell in same), *other]))
            found.append((max(abs(float(row["accuracy"]) - ours) for row in other), finding))
    yield from (finding for _, finding in sorted(found, key=lambda pair: -pair[0]))


def _told(rows: Iterable[Mapping[str, str]], ours: float) -> str:
    """Each number once, with its difference from the printed one and its sources."""
    by_number = _grouped((row["accuracy"], _label(row)) for row in rows)
    parts = (f"{text} ({fixed(float(text) - ours, 2, '+')}: {'; '.join(labels)})" for text, labels in by_number.items())
    return ", ".join(parts)


def remarks(cells: Iterable[Printed]) -> Iterator[Finding]:
    """Notes beside the copied numbers, and remarks that no comparison of numbers finds."""
    noted = _grouped(((c.table, c.cell.row, c.row["note"]), c) for c in cells if c.row.get("note"))
    for (table, name, note), same in noted.items():
        columns = ", ".join(cell.cell.column for cell in same)
        yield Finding("remark", f"{table}: {name}, {columns}", note, _sources(cell.row for cell in same))
    for row in reference.rows("remarks.csv"):
        yield Finding("remark", f"{row['exhibit']}: {row['row']}", row["note"], (row["source"],))


def _named(row: Mapping[str, str]) -> tuple[str, ...]:
    """Method, data set, backbone and shots in names common to all sources: without prompts and auxiliary encoders."""
    method = row["method"].partition(" (")[0]
    if method == "AMU[AUX=1,MTFi=1,UF=1]":
        method = "AMU-Tuning"
    backbone = row["backbone"].partition(" + ")[0].partition(" (")[0]
    return ALIASES.get(method, method), row["dataset"], backbone, row["shots"]


def _label(row: Mapping[str, str]) -> str:
    """The source of a number, with the variant of the method and the note of its row."""
    more = [row["method"].partition(" (")[2].rstrip(")"), row.get("note") or row.get("setting") or ""]
    return ", ".join([row["source"], *filter(None, more)])


def _sources(rows: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row["source"] for row in rows))


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
