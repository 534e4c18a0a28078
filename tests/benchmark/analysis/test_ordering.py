"""Two rankings side by side, and how far they agree."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats
from toy_world import paper, planted, table, toy

from benchmark.analysis.ordering import kendall, orders
from benchmark.analysis.results import gather
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


def ordered(**val: int) -> list[tuple[str, list[str], list[str], float | None]]:
    shown = table(rows=ROWS)
    counts = {(row, "1-shot"): [(0, correct, 0)] for row, correct in val.items()}
    found = orders(gather(shown, toy(), planted(shown, toy(), counts)))
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
