"""The regression gate: results/ compared with a reference, by effect and interval, with one verdict for each cell.

A cell differs where its effect is surely larger than the margin: the test is against a difference of the margin, adjusted
by Holm's method over all cells that are compared. A cell agrees where its whole 95 % interval lies within the margin. All
other cells are inconclusive.

golden: the reference run, results/reference/<suite>/. Where a run of both sides answers the same question (seed, data,
settings), the two are compared image by image, so that the luck of a seed is in neither side. A number without answers of
single images (an accuracy on a shift, a ratio) is compared seed by seed. Otherwise the means are compared, each with its
interval over seeds.
paper: the printed numbers, each taken as one run on its test set, for suites with values comparable to the paper's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, nan, sqrt
from statistics import mean, median

import numpy as np

from benchmark.analysis import pairing
from benchmark.analysis.gate.reference_run import SELECTION, Golden, keeps_answers
from benchmark.analysis.results import Measured, Row
from benchmark.core.numbers import fixed
from benchmark.exhibits.exhibit import Cell
from benchmark.numerics import stats
from benchmark.records import readings, reference
from benchmark.records.readings import Reading
from benchmark.records.store import Store

AGREES, WORSE, BETTER, OPEN, MISSING = "agrees", "worse", "better", "inconclusive", "missing"
OUTSIDE = "not in the reference"
"""The verdicts; `WORSE` and `BETTER` are the two ways to differ."""

IMAGES, SEEDS, ONE_SEED, MEANS = "images", "seeds", "one seed", "means"
"""How a cell is compared: with an error over images, seed by seed, at one seed without an error, or by the means."""

MARGIN = 1.0
"""Percentage points that a cell may be off. Another processor or torch version moves an accuracy on the same images and seeds
by some tenths (additions in another order, and from there another path through training); a broken method moves it more."""

RATIO_MARGIN = 0.02
"""The margin of numbers that are no percentages: the complementarities of Eq. 5."""

ROUNDED = 1e-6
"""Numbers of the reference run have six decimals; a difference up to this one is none."""

ALPHA = 1 - stats.LEVEL
"""The level of the tests: false alarms in one family of cells out of twenty."""

Place = tuple[str, str]
"""Row and column of a cell."""


@dataclass(frozen=True)
class Verdict:
    """The verdict on one cell.

    Attributes:
        exhibit, row, column: The cell.
        expected: The reference's number, in per cent (or the unit of a ratio); None where it has none.
        measured: Our number; None where the cell is not measured.
        effect: Measured less expected over the runs that are compared, in points.
        error: Standard error of the effect, in points; nan where nothing tells it.
        degrees: Degrees of freedom of the error, in Student's t distribution.
        how: `IMAGES`, `SEEDS`, `ONE_SEED` or `MEANS`; empty where the cell is not measured.
        margin: Points that the cell may be off.
        adjusted: `p`, adjusted by Holm's method over the family.
    """

    exhibit: str
    row: str
    column: str
    expected: float | None
    measured: float | None
    effect: float = nan
    error: float = nan
    degrees: float = inf
    how: str = ""
    margin: float = MARGIN
    adjusted: float = 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval (low, high) of the effect; from minus to plus infinity where there is no error."""
        if np.isnan(self.error):
            return -inf, inf
        half = self.error * stats.t_quantile(self.degrees)
        return self.effect - half, self.effect + half

    @property
    def p(self) -> float:
        """One-sided p-value of a difference no greater than the margin."""
        beyond = abs(self.effect) - self.margin
        if np.isnan(self.error):
            return 1.0
        if self.error == 0:
            return 0.0 if beyond > 0 else 1.0
        return stats.t_tail(beyond / self.error, self.degrees)

    @property
    def says(self) -> str:
        """The verdict in a word."""
        if self.measured is None:
            return MISSING
        if self.expected is None:
            return OUTSIDE
        if self.how == ONE_SEED and abs(self.effect) <= ROUNDED:
            return AGREES
        if self.adjusted <= ALPHA:
            return WORSE if self.effect < 0 else BETTER
        low, high = self.interval
        return AGREES if -self.margin <= low and high <= self.margin else OPEN

    @property
    def compared(self) -> bool:
        """Whether the cell is both measured and in the reference."""
        return self.measured is not None and self.expected is not None

    @property
    def place(self) -> str:
        """The cell for people: "table4: CoOp, 16-shot"."""
        return f"{self.exhibit}: {self.row}, {self.column}"

    @property
    def line(self) -> str:
        """The verdict in a line."""
        if self.measured is None or self.expected is None:
            known = (
                f"reference {fixed(self.expected, 2)}" if self.expected is not None else fixed(self.measured or 0, 2)
            )
            return f"{self.says}: {self.place}: {known}"
        low, high = self.interval
        interval = "no interval" if np.isinf(low) else f"{fixed(low, 2, '+')} to {fixed(high, 2, '+')}"
        by = self.how if self.how == ONE_SEED else f"by {self.how}"
        return (
            f"{self.says}: {self.place}: {fixed(self.measured, 2)} against {fixed(self.expected, 2)},"
            f" {fixed(self.effect, 2, '+')} ({interval}, {by})"
        )


