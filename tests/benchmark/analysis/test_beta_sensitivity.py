"""What a weight of the bias costs that is wrong by a factor: planted curves, and the numbers they must give."""

from dataclasses import replace
from typing import Any

import pytest
from toy_house import house
from toy_world import change, record_of

from benchmark.analysis import beta_sensitivity
from benchmark.analysis.beta_sensitivity import Cost
from benchmark.analysis.results import gather
from benchmark.exhibits import exhibit
from benchmark.records.metrics import BETAS
from benchmark.records.record import Record


def records(drop: float, chosen: dict[str, float], seeds: tuple[int, ...] = (1,)) -> dict[str, Record]:
    """Tip-Adapter at one shot: of 1,000 images 600 are right at beta 1, fewer by `drop` a factor of two away from it."""
    (cell,) = [c for c in exhibit.load("table4").cells() if (c.row, c.column) == ("Tip-Adapter", "1-shot")]
    found = {}
    for run in cell.runs(house(), seeds):
        lost = [drop * run.seed * abs(place - BETAS.index(1.0)) / 8 for place in range(len(BETAS))]
        record = record_of(run.asked(), (600, 600, 600), 1000)
        curve = {"correct": [round(600 - x) for x in lost], "best": {"beta": 1.0, "correct": 600}}
        val = {**record.selections["val"].to_json(), "tuned": chosen}
        change(record, beta_curve=curve, selections=record.to_json()["selections"] | {"val": val})
        found[run.key] = record
    return found


def costs(found: dict[str, Record]) -> list[Cost]:
    return beta_sensitivity.costs([gather(exhibit.load("table4"), house(), found)])


def test_at_the_best_weight_a_factor_costs_what_the_curve_falls_by() -> None:
    found = costs(records(20, {"beta": 1.0}))
    assert [(c.method, c.shots, c.factor, c.cost, c.seeds) for c in found] == [
        ("Tip-Adapter", 1, 2, 2.0, 1),
        ("Tip-Adapter", 1, 4, 4.0, 1),
    ]
    assert {(c.low, c.high) for c in found} == {(None, None)}


def test_the_worse_of_both_sides_counts() -> None:
    """Chosen at 2, two points below the best: half of it is the best, twice as much is two points worse still."""
    assert [c.cost for c in costs(records(20, {"beta": 2.0}))] == [2.0, 4.0]


def test_without_a_choice_it_is_the_method_s_own_weight() -> None:
    assert [c.cost for c in costs(records(20, {}))] == [2.0, 4.0]  # Tip-Adapter's own is 1


@pytest.mark.parametrize(
    ("at", "steps", "images"),
    [(2, (-1, 1), 3), (2, range(-2, 3), 5), (0, (-4, 1), 0), (0, (1,), -2), (4, (0,), 0), (4, (9,), 0), (2, (9,), 5)],
)
def test_the_worst_of_the_wrong_weights_counts_within_the_ends_of_the_curve(
    at: int, steps: tuple[int, ...], images: int
) -> None:
    assert beta_sensitivity.lost([5, 7, 9, 6, 4], at, steps) == images


def test_over_seeds_there_is_an_interval() -> None:
    (half, _) = costs(records(10, {"beta": 1.0}, seeds=(1, 2, 3)))
    assert half.cost == pytest.approx(2)
    assert half.low == pytest.approx(2 - 4.3027 * 1 / 3**0.5, abs=1e-3)


@pytest.mark.parametrize("beta", [1e-9, 1e9])
def test_beyond_the_ends_of_the_curve_the_ends_count(beta: float) -> None:
    found = costs(records(20, {"beta": beta}))
    assert all(c.cost <= 0.1 or c.cost == 2.0 * c.factor / 2 for c in found)


def test_what_has_no_curve_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    without: dict[str, Any] = {key: replace(r, beta_curve=None) for key, r in records(20, {}).items()}
    assert costs(without) == []


def test_there_is_a_table_a_factor_with_a_method_a_row_and_shots_a_column() -> None:
    found = [
        Cost("A", 1, 2, 1.25, 0.5, 2.0, 3),
        Cost("A", 16, 2, 3.0, None, None, 1),
        Cost("B", 1, 2, 0.0, None, None, 1),
    ]
    assert beta_sensitivity.grids([*found, Cost("A", 1, 4, 5.0, None, None, 1)]) == {
        2: (["method", "1-shot", "16-shot"], [["A", "1.2 (0.5 to 2.0)", "3.0"], ["B", "0.0", "–"]]),
        4: (["method", "1-shot"], [["A", "5.0"]]),
    }
    assert beta_sensitivity.grids([]) == {}
