"""The regression gate: results/ compared with a reference, one verdict for each cell and for the means over many cells.

Tests: the different questions that are compared, each once however many cells show it, the mean over all questions of a
method, and the mean over all questions. Together they are one family, adjusted by Holm's method. A number is worse where a
loss is surely there and is at least the margin. It agrees where its whole 95 % interval lies within the margin, or where
every run has the reference's number. All others are inconclusive.

golden: the reference run, results/reference/<suite>/. Where a run of both sides answers the same question (seed, data,
settings), the two are compared image by image, so that the luck of a seed is in neither side. A number without answers of
single images (the accuracy of the bias alone, a ratio) is compared by counts. Otherwise the means are compared, each with its
interval over seeds.
paper: the printed numbers, each taken as one run on its test set, for suites with values comparable to the paper's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf, isnan, nan, sqrt
from statistics import mean

from benchmark.analysis.gate import matching
from benchmark.analysis.gate.difference import IMAGES, Difference, average
from benchmark.analysis.gate.reference_run import SELECTION, Golden
from benchmark.analysis.results import Measured, Row
from benchmark.core.numbers import fixed
from benchmark.exhibits.exhibit import Cell
from benchmark.numerics import stats
from benchmark.records import readings, reference
from benchmark.records.store import Store

AGREES, WORSE, BETTER, OPEN, MISSING = "agrees", "worse", "better", "inconclusive", "missing"
OUTSIDE = "not in the reference"
"""The verdicts; `WORSE` and `BETTER` are the two ways to differ."""

MARGIN = 1.0
"""Percentage points that a cell may be off. Another processor or torch version moves an accuracy on the same images and seeds
by some tenths (additions in another order, and from there another path through training); a broken method moves it more."""

MEAN_MARGIN = 0.5
"""Percentage points that a mean over the cells of a method, or over all cells, may be off: paths of training average out."""

RATIO_MARGIN = 0.02
"""The margin of numbers that are no percentages: the complementarities of Eq. 5."""

PATH, RATIO_PATH = 0.2, 0.002
"""Standard deviation of one run's number over paths of training, in points and of ratios. Features from other kernels (AVX
for AVX2) left 11 of 12 trainings of CoOp at the same counts and moved one by 0.45 points, to another epoch."""

ALPHA = 1 - stats.LEVEL
"""The level of the tests: false alarms in one family out of twenty."""

MEAN, EVERYTHING = "mean", "all methods"
"""Exhibit of a verdict on a mean over questions, and the row of the mean over all questions."""

Place = tuple[str, str]
"""Row and column of a cell."""

Asked = tuple[str, ...]
"""Runs and reading of a cell; equal for cells that show the same number."""


@dataclass(frozen=True)
class Verdict:
    """The verdict on one cell, or on a mean over cells.

    Attributes:
        exhibit, row, column: The cell; `MEAN`, a method and the number of its questions for a mean.
        expected: The reference's number, in per cent (or the unit of a ratio); None where it has none.
        measured: Our number; None where the cell is not measured.
        difference: Measured less expected, over the runs that are compared.
        margin: Points that the number may be off.
        asked: The question; empty where the cell is not compared.
        method: Name of the method's class.
        lost: Number of expected seeds of the reference that are not measured.
        error: Standard error of the difference, in points; nan where nothing tells it.
        degrees: Degrees of freedom of the error, in Student's t distribution.
        adjusted: `p`, adjusted by Holm's method over the family.
        heading: The column for people; "" where that is its name.
    """

    exhibit: str
    row: str
    column: str
    expected: float | None
    measured: float | None
    difference: Difference = field(default_factory=Difference)
    margin: float = MARGIN
    asked: Asked = ()
    method: str = ""
    lost: int = 0
    error: float = nan
    degrees: float = inf
    adjusted: float = 1.0
    heading: str = ""

    @property
    def effect(self) -> float:
        """Measured less expected, in points."""
        return self.difference.effect

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval (low, high) of the effect; from minus to plus infinity where there is no error."""
        if isnan(self.error):
            return -inf, inf
        half = self.error * stats.t_quantile(self.degrees)
        return self.effect - half, self.effect + half

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference."""
        known = not isnan(self.error) and self.error > 0
        return 2 * stats.t_tail(abs(self.effect) / self.error, self.degrees) if known else 1.0

    @property
    def says(self) -> str:
        """The verdict in a word."""
        if self.measured is None:
            return MISSING
        if self.expected is None:
            return OUTSIDE
        if self.difference.exact:
            return AGREES
        if self.adjusted <= ALPHA and abs(self.effect) >= self.margin:
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
        return f"{self.exhibit}: {self.row}, {self.heading or self.column}"

    @property
    def line(self) -> str:
        """The verdict in a line."""
        if self.measured is None or self.expected is None:
            known = (
                f"reference {fixed(self.expected, 2)}" if self.expected is not None else fixed(self.measured or 0, 2)
            )
            return f"{self.says}: {self.place}: {known}"
        low, high = self.interval
        interval = "no interval" if isnan(self.error) else f"{fixed(low, 2, '+')} to {fixed(high, 2, '+')}"
        return (
            f"{self.says}: {self.place}: {fixed(self.measured, 2)} against {fixed(self.expected, 2)},"
            f" {fixed(self.effect, 2, '+')} ({interval}, by {self.difference.how})"
        )


@dataclass(frozen=True)
class Gate:
    """The verdicts of one comparison.

    Attributes:
        cells: Verdicts on cells.
        means: Verdicts on means over the questions of a method, and over all.
    """

    cells: Sequence[Verdict]
    means: Sequence[Verdict] = ()

    @property
    def all(self) -> list[Verdict]:
        """The verdicts on cells, then those on means."""
        return [*self.cells, *self.means]

    @cached_property
    def questions(self) -> list[Verdict]:
        """One verdict for each different question that is compared."""
        return list({v.asked: v for v in self.cells if v.compared}.values())

    @property
    def red(self) -> bool:
        """Whether a cell or a mean is worse."""
        return any(v.says == WORSE for v in self.all)

    @property
    def lost(self) -> list[Verdict]:
        """Cells of the reference that are not measured, or at fewer seeds than are expected."""
        return [v for v in self.cells if v.says == MISSING or v.lost]

    @property
    def undecided(self) -> bool:
        """Whether more than half of the questions are inconclusive, so that little is shown by the absence of a loss."""
        return 2 * sum(v.says == OPEN for v in self.questions) > len(self.questions)


def judge(cells: Sequence[Verdict]) -> Gate:
    """The verdicts with their errors, the means over cells, and p-values adjusted by Holm's method over this family.

    Args:
        cells: Verdicts on cells, without `error` and `adjusted`.

    Returns:
        The gate.
    """
    found = [_with_error(v) for v in cells]
    means = [_with_error(v) for v in _means(Gate(cells).questions)]
    family = [*Gate(found).questions, *means]
    p_values = dict(zip((v.asked for v in family), stats.holm([v.p for v in family]), strict=True))
    cells, means = ([replace(v, adjusted=p_values.get(v.asked, 1.0)) for v in part] for part in (found, means))
    return Gate(cells, means)


def _with_error(verdict: Verdict) -> Verdict:
    error, degrees = verdict.difference.error(RATIO_PATH if verdict.margin == RATIO_MARGIN else PATH)
    return replace(verdict, error=error, degrees=degrees)


def _means(questions: Iterable[Verdict]) -> list[Verdict]:
    """Verdicts on the mean over each method's questions that are compared image by image, and over all of them."""
    groups: dict[str, list[Verdict]] = {}
    for verdict in questions:
        if verdict.difference.how == IMAGES:
            groups.setdefault(verdict.method, []).append(verdict)
    groups[EVERYTHING] = [verdict for group in groups.values() for verdict in group]
    return [_mean(name, group) for name, group in groups.items() if len(group) > 1]


