"""Rankings of the methods, the paper's and ours, with their rank correlation.

A suite with data of another scale cannot be compared with the paper's numbers, but with their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

from benchmark.analysis.results import Measured
from benchmark.exhibits.naming import column_named
from benchmark.records import reference


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
    exhibit = measured.exhibit
    cells = {(c.row, c.column): c for c in exhibit.cells()}
    found = []
    for column in exhibit.columns:
        if "declares" in column:
            continue
        pairs = []
        for row in exhibit.rows:
            cell = cells[row["name"], column["name"]]
            printed = reference.printed(exhibit.reference, cell.question.cite or {})
            ours = measured.at(cell.row, cell.column, selection).mean
            if printed is not None and ours is not None and (cell.row, cell.column) not in measured.sizes:
                pairs.append((cell.row, printed, ours))
        found.append(_order(column_named(column, measured.suite), pairs))
    return [order for order in found if order.paper]


def _order(column: str, pairs: list[tuple[str, float, float]]) -> Order:
    paper = [name for name, printed, _ in sorted(pairs, key=lambda p: -p[1])]
    ours = [name for name, _, mean in sorted(pairs, key=lambda p: -p[2])]
    return Order(column, paper, ours, kendall([p[1:] for p in pairs]) if len(pairs) >= 3 else None)


def kendall(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Kendall's rank correlation τ_b of pairs of numbers.

    (P - Q) / √((N - T) (N - U)): of all N pairs of pairs P are concordant, Q discordant, T tied on the left, U on the right.

    Returns:
        τ_b from -1 to 1; None where one side's numbers are all equal.
    """
    turns = [((a > c) - (a < c), (b > d) - (b < d)) for (a, b), (c, d) in combinations(pairs, 2)]
    untied = [sum(turn[side] != 0 for turn in turns) for side in (0, 1)]
    return sum(left * right for left, right in turns) / sqrt(untied[0] * untied[1]) if all(untied) else None
