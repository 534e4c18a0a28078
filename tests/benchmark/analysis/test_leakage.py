"""What choosing on test adds, from planted counts, against sums done by hand."""

import pytest
from toy_world import change, table, toy
from toy_world import planted as records_of

from benchmark.analysis import leakage
from benchmark.analysis.leakage import ALL, Leak
from benchmark.analysis.results import Measured, gather
from benchmark.numerics import stats
from benchmark.records.record import EARLIER

TIP = "baselines.tip_adapter:TipAdapter"
ZERO = "baselines.zero_shot:ZeroShotCLIP"


def source(counts: dict[tuple[str, str], list[tuple[int, int, int]]], **changes: object) -> Measured:
    rows = [
        {"name": "Zero", "method": ZERO, "shots": 0, "seeds": [1]},
        {"name": "Tip", "method": TIP},
    ]
    shown = table(rows=rows, id="table4", **changes)
    return gather(shown, toy(), records_of(shown, toy(), counts))


def of(found: list[Leak], selection: str) -> Leak:
    """The one gap of a selection."""
    (leak,) = [leak for leak in found if leak.selection == selection]
    return leak


def test_the_gap_of_the_released_code_s_choice_stands_beside_that_of_the_most_that_test_gives() -> None:
    measured = source({("Tip", "1-shot"): [(40, 50, 60)]})
    (record,) = measured.records["Tip", "1-shot"]
    change(record, selections=record.to_json()["selections"] | {"released": {"correct": 53}})
    assert [(leak.selection, leak.gap) for leak in leakage.leaks([measured])] == [("released", 3), ("test", 10)]


def test_a_record_from_before_released_has_the_gap_of_test_alone() -> None:
    measured = source({("Tip", "1-shot"): [(40, 50, 60)]})
    (record,) = measured.records["Tip", "1-shot"]
    change(record, selections={name: {"correct": 50} for name in EARLIER})
    assert [leak.selection for leak in leakage.leaks([measured])] == ["test"]


def test_a_gap_is_test_minus_val_in_points_with_an_interval_over_seeds() -> None:
    found = leakage.leaks([source({("Tip", "1-shot"): [(40, 50, 51), (40, 48, 51), (42, 50, 55)]})])
    leak = of(found, "test")
    middle, low, high = stats.spread([1, 3, 5])
    assert (leak.gap, leak.low, leak.high) == pytest.approx((middle, low, high))
    assert (leak.method, leak.dataset, leak.shots, leak.seeds) == ("Tip", "imagenet", 1, 3)
    assert leak.last == pytest.approx((10 + 8 + 8) / 3)


def test_one_seed_has_no_interval() -> None:
    leak = of(leakage.leaks([source({("Tip", "2-shot"): [(40, 50, 52)]})]), "test")
    assert (leak.gap, leak.low, leak.high, leak.shots) == (2, None, None, 2)
    assert leakage.words(leak) == "+2.0"


def test_what_learns_nothing_and_other_exhibits_have_no_line() -> None:
    assert leakage.leaks([source({("Zero", "1-shot"): [(50, 50, 50)]})]) == []
    other = gather(table(), toy(), records_of(table(), toy(), {("Two", "1-shot"): [(1, 2, 3)]}))
    assert leakage.leaks([other]) == []


def test_the_mean_over_data_sets_is_taken_seed_by_seed() -> None:
    cells = {
        ("Tip", "a", 1, "test"): {1: (1.0, 0.0), 2: (3.0, 2.0)},
        ("Tip", "b", 1, "test"): {1: (5.0, 2.0), 2: (3.0, 0.0), 3: (9.0, 9.0)},
        ("Tip", "b", 1, "released"): {1: (5.0, 2.0)},
        ("Solo", "a", 1, "test"): {1: (1.0, 1.0)},
    }
    (mean,) = leakage._means(cells)
    assert (mean.method, mean.dataset, mean.gap, mean.seeds) == ("Tip", ALL, 3.0, 2)
    assert (mean.low, mean.high) == (3.0, 3.0)


def test_the_grid_has_a_data_set_a_table_the_mean_first_and_a_dash_where_nothing_is() -> None:
    found = [
        Leak("Tip", "a", 1, "test", 0.52, 0.1, 0.94, 0.0, 3),
        Leak("Tip", "a", 16, "test", 1.0, None, None, 0.0, 1),
        Leak("AMU", "a", 16, "test", 2.0, 1.0, 3.0, 0.0, 3),
        Leak("Tip", "a", 1, "released", 0.4, None, None, 0.0, 1),
        Leak("Tip", ALL, 1, "test", 0.3, 0.2, 0.4, 0.0, 3),
    ]
    grids = leakage.grids(found, toy())
    assert list(grids) == [ALL, "a"]
    assert list(grids[ALL]) == [leakage.GAPS["test"]]
    assert grids["a"][leakage.GAPS["released"]] == (["method", "1-shot"], [["Tip", "+0.4"]])
    header, rows = grids["a"][leakage.GAPS["test"]]
    assert header == ["method", "1-shot", "16-shot"]
    assert rows == [["Tip", "+0.5 (0.1 to 0.9)", "+1.0"], ["AMU", "–", "+2.0 (1.0 to 3.0)"]]


def test_the_csv_is_tidy() -> None:
    lines = leakage.csv(
        [Leak("Tip", "a", 1, "released", 0.5, None, None, 0.25, 1)], toy(names={"a": "ants"})
    ).splitlines()
    assert lines == ["method,dataset,shots,selection,gap,low,high,last,seeds", "Tip,ants,1,released,0.5000,,,0.2500,1"]
