"""Comparison of two rows of an exhibit, column by column.

Accuracies are compared at the same seeds and on the same images where the records keep every image's answer, other numbers
seed by seed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isinf, nan
from pathlib import Path

import numpy as np

from benchmark.analysis.pairing import Paired, pair, stored
from benchmark.analysis.results import Measured
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.names import meant
from benchmark.core.numbers import fixed, interval
from benchmark.core.text import counted
from benchmark.exhibits.exhibit import Exhibit
from benchmark.exhibits.question import Question
from benchmark.numerics import stats
from benchmark.numerics.stats import Scatter
from benchmark.records import readings
from benchmark.records.record import Record
from benchmark.records.store import Store

LEFT, RIGHT, ALIKE, OPEN = "better", "worse", "alike", "no difference shown"
"""The verdicts on the left row: `ALIKE` where the whole interval lies within the margin."""

ALPHA = 1 - stats.LEVEL
"""The level of the tests: false alarms in one family of columns out of twenty."""


@dataclass(frozen=True)
class Compared:
    """The comparison in one column.

    Attributes:
        column: The column.
        effect: Left less right, in points (or in the unit of a ratio).
        low, high: The 95 % interval of the effect; None where one seed does not tell it.
        p: Two-sided p-value of no difference; NaN where nothing tells it.
        adjusted: `p`, adjusted by Holm's method over the columns.
        mcnemar: The exact p-value of McNemar's test for each seed, where every image's answer is kept.
        seeds: The number of seeds.
        over: The units that the interval is over: images, seeds, or both; "one seed" where there is no interval.
        margin: Points within which two rows count as alike.
        scatter: The components by which the effect varies; None where one seed does not tell them.
        seeds_needed: Seeds at which a difference of this size would be found with a power of 0.8 among as many columns; inf
            where more seeds alone would not suffice, None where the difference is found already or nothing tells.
        seeds_alone: Seeds needed where this column is the only one that is compared.
    """

    column: str
    effect: float
    low: float | None
    high: float | None
    p: float
    adjusted: float
    mcnemar: Sequence[float]
    seeds: int
    over: str
    margin: float
    scatter: Scatter | None = None
    seeds_needed: float | None = None
    seeds_alone: float | None = None

    @property
    def says(self) -> str:
        """The verdict in words, by the adjusted p-value."""
        if self.adjusted <= ALPHA and self.effect:
            return LEFT if self.effect > 0 else RIGHT
        inside = (
            self.low is not None and self.high is not None and -self.margin <= self.low and self.high <= self.margin
        )
        return ALIKE if inside else OPEN


def row_named(exhibit: Exhibit, name: str) -> str:
    """Find a row of an exhibit.

    BenchError names the nearest row where there is none of that name.

    Args:
        exhibit: The exhibit.
        name: The row's name, or its method as `module:Class`, `file.py:Class` or `Class`, as `benchmark.core.names.meant`
            takes it.

    Returns:
        The row's name.

    Raises:
        BenchError: Several rows are of that class.
    """
    rows = [row["name"] for row in exhibit.rows]
    if name in rows:
        return name
    classes: dict[str, list[str]] = {}
    for row in exhibit.rows:
        for alias in filter(None, dict.fromkeys((row.get("method", ""), row.get("method", "").partition(":")[2]))):
            classes.setdefault(alias, []).append(row["name"])
    file, _, attribute = name.rpartition(".py:")
    name = f"{Path(file).name}:{attribute}" if file else name
    named = meant(name, rows, f"row of {exhibit.id}", classes)
    found = classes.get(named, []) if named not in rows else [named]
    if len(found) > 1:
        raise BenchError(f"{name} has {len(found)} rows in {exhibit.id}: {', '.join(found)}; name one of them")
    return found[0]


def compare(
    measured: Measured, left: str, right: str, store: Store, selection: str, margin: float, columns: Iterable[str] = ()
) -> list[Compared]:
    """Compare two rows in every column, or the named ones, in which both are measured.

    Args:
        measured: The exhibit with our records.
        left: A row of the exhibit.
        right: The row that is subtracted from it.
        store: The answers of the records, image by image.
        selection: One of `record.SELECTIONS`.
        margin: Points within which two rows count as alike.
        columns: Names of columns; all where none is named.

    Returns:
        One comparison a column, adjusted by Holm's method over these columns.

    Raises:
        Incomplete: No column has both rows measured at the same seeds.
    """
    wanted = list(columns) or [column["name"] for column in measured.exhibit.columns]
    found = [_column(measured, left, right, name, store, selection, margin) for name in wanted]
    known = [c for c in found if c is not None]
    if not known:
        raise Incomplete(
            f"{measured.exhibit.id}: no column has both {left!r} and {right!r} measured at the same seeds;"
            f" {_remedy(measured, [(row, column) for row in (left, right) for column in wanted])}"
        )
    adjusted = stats.holm([1.0 if np.isnan(c.p) else c.p for c in known])
    return [_settled(c, p, ALPHA / len(known)) for c, p in zip(known, adjusted, strict=True)]


def _remedy(measured: Measured, places: Sequence[tuple[str, str]]) -> str:
    """The command that measures cells, or why none of them can be measured in this suite."""
    return measured.prevented(places) or f"{measured.command} measures them"


def _settled(compared: Compared, adjusted: float, level: float) -> Compared:
    settled = replace(compared, adjusted=adjusted)
    if settled.says != OPEN or settled.scatter is None:
        return settled
    needed, alone = (stats.seeds_needed(settled.effect, settled.scatter, at) for at in (level, ALPHA))
    return replace(settled, seeds_needed=needed, seeds_alone=alone)


def _column(
    measured: Measured, left: str, right: str, column: str, store: Store, selection: str, margin: float
) -> Compared | None:
    question = {cell.column: cell.question for cell in measured.exhibit.cells() if cell.row == left}[column]
    paired = pair(*(measured.records.get((row, column), []) for row in (left, right)))
    return compare_cells(column, question, paired, (store, store), selection, margin)


def compare_cells(
    column: str, question: Question, paired: Paired, stores: Sequence[Store], selection: str, margin: float = 0.0
) -> Compared | None:
    """Compare two cells of one question, the first less the second; nothing is adjusted yet.

    Args:
        column: Name of the comparison.
        question: What is read from the records.
        paired: The records of both cells.
        stores: The answers of each cell's records.
        selection: One of `record.SELECTIONS`.
        margin: Points within which the two count as alike.

    Returns:
        The comparison; None where the cells have no seed in common, or a number is missing.
    """
    if not paired.seeds:
        return None
    if question.metric == "accuracy" and question.mean_over is None:
        kept = [stored(store, selection, question.target) for store in stores]
        answers = paired.answers(*kept, target=question.target)
        if answers is not None:
            return _by_image(column, answers, margin)
    return _by_seed(column, paired, question, selection, margin)


def _by_image(column: str, answers: Sequence[Sequence[np.ndarray]], margin: float) -> Compared:
    left, right = answers
    found = stats.paired(left, right)
    return Compared(
        column=column,
        effect=found.effect,
        low=found.low,
        high=found.high,
        p=found.p,
        adjusted=found.p,
        mcnemar=[stats.mcnemar(*both) for both in zip(left, right, strict=True)],
        seeds=found.seeds,
        over="seeds and images" if found.seeds > 1 else "images",
        margin=margin,
        scatter=found.scatter,
    )


def _by_seed(column: str, paired: Paired, question: Question, selection: str, margin: float) -> Compared | None:
    """Differences seed by seed, where no answers of single images are kept: a shift, a mean of data sets, a ratio."""
    values = [[_value(records, question, selection) for records in side] for side in paired.sides]
    if any(value is None for row in values for value in row):
        return None
    differences = [a - b for a, b in zip(*values, strict=True)]
    compared = Compared(
        column=column,
        effect=differences[0],
        low=None,
        high=None,
        p=nan,
        adjusted=1.0,
        mcnemar=(),
        seeds=len(differences),
        over="one seed",
        margin=margin,
    )
    if len(set(differences)) == 1 and (len(differences) == 1 or differences[0]):
        return compared  # equal differences tell no scatter of seeds
    effect, low, high = stats.spread(differences)
    p = stats.student(differences)
    scatter = Scatter(float(np.std(differences, ddof=1)), 0.0, 0.0, 1)
    return replace(compared, effect=effect, low=low, high=high, p=p, adjusted=p, over="seeds", scatter=scatter)


def _value(records: Sequence[Record], question: Question, selection: str) -> float | None:
    read = [readings.read(record, question, selection) for record in records]
    known = [reading.value for reading in read if reading is not None]
    return sum(known) / len(known) if known and len(known) == len(read) else None


def gained(measured: Measured, row: str, store: Store) -> str:
    """The line on a row's gain, under `val`, over the first row of `Exhibit.beside` with a measured column in common.

    Args:
        measured: Exhibit with the row.
        row: Name of the row.
        store: Answers of the records, image by image.

    Returns:
        "Mine less Tip-Adapter-F, same seed, same images: 1-shot -0.07 (-0.48 to +0.34)"; "" where none is measured.
    """
    for other in measured.exhibit.beside:
        try:
            found = compare(measured, row, other, store, "val", 0.0)
        except Incomplete:
            continue
        told = [
            f"{measured.column(c.column)} {fixed(c.effect, 2, '+')}{interval(c.low, c.high, 2, '+')}" for c in found
        ]
        seeds = "same seed" if all(c.seeds == 1 for c in found) else "same seeds"
        images = ", same images" if all("images" in c.over for c in found) else ""
        return f"{row} less {other}, {seeds}{images}: {'; '.join(told)}"
    return ""


def needs(compared: Compared) -> str:
    """The number of seeds that would decide, in words; empty where the comparison needs no more or nothing tells."""
    if compared.seeds_needed is None:
        return ""
    more = isinf(compared.seeds_needed)
    needed = "more seeds alone would not decide" if more else f"about {compared.seeds_needed:.0f} seeds would decide"
    if compared.seeds_alone is None or compared.seeds_alone == compared.seeds_needed:
        return needed
    return f"{needed} among the columns, about {compared.seeds_alone:.0f} by itself"


def concluded(found: Sequence[Compared]) -> str:
    """How many columns have which verdict, and over how many Holm's method adjusts, in a line."""
    says = [c.says for c in found]
    counts = ", ".join(f"{says.count(word)} {word}" for word in (LEFT, RIGHT, ALIKE, OPEN) if word in says)
    columns = counted(len(found), "column")
    if len(found) == 1:
        return f"in {columns}: {counts}"
    apart = [
        c.column for c in found if c.says == OPEN and c.low is not None and c.high is not None and c.low * c.high > 0
    ]
    only = f"; the interval of {', '.join(apart)}, taken by itself, excludes 0" if apart else ""
    family = f"after Holm over these {columns}, where a claim takes each by itself"
    return f"in {columns}: {counts}, {family}{only}"
