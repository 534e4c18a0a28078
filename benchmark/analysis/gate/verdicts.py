"""The regression gate: what stands in results/ against a reference, by effect and interval, and one verdict a cell.

A cell differs where it is surely off by more than the margin: the test is against a difference of the margin, adjusted by
Holm over all cells that are compared. It agrees where its whole 95 % interval lies within the margin; else it is open.

golden: our own committed run, results/reference/<suite>/. Where a run was made at the same question as the reference's (same
seed, data, settings), the two are compared image by image, so that the luck of a seed is in neither side; what has no answers
of images (a shift, a ratio) seed by seed. Otherwise the means are compared, each with its interval over seeds.
paper: the printed numbers, each taken as one run on its test set. For suites whose values may be compared with them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, nan, sqrt
from statistics import mean, median

import numpy as np

from benchmark.analysis import pairing
from benchmark.analysis.gate.reference_run import SELECTION, Golden, keeps_answers
from benchmark.analysis.results import Measured, Row
from benchmark.exhibits.exhibit import Cell
from benchmark.numerics import stats
from benchmark.records import readings, reference
from benchmark.records.store import Store

AGREES, WORSE, BETTER, OPEN, MISSING = "agrees", "worse", "better", "inconclusive", "missing"
"""The verdicts; `WORSE` and `BETTER` are the two ways to differ."""

MARGIN = 1.0
"""Percentage points that a cell may be off. The same seeds and images on another processor or torch version move it by some
tenths (another order of additions, and from there another path through training); a broken method moves it by more."""

RATIO_MARGIN = 0.02
"""The same for what is no percentage, the complementarities of Eq. 5."""

LEVEL = 1 - stats.LEVEL


@dataclass(frozen=True)
class Verdict:
    """One cell. expected, measured, and the effect with its interval, in per cent and points (or the unit of a ratio).

    how: "images" where the same runs were compared image by image, "seeds" where run by run, else "means".  p: of a
    difference no greater than the margin; adjusted: by Holm over the family.
    """

    exhibit: str
    row: str
    column: str
    expected: float
    measured: float | None
    effect: float = nan
    error: float = nan
    degrees: float = inf
    how: str = ""
    margin: float = MARGIN
    adjusted: float = 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the effect; without an error there is none, and it has no bounds."""
        if np.isnan(self.error):
            return -inf, inf
        half = self.error * stats.t_quantile(self.degrees)
        return self.effect - half, self.effect + half

    @property
    def p(self) -> float:
        """One-sided, of a difference no greater than the margin."""
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
        if self.adjusted <= LEVEL:
            return WORSE if self.effect < 0 else BETTER
        low, high = self.interval
        return AGREES if -self.margin <= low and high <= self.margin else OPEN

    @property
    def place(self) -> str:
        """For people: "table4: CoOp, 16-shot"."""
        return f"{self.exhibit}: {self.row}, {self.column}"

    @property
    def line(self) -> str:
        """The verdict in a line."""
        if self.measured is None:
            return f"{self.says}: {self.place}: reference {self.expected:.2f}"
        low, high = self.interval
        interval = "no interval" if np.isinf(low) else f"{low:+.2f} to {high:+.2f}"
        return (
            f"{self.says}: {self.place}: {self.measured:.2f} against {self.expected:.2f},"
            f" {self.effect:+.2f} ({interval}, by {self.how})"
        )


def against_golden(measured: Measured, golden: Golden, store: Store) -> list[Verdict]:
    """Every cell of the reference, whether or not it is measured; cells that only we have are no matter of the gate."""
    cells = {(cell.row, cell.column): cell for cell in measured.exhibit.cells()}
    seeds = {place: each for place, cell in cells.items() if (each := _by_seed(measured, cell, golden))}
    scatter = {counted: _scatter(seeds, cells, counted) for counted in (True, False)}
    found = []
    for cell in golden.cells(measured.exhibit.id):
        place, expected = (cell["row"], cell["column"]), float(cell["mean"])
        said = (measured.exhibit.id, *place, expected)
        counted = readings.counted(cell.get("metric", "accuracy"))
        margin = MARGIN if counted else RATIO_MARGIN
        ours = _row(measured, *place)
        if ours is None or ours.mean is None:
            found.append(Verdict(*said, None, margin=margin))
        elif (paired := _by_image(measured, cells[place], golden, store)) is not None:
            effect, error = paired
            found.append(Verdict(*said[:3], ours.mean - effect, ours.mean, effect, error, inf, "images", margin))
        elif place in seeds:
            effect, (sd, degrees) = mean(seeds[place]), scatter[counted]
            error = sd / sqrt(len(seeds[place]))
            found.append(Verdict(*said[:3], ours.mean - effect, ours.mean, effect, error, degrees, "seeds", margin))
        else:
            theirs = Row(**{**vars(ours), **_interval_of(cell)})
            found.append(_by_means(said[:3], ours, theirs, margin))
    return adjusted(found)