def against_golden(measured: Measured, golden: Golden, store: Store) -> list[Verdict]:
    """Compare an exhibit with the reference run.

    Incomplete where the reference run has no such exhibit, BenchError where a file of the reference run is damaged.

    Args:
        measured: The exhibit with our records.
        golden: The reference run.
        store: The answers of our records, image by image.

    Returns:
        The verdict on every cell of the reference run, measured or not; no verdict on cells that only `measured` has.
    """
    cells = {(cell.row, cell.column): cell for cell in measured.exhibit.cells()}
    repeats = {place: pairs for place, cell in cells.items() if (pairs := _repeats(measured, cell, golden))}
    scatter = {counted: _scatter(repeats, cells, counted) for counted in (True, False)}
    found = []
    for cell in golden.cells(measured.exhibit.id):
        place = cell["row"], cell["column"]
        counted = readings.counted(cell.get("metric", "accuracy"))
        margin = MARGIN if counted else RATIO_MARGIN
        ours = _row(measured, *place)
        if ours is None or ours.mean is None:
            found.append(_verdict(measured, place, float(cell["mean"]), None, Difference(), margin))
            continue
        difference = _by_image(measured, cells[place], golden, store)
        if difference is None and place in repeats:
            difference = _by_seed(repeats[place], *scatter[counted])
        if difference is None:
            difference = _by_means(ours, Row(**{**vars(ours), **_interval_of(cell)}))
        expected = float(cell["mean"]) if difference.how == MEANS else ours.mean - difference.effect
        found.append(_verdict(measured, place, expected, ours.mean, difference, margin))
    return adjusted(found)


def against_paper(measured: Measured) -> list[Verdict]:
    """The verdict on every cell that is measured and has a number in the paper."""
    found = []
    cells = {(cell.row, cell.column): cell for cell in measured.exhibit.cells()}
    for row in measured.rows:
        if row.selection != SELECTION or row.paper is None or row.mean is None:
            continue
        question = cells[row.row, row.column].question
        images = 0 if question.mean_over is not None else reference.images(question.tested_on)
        half = 196 * sqrt(row.paper / 100 * (1 - row.paper / 100) / images) if images else nan
        printed = replace(row, mean=row.paper, ci_low=row.paper - half, ci_high=row.paper + half, seeds=1)
        found.append(_verdict(measured, (row.row, row.column), row.paper, row.mean, _by_means(row, printed), MARGIN))
    return adjusted(found)


def outside(measured: Measured, keys: Collection[str]) -> list[Verdict]:
    """The verdict on every cell with a record that no reference has, such as one on own data.

    Args:
        measured: An exhibit in other roles.
        keys: Keys of the records that no reference has.

    Returns:
        One verdict a cell.
    """
    places = {place for place, records in measured.records.items() if any(record.key in keys for record in records)}
    rows = [row for row in measured.rows if row.selection == SELECTION and (row.row, row.column) in places]
    return [Verdict(row.exhibit, row.row, row.column, expected=None, measured=row.mean) for row in rows]