def _mean(name: str, group: Sequence[Verdict]) -> Verdict:
    difference = average([v.difference for v in group])
    measured = mean(v.measured for v in group if v.measured is not None)
    return Verdict(
        exhibit=MEAN,
        row=name,
        column=f"{len(group)} questions",
        expected=measured - difference.effect,
        measured=measured,
        difference=difference,
        margin=MEAN_MARGIN,
        asked=(MEAN, name),
        method=name,
    )


def against_golden(
    measured: Measured, golden: Golden, store: Store, places: Collection[Place] | None = None, seeds: int | None = None
) -> list[Verdict]:
    """Compare an exhibit with the reference run; the verdicts are for `judge`.

    Incomplete where the reference run has no such exhibit, BenchError where a file of the reference run is damaged.

    Args:
        measured: The exhibit with our records.
        golden: The reference run.
        store: The answers of our records, image by image.
        places: Cells to compare; by default all that the reference run has.
        seeds: Largest number of seeds that are expected, such as the suite's, where the reference run has more; by default
            as many as it has.

    Returns:
        A verdict on every cell of the reference run, measured or not; none on cells that only `measured` has.
    """
    cells = {(cell.row, cell.column): cell for cell in measured.exhibit.cells()}
    rows = [row for row in golden.cells(measured.exhibit.id) if places is None or (row["row"], row["column"]) in places]
    return [_held(measured, row, cells.get((row["row"], row["column"])), golden, store, seeds) for row in rows]


