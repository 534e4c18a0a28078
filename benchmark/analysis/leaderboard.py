"""Methods ranked over data sets and numbers of shots, and which of their differences are sure.

A method's place is its mean rank over conditions, a condition being a number of shots on a data set. Two methods are told
apart by their difference in mean accuracy over the conditions, paired by seed and image, after Holm's adjustment over all
pairs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from benchmark.analysis.compare import ALPHA
from benchmark.analysis.leakage import SOURCES
from benchmark.analysis.ordering import kendall
from benchmark.analysis.pairing import Answers, Images, Paired, images, pair, stored
from benchmark.analysis.results import Measured
from benchmark.core import tidy_csv
from benchmark.core.numbers import fixed, interval
from benchmark.core.text import counted
from benchmark.numerics import stats
from benchmark.records.record import Record
from benchmark.records.store import Store

FEWEST_METHODS, FEWEST_CONDITIONS = 3, 2
"""Smallest numbers of methods and of conditions that are ranked."""


@dataclass(frozen=True)
class Standing:
    """A method on a board.

    Attributes:
        row: The method's row.
        rank: Mean rank over the conditions, 1 the best; methods in a tie share the mean of their ranks.
        accuracy: Mean accuracy over the conditions in per cent, with its interval over seeds and images.
        behind: Mean accuracy less that of the first of the board, in points; None for the first.
        alike: The rows that it is not told apart from.
    """

    row: str
    rank: float
    accuracy: stats.Paired
    behind: stats.Paired | None
    alike: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """The methods of an exhibit, best first.

    Attributes:
        measured: The exhibit.
        conditions: Names of the columns that are ranked.
        seeds: Seeds of the runs.
        standings: The methods that are measured in all the conditions at these seeds.
        left_out: Row -> how many of the conditions it is measured in.
        beside: A sentence on the order under another selection; "" where there is none.
    """

    measured: Measured
    conditions: tuple[str, ...]
    seeds: tuple[int, ...]
    standings: tuple[Standing, ...]
    left_out: Mapping[str, int]
    beside: str = ""

    @property
    def words(self) -> str:
        """Number of columns, seeds, and rows that are left out, in a sentence or two."""
        tests = len(self.standings) * (len(self.standings) - 1) // 2
        seeds = f"{'seeds' if len(self.seeds) > 1 else 'seed'} {', '.join(map(str, self.seeds))}"
        shown = f"Over {counted(len(self.conditions), 'column')}, {seeds}; {counted(tests, 'pair')}."
        of = len(self.conditions)
        out = [f"{row} ({f'{n} of {of} columns' if n < of else 'answers gone'})" for row, n in self.left_out.items()]
        left = f"Left out: {', '.join(out)}." if out else ""
        return " ".join(filter(None, (shown, self.beside, left)))


def boards(exhibits: Iterable[Measured], store: Store) -> list[Board]:
    """The boards of the exhibits with methods in the rows and shots in the columns, under `val`, where enough is measured.

    Args:
        exhibits: The exhibits of one suite.
        store: Answers of the records, image by image.

    Returns:
        One board an exhibit of `leakage.SOURCES` with at least three methods measured in at least two conditions; each says
        how far the order under `test` is another.
    """
    found = (_board(measured, store) for measured in exhibits if measured.exhibit.id in SOURCES)
    return [board for board in found if board is not None]


def _board(measured: Measured, store: Store) -> Board | None:
    columns, places = _conditions(measured)
    complete = [row for row, found in places.items() if all(column in found for column in columns)]
    if len(complete) < FEWEST_METHODS or len(columns) < FEWEST_CONDITIONS:
        return None
    paired = pair(*(places[row][column] for row in complete for column in columns))
    sides = iter(paired.sides)
    cells = {row: [Paired(paired.seeds, (next(sides),)) for _ in columns] for row in complete}
    ours, theirs = (_standings(cells, stored(store, selection)) for selection in ("val", "test"))
    if not ours:
        return None
    ranked = {one.row for one in ours}
    left_out = {row: sum(c in found for c in columns) for row, found in places.items() if row not in ranked}
    return Board(
        measured, tuple(map(measured.column, columns)), paired.seeds, ours, left_out, beside=on_test(ours, theirs)
    )


def _conditions(measured: Measured) -> tuple[list[str], dict[str, dict[str, list[Record]]]]:
    """The columns that at least half of the measured rows have, and row -> column -> the records."""
    places: dict[str, dict[str, list[Record]]] = {}
    for (row, column), records in measured.records.items():
        if records:
            places.setdefault(row, {})[column] = records
    names = [column["name"] for column in measured.exhibit.columns]
    most = [name for name in names if 2 * sum(name in found for found in places.values()) >= len(places) > 0]
    return most, places


def _standings(cells: Mapping[str, Sequence[Paired]], known: Answers) -> tuple[Standing, ...]:
    """The methods whose answers are known in all conditions, best first; none if these are too few or on other images."""
    right = {row: found for row, several in cells.items() if (found := _answers(several, known))}
    if len(right) < FEWEST_METHODS or len({tuple(found) for found in right.values()}) != 1:
        return ()
    accuracies = {row: [float(c.mean()) for several in of.values() for c in several] for row, of in right.items()}
    by_condition = [_ranks(column) for column in zip(*accuracies.values(), strict=True)]
    ranks = dict(zip(right, np.mean(by_condition, axis=0).tolist(), strict=True))
    values = {row: _pooled(of) for row, of in right.items()}
    pairs = {both: stats.crossed(values[both[0]] - values[both[1]]) for both in combinations(values, 2)}
    adjusted = zip(pairs, stats.holm([found.p for found in pairs.values()]), strict=True)
    alike = {frozenset(both) for both, p in adjusted if p > ALPHA}
    means = {row: stats.crossed(found) for row, found in values.items()}
    first, *others = order = sorted(values, key=lambda row: (ranks[row], -means[row].effect))
    behind = {row: stats.crossed(values[row] - values[first]) for row in others}
    return tuple(
        Standing(row, ranks[row], means[row], behind.get(row), tuple(o for o in order if {row, o} in alike))
        for row in order
    )


def _answers(cells: Sequence[Paired], known: Answers) -> dict[Images, list[np.ndarray]]:
    """Test images -> for each condition on them, which each seed classifies correctly, [S, N]; empty where one is unknown."""
    found: dict[Images, list[np.ndarray]] = {}
    for cell in cells:
        right = cell.answers(known)
        if right is None:
            return {}
        found.setdefault(images(cell.sides[0][0][0]), []).append(np.stack(right[0]))
    return found


def _ranks(accuracies: Sequence[float]) -> list[float]:
    """Ranks of accuracies, 1 the highest; equal ones share the mean of their ranks.

    Args:
        accuracies: accuracies in one condition.

    Returns:
        The rank of each.

    Example:
        >>> _ranks([50.0, 60.0, 50.0])
        [2.5, 1.0, 2.5]
    """
    return [1 + sum(b > a for b in accuracies) + (sum(b == a for b in accuracies) - 1) / 2 for a in accuracies]


def _pooled(right: Mapping[Images, Sequence[np.ndarray]]) -> np.ndarray:
    """A number for each seed and image whose mean is the mean accuracy over the conditions, [S, N of all data sets].

    An image of a data set counts its share of correct answers over the numbers of shots, times the data set's part of the
    conditions, over its part of the images. The pooled images are a sample of all data sets together, so that the interval
    also holds how much the data sets differ.

    Args:
        right: Test images -> for each condition on them, which each seed classifies correctly, [S, N].

    Returns:
        The numbers.
    """
    conditions = sum(map(len, right.values()))
    total = sum(several[0].shape[1] for several in right.values())
    parts = [
        np.sum(several, axis=0, dtype=np.float64) / conditions * total / several[0].shape[1]
        for several in right.values()
    ]
    return np.concatenate(parts, axis=1)


def on_test(ours: Sequence[Standing], theirs: Sequence[Standing]) -> str:
    """How far the order by mean accuracy is another where settings are chosen on test images, in a sentence.

    Args:
        ours: The methods under `val`.
        theirs: The methods under `test`.

    Returns:
        The pairs that change sides, and those of them that are sure on both sides; "" where the methods are not the same.
    """
    val, test = ({one.row: one for one in standings} for standings in (ours, theirs))
    if val.keys() != test.keys():
        return ""
    pairs = list(combinations(val, 2))
    turned = [(a, b) for a, b in pairs if _ahead(val[a], val[b]) * _ahead(test[a], test[b]) < 0]
    sure = sum(b not in val[a].alike and b not in test[a].alike for a, b in turned)
    tau = kendall([(val[row].accuracy.effect, test[row].accuracy.effect) for row in val])
    order = "" if tau is None else f" (Kendall's τ of the two orders {fixed(tau, 2)})"
    return f"Chosen on test images, {len(turned)} of {counted(len(pairs), 'pair')} change sides{order}, {sure} surely."


def _ahead(one: Standing, other: Standing) -> float:
    return one.accuracy.effect - other.accuracy.effect


HEADER = ("method", "mean rank", "mean accuracy (%)", "less the first", "not told apart from")
"""The columns of a board as a table."""


def table(board: Board) -> list[tuple[str, ...]]:
    """A board as rows of text under `HEADER`, best first."""
    return [
        (
            one.row,
            fixed(one.rank, 2),
            fixed(one.accuracy.effect, 1) + interval(one.accuracy.low, one.accuracy.high, 1),
            ""
            if one.behind is None
            else fixed(one.behind.effect, 1, "+") + interval(one.behind.low, one.behind.high, 1, "+"),
            ", ".join(one.alike),
        )
        for one in board.standings
    ]


FIELDS = (
    "exhibit",
    "method",
    "mean_rank",
    "accuracy",
    "ci_low",
    "ci_high",
    "less_first",
    "less_low",
    "less_high",
    "alike",
)
"""The columns of the boards as tidy rows."""


def csv(found: Iterable[Board]) -> str:
    """The boards as tidy rows, points to four decimals; `alike` holds the rows not told apart, separated by semicolons."""
    rows = []
    for board in found:
        for one in board.standings:
            less = one.behind
            values = (
                board.measured.exhibit.id, one.row, one.rank, one.accuracy.effect, one.accuracy.low, one.accuracy.high,
                less and less.effect, less and less.low, less and less.high, "; ".join(one.alike),
            )  # fmt: skip
            rows.append(dict(zip(FIELDS, values, strict=True)))
    return tidy_csv.text(list(FIELDS), rows)