def against_paper(measured: Measured) -> list[Verdict]:
    """Every cell that the paper prints a number for and that is measured."""
    found = []
    cells = {(cell.row, cell.column): cell for cell in measured.exhibit.cells()}
    for row in measured.rows:
        if row.selection != SELECTION or row.paper is None or row.mean is None:
            continue
        said = cells[row.row, row.column].said
        images = 0 if "mean_over" in said else reference.images(said.get("target", said["dataset"]))
        half = 196 * sqrt(row.paper / 100 * (1 - row.paper / 100) / images) if images else nan
        printed = replace(row, mean=row.paper, ci_low=row.paper - half, ci_high=row.paper + half, seeds=1)
        found.append(_by_means((measured.exhibit.id, row.row, row.column), row, printed, MARGIN))
    return adjusted(found)


def adjusted(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The same with Holm's adjustment over all that are measured."""
    p_values = stats.holm([v.p for v in verdicts if v.measured is not None])
    numbers = iter(p_values)
    return [v if v.measured is None else replace(v, adjusted=next(numbers)) for v in verdicts]


def _row(measured: Measured, row: str, column: str) -> Row | None:
    try:
        return measured.at(row, column, SELECTION)
    except KeyError:
        return None


def _interval_of(cell: Mapping[str, str]) -> dict[str, float | int | None]:
    bounds = {name: float(cell[name]) if cell.get(name) else None for name in ("ci_low", "ci_high")}
    return {"mean": float(cell["mean"]), "seeds": int(cell["seeds"]), **bounds}


def _by_image(measured: Measured, cell: Cell, golden: Golden, store: Store) -> tuple[float, float] | None:
    """Effect and standard error over images, in points, of exactly the runs that both sides have; None where one has not all.

    The seeds are the same on both sides, so only the images are drawn. A cell that is a mean over data sets has the
    mean of their effects.
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
    return 100 * effect, 100 * sqrt(variance)


def _by_seed(measured: Measured, cell: Cell, golden: Golden) -> list[float]:
    """Ours less theirs of exactly the same runs, one a seed; empty where the cell has images' answers or one side not all.

    A cell that is a mean over data sets has the mean of their differences.
    """
    if keeps_answers(cell):
        return []
    by_seed = []
    for records in pairing.by_seed(measured.records.get((cell.row, cell.column), [])).values():
        pairs = [(readings.read(record, cell.said, SELECTION), golden.reading(record, cell)) for record in records]
        differences = [ours.value - theirs for ours, theirs in pairs if ours is not None and theirs is not None]
        if len(differences) < len(pairs):
            return []
        by_seed.append(mean(differences))
    return by_seed


def _scatter(
    seeds: Mapping[tuple[str, str], Sequence[float]], cells: Mapping[tuple[str, str], Cell], counted: bool
) -> tuple[float, float]:
    """Standard deviation of one seed's difference from another machine's, and its degrees of freedom.

    From all that are of a kind in the exhibit, by the median of their sizes: a method that is broken does not widen it. That
    estimate is worth 0.37 of as many squares.
    """
    kind = [
        d for place, found in seeds.items() if readings.counted(cells[place].said["metric"]) == counted for d in found
    ]
    return (1.4826 * median(map(abs, kind)), max(1.0, 0.37 * len(kind))) if kind else (nan, inf)


def _by_means(place: tuple[str, str, str], ours: Row, theirs: Row, margin: float) -> Verdict:
    """Two means with their intervals (Welch)."""
    parts = [_error(row) for row in (ours, theirs)]
    variance = sum(error**2 for error, _ in parts)
    spread = sum(error**4 / degrees for error, degrees in parts)
    degrees = variance**2 / spread if spread else inf
    assert ours.mean is not None
    assert theirs.mean is not None
    effect = ours.mean - theirs.mean
    return Verdict(*place, theirs.mean, ours.mean, effect, sqrt(variance), degrees, "means", margin)


def _error(row: Row) -> tuple[float, float]:
    """Standard error of a mean and its degrees of freedom, from its interval; nan where it has none."""
    if row.ci_low is None or row.ci_high is None:
        return nan, inf
    degrees = row.seeds - 1 if row.seeds > 1 else inf
    return (row.ci_high - row.ci_low) / 2 / stats.t_quantile(degrees), degrees


def counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Verdict -> how many cells."""
    said = [v.says for v in verdicts]
    return {word: said.count(word) for word in (AGREES, WORSE, BETTER, OPEN, MISSING)}