def _held(
    measured: Measured, theirs: Mapping[str, str], cell: Cell | None, golden: Golden, store: Store, seeds: int | None
) -> Verdict:
    """The verdict on one cell of the reference run."""
    place = theirs["row"], theirs["column"]
    counted = readings.counted(theirs.get("metric", "accuracy"))
    margin = MARGIN if counted else RATIO_MARGIN
    expected = float(theirs["mean"])
    found = Verdict(
        measured.exhibit.id, *place, expected, measured=None, margin=margin, heading=measured.column(place[1])
    )
    ours = _row(measured, *place)
    if cell is None or ours is None or ours.mean is None:
        return found
    records = measured.records[place]
    difference = (
        matching.by_answers(records, cell, golden, store)
        or matching.by_counts(records, cell, golden)
        or matching.by_means(ours, Row(**{**vars(ours), **_interval_of(theirs)}))
    )
    wanted = min(int(theirs["seeds"]), seeds or int(theirs["seeds"]))
    return replace(
        found,
        expected=ours.mean - difference.effect,
        measured=ours.mean,
        difference=difference,
        asked=_asked(measured, cell),
        method=_class(cell),
        lost=max(0, wanted - ours.seeds),
    )


def _asked(measured: Measured, cell: Cell) -> Asked:
    question = cell.question
    runs = sorted(readings.under(record, SELECTION).key for record in measured.records[cell.row, cell.column])
    return (str(question.metric), str(question.target), *runs)


def _class(cell: Cell) -> str:
    return (cell.method or "").rpartition(":")[2]


def against_paper(measured: Measured) -> list[Verdict]:
    """A verdict, for `judge`, on every cell that is measured and has a number in the paper."""
    found = []
    cells = {(cell.row, cell.column): cell for cell in measured.exhibit.cells()}
    for row in measured.rows:
        if row.selection != SELECTION or row.paper is None or row.mean is None:
            continue
        cell = cells[row.row, row.column]
        images = 0 if cell.question.mean_over is not None else reference.images(cell.question.tested_on)
        half = 196 * sqrt(row.paper / 100 * (1 - row.paper / 100) / images) if images else nan
        printed = replace(row, mean=row.paper, ci_low=row.paper - half, ci_high=row.paper + half, seeds=1)
        found.append(
            Verdict(
                row.exhibit,
                row.row,
                row.column,
                expected=row.paper,
                measured=row.mean,
                difference=matching.by_means(row, printed),
                asked=_asked(measured, cell),
                method=_class(cell),
                heading=measured.column(row.column),
            )
        )
    return found


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
    return [
        Verdict(
            row.exhibit,
            row.row,
            row.column,
            expected=None,
            measured=row.mean,
            heading=measured.column(row.column),
        )
        for row in rows
    ]


def _row(measured: Measured, row: str, column: str) -> Row | None:
    try:
        return measured.at(row, column, SELECTION)
    except KeyError:
        return None


def _interval_of(cell: Mapping[str, str]) -> dict[str, float | int | None]:
    bounds = {name: float(cell[name]) if cell.get(name) else None for name in ("ci_low", "ci_high")}
    return {"mean": float(cell["mean"]), "seeds": int(cell["seeds"]), **bounds}


def counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Verdict -> number of cells."""
    said = [v.says for v in verdicts]
    return {word: said.count(word) for word in (AGREES, WORSE, BETTER, OPEN, MISSING, OUTSIDE)}
