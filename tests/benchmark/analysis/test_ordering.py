"""Two rankings side by side, and how far they agree."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats
from toy_world import paper, planted, table, toy

from benchmark.analysis.ordering import agreement, kendall, orders
from benchmark.analysis.results import Measured, gather
from benchmark.core import paths

ZERO = "baselines.zero_shot:ZeroShotCLIP"
TIP = "baselines.tip_adapter:TipAdapter"
ROWS = [
    {"name": "One", "method": ZERO, "cite": {"method": "One"}},
    {"name": "Two", "method": TIP, "cite": {"method": "Two"}},
    {"name": "Three", "method": TIP, "with": {"beta": 3.0}, "cite": {"method": "Three"}},
    {"name": "Four", "method": TIP, "with": {"beta": 4.0}},
]  # the paper: One 50.25, Two 70.25, Three 90.25 at 1 shot; One 60.25, Two 80.25 at 2


@pytest.fixture(autouse=True)
def _paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = paper(tmp_path / "reference")
    monkeypatch.setattr(paths, "reference", lambda: folder)


def gathered(columns: tuple[str, ...] = ("1-shot",), **val: int) -> Measured:
    shown = table(rows=ROWS)
    counts = {(row, column): [(0, correct, 0)] for row, correct in val.items() for column in columns}
    return gather(shown, toy(), planted(shown, toy(), counts))


def ordered(**val: int) -> list[tuple[str, list[str], list[str], float | None]]:
    found = orders(gathered(**val))
    return [(o.column, o.paper, o.ours, o.tau) for o in found]


@pytest.mark.parametrize(
    ("val", "ours", "tau"),
    [
        ({"One": 1, "Two": 2, "Three": 3}, ["Three", "Two", "One"], 1),
        ({"One": 3, "Two": 2, "Three": 1}, ["One", "Two", "Three"], -1),
        ({"One": 1, "Two": 3, "Three": 2}, ["Two", "Three", "One"], 1 / 3),  # two pairs of three agree
        ({"One": 5, "Two": 5, "Three": 5}, ["One", "Two", "Three"], None),
    ],
)
def test_the_best_comes_first_on_both_sides(val: dict[str, int], ours: list[str], tau: float | None) -> None:
    ((column, theirs, found, rank),) = ordered(**val)
    assert (column, theirs, found) == ("1-shot", ["Three", "Two", "One"], ours)
    assert rank is None if tau is None else rank == pytest.approx(tau)


def test_rows_without_a_number_on_both_sides_are_left_out() -> None:
    assert ordered(One=1, Two=2, Four=9) == [("1-shot", ["Two", "One"], ["Two", "One"], None)]


def test_a_column_of_which_nothing_is_measured_is_left_out() -> None:
    assert ordered() == []


def test_kendall_s_tau_is_scipy_s_ties_included() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        pairs = rng.integers(0, 5, (7, 2)).tolist()
        expected = scipy_stats.kendalltau(*zip(*pairs, strict=True)).statistic
        assert kendall([(a, b) for a, b in pairs]) == pytest.approx(expected)
    assert kendall([(1, 2), (1, 3), (1, 4)]) is None


def test_an_exhibit_agrees_as_far_as_its_columns_do() -> None:
    found = agreement(gathered(One=0, Two=20, Three=10))
    assert found is not None
    assert (found.columns, found.numbers, found.tau) == (1, 3, pytest.approx(1 / 3))
    assert (found.low, found.high) == (
        pytest.approx(1 / 3),
        pytest.approx(1 / 3),
    )  # such a distance is no matter of chance


def test_numbers_that_are_hardly_apart_leave_the_agreement_open() -> None:
    found = agreement(gathered(One=10, Two=11, Three=12))
    assert found is not None
    assert found.tau == 1
    assert (found.low, found.high) == (-1, 1)


@pytest.mark.parametrize("val", [{}, {"One": 1, "Two": 2}, {"One": 5, "Two": 5, "Three": 5}])
def test_two_rows_or_equal_numbers_have_no_agreement(val: dict[str, int]) -> None:
    assert agreement(gathered(**val)) is None
