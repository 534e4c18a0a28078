"""Rankings of the methods, the paper's and ours, with their rank correlation.

A suite with data of another scale cannot be compared with the paper's numbers, but with their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf, sqrt

import numpy as np

from benchmark.analysis.results import Measured, Row
from benchmark.core.digest import Json
from benchmark.exhibits.naming import column_named
from benchmark.numerics.stats import t_quantile
from benchmark.records import reference

DRAWS, SEED = 2000, 0
"""Draws of our numbers behind an interval of `agreement`, and their seed."""


@dataclass(frozen=True)
class Order:
    """Rankings in one column of the rows that have a number both in the paper and in our records.

    Attributes:
        column: The column, for people.
        paper: Rows by the paper's numbers, best first.
        ours: Rows by our numbers, best first.
        tau: Kendall's rank correlation of the two, from -1 (reversed) to 1 (equal); None for fewer than three rows, or where
            one side's numbers are all equal.
    """

    column: str
    paper: list[str]
    ours: list[str]
    tau: float | None


def orders(measured: Measured, selection: str = "val") -> list[Order]:
    """The paper's ranking and ours under `selection`, for every column with comparable numbers on both sides."""
    found = _pairs(measured, selection)
    return [_order(column_named(column, measured.suite), pairs) for column, pairs in found if pairs]


@dataclass(frozen=True)
class Agreement:
    """Rank correlation of the paper's numbers with ours over the columns of an exhibit.

    Attributes:
        title: Title of the exhibit.
        columns: Number of columns with at least three rows that have a number on both sides.
        numbers: Number of such numbers.
        tau: Kendall's rank correlation within columns, from -1 to 1.
        low: Lower end of its 95 % interval.
        high: Upper end.
    """

    title: str
    columns: int
    numbers: int
    tau: float
    low: float
    high: float


def agreement(measured: Measured, selection: str = "val") -> Agreement | None:
    """How far our numbers order the rows of an exhibit as the paper's do.

    τ is that of `kendall`, with the pairs of rows of all columns counted together. Its interval is of 2,000 draws of our
    numbers, each from the normal distribution that its own interval describes and independently of the others; the paper's
    numbers are taken as they are printed.

    Returns:
        The correlation; None where no column has three rows with a number on both sides.
    """
    pairs = [column for _, column in _pairs(measured, selection) if len(column) >= 3]
    ordered = np.zeros(1 + DRAWS), np.zeros(1 + DRAWS)
    rng, z = np.random.default_rng(SEED), t_quantile(inf)
    for column in pairs:
        printed = np.array([paper for _, paper in column])
        means = np.array([row.mean for row, _ in column])
        deviations = np.array([((row.ci_high or 0) - (row.ci_low or 0)) / 2 / z for row, _ in column])
        drawn = np.vstack([means, means + deviations * rng.standard_normal((DRAWS, len(column)))])
        one, other = np.triu_indices(len(column), 1)
        theirs, ours = np.sign(printed[one] - printed[other]), np.sign(drawn[:, one] - drawn[:, other])
        ordered[0][:] += (theirs * ours).sum(1)
        ordered[1][:] += np.sqrt(np.count_nonzero(theirs) * np.count_nonzero(ours, axis=1))
    if not ordered[1].all():
        return None
    taus = ordered[0] / ordered[1]
    low, high = np.quantile(taus[1:], [0.025, 0.975])
    return Agreement(measured.exhibit.title, len(pairs), sum(map(len, pairs)), *map(float, (taus[0], low, high)))


def _pairs(measured: Measured, selection: str) -> list[tuple[Json, list[tuple[Row, float]]]]:
    """Columns, each with its rows that have a number both in the paper and in our records, and the paper's number."""
    cells = {(cell.row, cell.column): cell for cell in measured.exhibit.cells()}
    found = []
    for column in measured.exhibit.columns:
        if "declares" in column:
            continue
        pairs = []
        for row in measured.exhibit.rows:
            place = row["name"], column["name"]
            printed = reference.printed(measured.exhibit.reference, cells[place].question.cite or {})
            ours = measured.at(*place, selection)
            if printed is not None and ours.mean is not None and place not in measured.sizes:
                pairs.append((ours, printed))
        found.append((column, pairs))
    return found


def _order(column: str, pairs: list[tuple[Row, float]]) -> Order:
    numbers = [(row.row, printed, row.mean or 0.0) for row, printed in pairs]
    paper = [name for name, printed, _ in sorted(numbers, key=lambda p: -p[1])]
    ours = [name for name, _, mean in sorted(numbers, key=lambda p: -p[2])]
    return Order(column, paper, ours, kendall([p[1:] for p in numbers]) if len(numbers) >= 3 else None)


def kendall(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Kendall's rank correlation τ_b of pairs of numbers.

    (P - Q) / √((N - T) (N - U)): of all N pairs of pairs P are concordant, Q discordant, T tied on the left, U on the right.

    Returns:
        τ_b from -1 to 1; None where one side's numbers are all equal.
    """
    turns = [((a > c) - (a < c), (b > d) - (b < d)) for (a, b), (c, d) in combinations(pairs, 2)]
    untied = [sum(turn[side] != 0 for turn in turns) for side in (0, 1)]
    return sum(left * right for left, right in turns) / sqrt(untied[0] * untied[1]) if all(untied) else None