def adjusted(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts with their p-values adjusted by Holm's method over all cells that are compared."""
    p_values = stats.holm([v.p for v in verdicts if v.compared])
    numbers = iter(p_values)
    return [replace(v, adjusted=next(numbers)) if v.compared else v for v in verdicts]


@dataclass(frozen=True)
class Difference:
    """Measured less expected, in points, with its standard error; the fields are those of `Verdict`."""

    effect: float = nan
    error: float = nan
    degrees: float = inf
    how: str = ""


def _verdict(
    measured: Measured, place: Place, expected: float, ours: float | None, difference: Difference, margin: float
) -> Verdict:
    row, column = place
    return Verdict(
        exhibit=measured.exhibit.id,
        row=row,
        column=column,
        expected=expected,
        measured=ours,
        effect=difference.effect,
        error=difference.error,
        degrees=difference.degrees,
        how=difference.how,
        margin=margin,
    )


def _row(measured: Measured, row: str, column: str) -> Row | None:
    try:
        return measured.at(row, column, SELECTION)
    except KeyError:
        return None


def _interval_of(cell: Mapping[str, str]) -> dict[str, float | int | None]:
    bounds = {name: float(cell[name]) if cell.get(name) else None for name in ("ci_low", "ci_high")}
    return {"mean": float(cell["mean"]), "seeds": int(cell["seeds"]), **bounds}


def _by_image(measured: Measured, cell: Cell, golden: Golden, store: Store) -> Difference | None:
    """The difference of a cell's runs from their repetitions in the reference run, image by image.

    The seeds are the same on both sides, so that only the images are drawn. A cell that is a mean over data sets has the mean
    of their differences.

    Returns:
        None where one side lacks the answers of a run.
    """
    if not keeps_answers(cell):
        return None
    by_image = []
    for records in pairing.by_dataset(measured.records[cell.row, cell.column]).values():
        found = pairing.repeated(records).answers(golden.answers, pairing.stored(store, SELECTION))
        if found is None:
            return None
        differences = [ours.astype(np.int8) - theirs.astype(np.int8) for theirs, ours in zip(*found, strict=True)]
        by_image.append(np.mean(differences, axis=0))
    effect = float(np.mean([d.mean() for d in by_image]))
    variance = sum(float(d.var(ddof=1)) / len(d) for d in by_image if len(d) > 1) / len(by_image) ** 2
    return Difference(effect=100 * effect, error=100 * sqrt(variance), how=IMAGES)


@dataclass(frozen=True)
class Repeat:
    """A number of one run, and the number that the reference run has for the same question."""

    ours: Reading
    theirs: float

    @property
    def difference(self) -> float:
        """Ours less theirs."""
        return self.ours.value - self.theirs

    @property
    def variance(self) -> float:
        """Variance of the difference over images, each side drawn by itself; nan where the number counts no images."""
        if self.ours.n is None:
            return nan
        shares = self.ours.value / 100, self.theirs / 100
        return sum(100**2 * share * (1 - share) / self.ours.n for share in shares)


def _repeats(measured: Measured, cell: Cell, golden: Golden) -> list[list[Repeat]]:
    """The numbers of a cell's runs beside those of the reference run.

    Returns:
        Seed by seed, several where the cell is a mean over data sets; empty where the cell has answers of single images, or
        one side lacks a number.
    """
    if keeps_answers(cell):
        return []
    found = []
    for records in pairing.by_seed(measured.records.get((cell.row, cell.column), [])).values():
        pairs = [(readings.read(record, cell.question, SELECTION), golden.reading(record, cell)) for record in records]
        there = [Repeat(ours, theirs) for ours, theirs in pairs if ours is not None and theirs is not None]
        if len(there) < len(pairs):
            return []
        found.append(there)
    return found


def _differences(repeats: Iterable[Sequence[Repeat]]) -> list[float]:
    """Ours less theirs, one number a seed."""
    return [mean(repeat.difference for repeat in at_seed) for at_seed in repeats]


def _by_seed(repeats: Sequence[Sequence[Repeat]], scatter: float, degrees: float) -> Difference:
    """The difference of a cell seed by seed, with an error from the scatter of all cells of one kind.

    Where these cells do not scatter, as on the machine of the reference run, one seed has no error over seeds. An accuracy
    has an error over images then, a ratio none.

    Args:
        repeats: The cell's numbers, seed by seed.
        scatter: Standard deviation of the difference at one seed.
        degrees: Degrees of freedom of `scatter`.

    Returns:
        The difference; at one seed without an error `how` is `ONE_SEED`.
    """
    effect = mean(_differences(repeats))
    if len(repeats) > 1 or scatter > ROUNDED:
        return Difference(effect=effect, error=scatter / sqrt(len(repeats)), degrees=degrees, how=SEEDS)
    over_images = sqrt(sum(repeat.variance for repeat in repeats[0])) / len(repeats[0])
    if over_images > 0 and abs(effect) > ROUNDED:
        return Difference(effect=effect, error=over_images, how=IMAGES)
    return Difference(effect=effect, how=ONE_SEED)


def _scatter(
    repeats: Mapping[Place, Sequence[Sequence[Repeat]]], cells: Mapping[Place, Cell], counted: bool
) -> tuple[float, float]:
    """The scatter of one seed's difference from the reference run, estimated from all cells of one kind in the exhibit.

    The estimate is 1.4826 times the median size of the differences: a method that is broken does not widen it. It has 0.37
    of the efficiency of the mean square, and so 0.37 of its degrees of freedom.

    Args:
        repeats: Cell -> its numbers, seed by seed.
        cells: All cells of the exhibit.
        counted: Whether the kind is accuracies rather than ratios.

    Returns:
        Standard deviation and degrees of freedom; nan where there is no such cell.
    """
    kind = [
        difference
        for place, found in repeats.items()
        if readings.counted(cells[place].question.metric) == counted
        for difference in _differences(found)
    ]
    return (1.4826 * median(map(abs, kind)), max(1.0, 0.37 * len(kind))) if kind else (nan, inf)


def _by_means(ours: Row, theirs: Row) -> Difference:
    """The difference of two means by their intervals, with Welch's degrees of freedom."""
    parts = [_error(row) for row in (ours, theirs)]
    variance = sum(error**2 for error, _ in parts)
    spread = sum(error**4 / degrees for error, degrees in parts)
    degrees = variance**2 / spread if spread else inf
    assert ours.mean is not None
    assert theirs.mean is not None
    return Difference(effect=ours.mean - theirs.mean, error=sqrt(variance), degrees=degrees, how=MEANS)


def _error(row: Row) -> tuple[float, float]:
    """Standard error of a mean and its degrees of freedom, from the interval of the mean; nan where it has no interval."""
    if row.ci_low is None or row.ci_high is None:
        return nan, inf
    degrees = row.seeds - 1 if row.seeds > 1 else inf
    return (row.ci_high - row.ci_low) / 2 / stats.t_quantile(degrees), degrees


def counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Verdict -> number of cells."""
    said = [v.says for v in verdicts]
    return {word: said.count(word) for word in (AGREES, WORSE, BETTER, OPEN, MISSING, OUTSIDE)}
