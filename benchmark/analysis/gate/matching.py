"""Our runs beside the same runs of the reference: answers image by image, counts, or the means of a cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, nan

import numpy as np

from benchmark.analysis import pairing
from benchmark.analysis.gate.difference import COUNTS, MEANS, Difference, of_answers
from benchmark.analysis.gate.reference_run import SELECTION, Golden, keeps_answers
from benchmark.analysis.results import Row
from benchmark.exhibits.exhibit import Cell
from benchmark.numerics import stats
from benchmark.records import readings
from benchmark.records.readings import Reading
from benchmark.records.record import Record
from benchmark.records.store import Store

ROUNDED = 1e-6
"""Largest difference of two equal numbers: the reference run keeps six decimals."""

LARGEST_RATIO = 2.0
"""Largest complementarity 1 - cos(s0, s) of an image (Eq. 5); the smallest is 0."""


def by_answers(records: Sequence[Record], cell: Cell, golden: Golden, store: Store) -> Difference | None:
    """Compare the runs of a cell with their repetitions in the reference, image by image.

    The seeds are the same on both sides, so that only images are drawn. A cell that is a mean over data sets has the mean of
    their differences.

    Args:
        records: The records of the cell.
        cell: The cell.
        golden: The reference run.
        store: The answers of the records.

    Returns:
        The difference over the runs that both sides have; None if a data set of the cell has no such run.
    """
    if not keeps_answers(cell):
        return None
    target, groups = cell.question.target, pairing.by_dataset(records).values()
    by_image: dict[pairing.Images, np.ndarray] = {}
    shares: dict[str, float] = {}
    for runs in groups:
        pairs = _answered(runs, partial(golden.answers, target=target), pairing.stored(store, SELECTION, target))
        if not pairs:
            return None
        differences = [ours.astype(np.int8) - theirs.astype(np.int8) for _, theirs, ours in pairs]
        by_image[pairing.images(runs[0], target)] = 100 * np.mean(differences, axis=0) / len(groups)
        shares |= {readings.under(record, SELECTION).key: 1 / len(pairs) / len(groups) for record, _, _ in pairs}
    return of_answers(by_image, shares)


def _answered(
    runs: Sequence[Record], theirs: pairing.Answers, ours: pairing.Answers
) -> list[tuple[Record, np.ndarray, np.ndarray]]:
    """The runs with answers on both sides, and these answers."""
    found = ((record, theirs(record), ours(record)) for record in runs)
    return [(record, left, right) for record, left, right in found if left is not None and right is not None]


@dataclass(frozen=True)
class Repeat:
    """A number of one run, and the number that the reference run has for the same question."""

    run: str
    ours: Reading
    theirs: float
    images: int

    @property
    def difference(self) -> float:
        """Ours less theirs."""
        return self.ours.value - self.theirs

    @property
    def variance(self) -> float:
        """Largest variance of the difference over images, each side drawn by itself.

        For accuracies in per cent it is the binomial one. A ratio is a mean over images of values from 0 to
        `LARGEST_RATIO`, whose variance is at most m (L - m) for a mean of m (Bhatia and Davis 2000).
        """
        largest = 100 if self.ours.n is not None else LARGEST_RATIO
        return sum(max(0.0, value * (largest - value)) / self.images for value in (self.ours.value, self.theirs))


def by_counts(records: Sequence[Record], cell: Cell, golden: Golden) -> Difference | None:
    """Compare the numbers of a cell's runs with those of their repetitions, where no answers of images are kept.

    The error over images is the largest possible, because it is not known which images were answered otherwise.

    Args:
        records: The records of the cell.
        cell: The cell.
        golden: The reference run.

    Returns:
        The difference over the runs that both sides have; None if there is no such run.
    """
    repeats = [found for record in records if (found := _repeat(record, cell, golden)) is not None]
    if not repeats:
        return None
    n = len(repeats)
    return Difference(
        effect=sum(repeat.difference for repeat in repeats) / n,
        variance=sum(repeat.variance for repeat in repeats) / n**2,
        how=COUNTS,
        exact=all(abs(repeat.difference) <= ROUNDED for repeat in repeats),
        shares={repeat.run: 1 / n for repeat in repeats},
    )


def _repeat(record: Record, cell: Cell, golden: Golden) -> Repeat | None:
    ours, theirs = readings.read(record, cell.question, SELECTION), golden.reading(record, cell)
    return (
        None
        if ours is None or theirs is None
        else Repeat(readings.under(record, SELECTION).key, ours, theirs, ours.n or record.n)
    )


def by_means(ours: Row, theirs: Row) -> Difference:
    """Compare two means by their intervals, with Welch's degrees of freedom."""
    parts = [_error(row) for row in (ours, theirs)]
    variance = sum(error**2 for error, _ in parts)
    spread = sum(error**4 / degrees for error, degrees in parts)
    assert ours.mean is not None
    assert theirs.mean is not None
    degrees = variance**2 / spread if spread else inf
    return Difference(effect=ours.mean - theirs.mean, variance=variance, how=MEANS, degrees=degrees)


def _error(row: Row) -> tuple[float, float]:
    """Standard error of a mean and its degrees of freedom, from the interval of the mean; nan where it has no interval."""
    if row.ci_low is None or row.ci_high is None:
        return nan, inf
    degrees = row.seeds - 1 if row.seeds > 1 else inf
    return (row.ci_high - row.ci_low) / 2 / stats.t_quantile(degrees), degrees
