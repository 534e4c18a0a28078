"""Methods ranked over data sets and numbers of shots, and which of their differences are sure.

A method's place is its mean rank over conditions, a condition being a number of shots on a data set. Two methods are told
apart by their difference in mean accuracy over the conditions, paired by seed and image, after Holm's adjustment over all
pairs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from benchmark.analysis.leakage import SOURCES
from benchmark.analysis.ordering import kendall
from benchmark.analysis.pairing import Images, images, pair, stored
from benchmark.analysis.results import Measured
from benchmark.core import tidy_csv
from benchmark.core.numbers import fixed, interval
from benchmark.core.text import counted
from benchmark.numerics import stats
from benchmark.numerics.stats import Paired
from benchmark.records.record import Record
from benchmark.records.store import Store

LEAST = 3
"""Smallest number of methods, and smallest number of conditions less one, that are ranked."""

ALPHA = 1 - stats.LEVEL
"""Level of the tests: two methods alike are told apart by mistake on one board in twenty."""


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
    accuracy: Paired
    behind: Paired | None
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
        """What is ranked over, and what is left out, in a sentence or two."""
        tests = len(self.standings) * (len(self.standings) - 1) // 2
        shown = (
            f"Over {counted(len(self.conditions), 'column')}, seeds {', '.join(map(str, self.seeds))}; {tests:,} pairs."
        )
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
    found = []
    for measured in exhibits:
        if measured.exhibit.id in SOURCES:
            ours, theirs = (_board(measured, store, selection) for selection in ("val", "test"))
            if ours is not None:
                found.append(ours if theirs is None else replace(ours, beside=on_test(ours, theirs)))
    return found


def _board(measured: Measured, store: Store, selection: str) -> Board | None:
    columns, places = _conditions(measured)
    complete = [row for row in places if all(places[row].get(column) for column in columns)]
    if len(complete) < LEAST or len(columns) < LEAST - 1:
        return None
    seeds = _seeds([places[row][column] for row in complete for column in columns])
    right = {row: _answers([places[row][column] for column in columns], seeds, store, selection) for row in complete}
    right = {row: answers for row, answers in right.items() if answers}
    tasks = {tuple(answers) for answers in right.values()}
    if not seeds or len(right) < LEAST or len(tasks) != 1:
        return None
    counts = {row: sum(bool(found.get(c)) for c in columns) for row, found in places.items() if row not in right}
    standings = _standings(right, len(columns))
    return Board(measured, tuple(map(measured.column, columns)), seeds, standings, counts)


def _conditions(measured: Measured) -> tuple[list[str], dict[str, dict[str, list[Record]]]]:
    """The columns that at least half of the measured rows have, and row -> column -> the records."""
    places: dict[str, dict[str, list[Record]]] = {}
    for (row, column), records in measured.records.items():
        if records:
            places.setdefault(row, {})[column] = records
    names = [column["name"] for column in measured.exhibit.columns]
    most = [name for name in names if 2 * sum(name in found for found in places.values()) >= len(places) > 0]
    return most, places


def _seeds(cells: Sequence[list[Record]]) -> tuple[int, ...]:
    return pair(*cells).seeds


def _answers(
    cells: Sequence[list[Record]], seeds: Sequence[int], store: Store, selection: str
) -> dict[Images, list[np.ndarray]]:
    """Test images -> for each condition on them, which each seed classifies correctly, [S, N]; empty where one is unknown."""
    known, found = stored(store, selection), dict[Images, list[np.ndarray]]()
    for cell in cells:
        runs = _at(cell, seeds)
        right = [known(record) for record in runs]
        there = [answers for answers in right if answers is not None]
        if len({images(record) for record in runs}) != 1 or len(there) < len(seeds):
            return {}
        found.setdefault(images(runs[0]), []).append(np.stack(there))
    return found


def _at(cell: Sequence[Record], seeds: Sequence[int]) -> list[Record]:
    """A cell's run at each seed; a method without a support set has one run for all seeds."""
    by_seed = {record.seed: record for record in cell}
    return [by_seed.get(seed, cell[0]) for seed in seeds]


def _standings(right: Mapping[str, Mapping[Images, Sequence[np.ndarray]]], conditions: int) -> tuple[Standing, ...]:
    accuracies = {row: [float(c.mean()) for several in of.values() for c in several] for row, of in right.items()}
    ranks = dict(
        zip(right, np.mean([_ranks(column) for column in zip(*accuracies.values(), strict=True)], axis=0), strict=True)
    )
    values = {row: _pooled(of, conditions) for row, of in right.items()}
    pairs = {both: stats.crossed(values[both[0]] - values[both[1]]) for both in combinations(values, 2)}
    adjusted = dict(zip(pairs, stats.holm([found.p for found in pairs.values()]), strict=True))
    alike: dict[str, list[str]] = {row: [] for row in values}
    for (a, b), p in adjusted.items():
        if p > ALPHA:
            alike[a].append(b)
            alike[b].append(a)
    means = {row: stats.crossed(found) for row, found in values.items()}
    order = sorted(values, key=lambda row: (ranks[row], -means[row].effect))
    first = order[0]
    return tuple(
        Standing(
            row,
            float(ranks[row]),
            means[row],
            None if row == first else stats.crossed(values[row] - values[first]),
            tuple(other for other in order if other in alike[row]),
        )
        for row in order
    )


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


def _pooled(right: Mapping[Images, Sequence[np.ndarray]], conditions: int) -> np.ndarray:
    """A number for each seed and image whose mean is the mean accuracy over the conditions, [S, N of all data sets].

    An image of a data set counts its share of correct answers over the numbers of shots, times the data set's part of the
    conditions, over its part of the images. The pooled images are a sample of all data sets together, so that the interval
    also holds how much the data sets differ.

    Args:
        right: Test images -> for each condition on them, which each seed classifies correctly, [S, N].
        conditions: Number of conditions.

    Returns:
        The numbers.
    """
    total = sum(several[0].shape[1] for several in right.values())
    parts = [
        np.sum(several, axis=0, dtype=np.float64) / conditions * total / several[0].shape[1]
        for several in right.values()
    ]
    return np.concatenate(parts, axis=1)


def on_test(board: Board, other: Board) -> str:
    """How far the order by mean accuracy is another where settings are chosen on test images, in a sentence.

    Args:
        board: The board under `val`.
        other: The board of the same exhibit under `test`.

    Returns:
        The pairs that change sides, and those of them that are sure on both sides; "" for boards of other methods.
    """
    ours, theirs = ({one.row: one for one in each.standings} for each in (board, other))
    if ours.keys() != theirs.keys():
        return ""
    pairs = list(combinations(ours, 2))
    turned = [both for both in pairs if _sign(ours, both) * _sign(theirs, both) < 0]
    sure = sum(b not in ours[a].alike and b not in theirs[a].alike for a, b in turned)
    tau = kendall([(ours[row].accuracy.effect, theirs[row].accuracy.effect) for row in ours])
    order = "" if tau is None else f" (Kendall's τ of the two orders {fixed(tau, 2)})"
    return f"Chosen on test images, {len(turned)} of {counted(len(pairs), 'pair')} change sides{order}, {sure} surely."


def _sign(standings: Mapping[str, Standing], pair: tuple[str, str]) -> float:
    left, right = (standings[row].accuracy.effect for row in pair)
    return left - right


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
