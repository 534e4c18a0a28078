"""The leaderboard: planted answers of every image, against ranks and intervals worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from toy_world import record_of, table, toy

from benchmark.analysis import leaderboard
from benchmark.analysis.leaderboard import Board, Standing
from benchmark.analysis.results import Measured, gather
from benchmark.numerics import stats
from benchmark.records.record import SELECTIONS
from benchmark.records.store import Store

ROWS = [
    {"name": "Zero", "method": "baselines.zero_shot:ZeroShotCLIP", "shots": 0, "seeds": [1]},
    {"name": "Tip", "method": "baselines.tip_adapter:TipAdapter"},
    {"name": "TipF", "method": "baselines.tip_adapter:TipAdapterF"},
    {"name": "Later", "method": "baselines.gda:GDA"},
]
N = 400


def planted(folder: Path, chances: dict[str, tuple[float, float]], seeds: int = 3, name: str = "table4") -> Measured:
    """Rows with these shares of right answers at one and two shots; an image is hard for all rows alike."""
    shown, store, records = table(rows=ROWS, id=name), Store(folder), {}
    for cell in shown.cells():
        if cell.row not in chances:
            continue
        for seed in [1] if cell.row == "Zero" else range(1, seeds + 1):
            chance = chances[cell.row][0 if cell.row == "Zero" else cell.column == "2-shot"]
            noise = np.random.default_rng([seed, len(cell.row), cell.column == "2-shot"]).normal(0, 0.02, N)
            right = np.random.default_rng(0).uniform(size=N) + noise < chance
            count = int(right.sum())
            record = record_of(cell.runs(toy(), [seed])[0].asked(), (count, count, count), N)
            store.put(record, dict.fromkeys(SELECTIONS, right))
            records[record.key] = record
    return gather(shown, toy(), records)


def board(folder: Path, chances: dict[str, tuple[float, float]], seeds: int = 3) -> Board:
    (found,) = leaderboard.boards([planted(folder, chances, seeds)], Store(folder))
    return found


def test_the_order_is_that_of_mean_ranks_and_a_tie_shares_them() -> None:
    assert leaderboard._ranks([70.0, 50.0, 50.0, 90.0]) == [2, 3.5, 3.5, 1]


def test_methods_far_apart_are_ranked_and_told_apart(tmp_path: Path) -> None:
    found = board(tmp_path, {"Zero": (0.3, 0.3), "Tip": (0.5, 0.7), "TipF": (0.9, 0.9)})
    assert [(one.row, one.rank, one.alike) for one in found.standings] == [
        ("TipF", 1, ()), ("Tip", 2, ()), ("Zero", 3, ()),
    ]  # fmt: skip
    assert found.standings[0].behind is None
    assert found.standings[1].behind.effect == pytest.approx(-30, abs=3)


def test_methods_of_equal_chances_are_not_told_apart_although_one_is_ahead(tmp_path: Path) -> None:
    found = board(tmp_path, {"Zero": (0.3, 0.3), "Tip": (0.8, 0.8), "TipF": (0.8, 0.8)})
    alike = {one.row: one.alike for one in found.standings}
    assert alike == {"Tip": ("TipF",), "TipF": ("Tip",), "Zero": ()}


def test_a_mean_over_conditions_counts_every_condition_alike_whatever_its_number_of_images() -> None:
    few, many = np.array([[True, False]]), np.array([[True, True, True, False]])
    images = {("a", "x", 2): [few], ("b", "y", 4): [many, ~many]}
    assert leaderboard._pooled(images).mean() == pytest.approx((1 / 2 + 3 / 4 + 1 / 4) / 3)


def test_the_numbers_of_one_data_set_are_those_of_the_paired_statistics(tmp_path: Path) -> None:
    measured, store = planted(tmp_path, {"Zero": (0.3, 0.3), "Tip": (0.5, 0.5), "TipF": (0.6, 0.8)}), Store(tmp_path)
    right = {
        row: [
            np.stack([store.correct(r.key, "val") for r in measured.records[row, column]]).astype(float)
            for column in ("1-shot", "2-shot")
        ]
        for row in ("Tip", "TipF")
    }
    expected = stats.crossed(np.mean(right["Tip"], axis=0) - np.mean(right["TipF"], axis=0))
    (found,) = leaderboard.boards([measured], store)
    behind = {one.row: one.behind for one in found.standings}["Tip"]
    assert (behind.effect, behind.low, behind.high) == pytest.approx((expected.effect, expected.low, expected.high))


def test_a_difference_of_two_methods_is_the_crossed_mean_of_their_difference() -> None:
    dice = np.random.default_rng(3)
    left, right = dice.uniform(size=(3, 50)) < 0.7, dice.uniform(size=(3, 50)) < 0.5
    assert stats.crossed(left.astype(float) - right) == pytest.approx(stats.paired(list(left), list(right)))


def test_a_method_that_is_measured_in_fewer_columns_is_left_out_by_name(tmp_path: Path) -> None:
    measured = planted(tmp_path, {"Zero": (0.3, 0.3), "Tip": (0.5, 0.5), "TipF": (0.6, 0.8), "Later": (0.9, 0.9)})
    del measured.records["Later", "2-shot"]
    (found,) = leaderboard.boards([measured], Store(tmp_path))
    assert "Later" not in [one.row for one in found.standings]
    assert found.words.endswith("Left out: Later (1 of 2 columns).")


def test_only_the_seeds_that_all_methods_have_count(tmp_path: Path) -> None:
    measured = planted(tmp_path, {"Zero": (0.3, 0.3), "Tip": (0.5, 0.5), "TipF": (0.6, 0.8)})
    measured.records["Tip", "1-shot"] = [r for r in measured.records["Tip", "1-shot"] if r.seed != 2]
    (found,) = leaderboard.boards([measured], Store(tmp_path))
    assert found.seeds == (1, 3)
    said = "Chosen on test images, 0 of 3 pairs change sides (Kendall's τ of the two orders 1.00), 0 surely."
    assert found.words == f"Over 2 columns, seeds 1, 3; 3 pairs. {said}"


@pytest.mark.parametrize("rows", [("Zero", "Tip"), ("Tip",), ()])
def test_fewer_than_three_methods_are_no_board(tmp_path: Path, rows: tuple[str, ...]) -> None:
    measured = planted(tmp_path, dict.fromkeys(rows, (0.4, 0.6)))
    assert leaderboard.boards([measured], Store(tmp_path)) == []


def test_an_exhibit_without_methods_over_shots_is_no_board(tmp_path: Path) -> None:
    measured = planted(tmp_path, dict.fromkeys(("Zero", "Tip", "TipF"), (0.4, 0.6)), name="table6")
    assert leaderboard.boards([measured], Store(tmp_path)) == []


def test_a_method_whose_answers_are_gone_is_left_out(tmp_path: Path) -> None:
    measured = planted(tmp_path, dict.fromkeys((row["name"] for row in ROWS), (0.4, 0.6)))
    key = measured.records["Later", "1-shot"][0].key
    for file in tmp_path.glob(f"{key}-*.npz"):
        file.unlink()
    (found,) = leaderboard.boards([measured], Store(tmp_path))
    assert sorted(one.row for one in found.standings) == ["Tip", "TipF", "Zero"]
    assert found.words.endswith("Left out: Later (answers gone).")


def test_the_table_and_the_tidy_rows_hold_the_same_board(tmp_path: Path) -> None:
    found = board(tmp_path, {"Zero": (0.3, 0.3), "Tip": (0.5, 0.5), "TipF": (0.6, 0.8)}, seeds=1)
    first, second, _ = leaderboard.table(found)
    assert first[:2] == ("TipF", "1.00")
    assert first[3] == ""
    assert second[3].startswith("-")
    header, *lines = leaderboard.csv([found]).splitlines()
    assert header.startswith("exhibit,method,mean_rank,accuracy,ci_low,ci_high,less_first")
    assert lines[0].startswith(f"table4,TipF,1.0000,{found.standings[0].accuracy.effect:.4f},")
    assert lines[0].endswith(",,,,")


def test_pairs_that_change_sides_under_test_are_counted_and_those_that_are_sure() -> None:
    def of(row: str, accuracy: float, *alike: str) -> Standing:
        return Standing(row, 1.0, stats.Paired(accuracy, 0, 0, 0, 1, 10, None), None, alike)

    val = of("A", 60), of("B", 50, "C"), of("C", 49, "B")
    test = of("A", 50), of("B", 60, "C"), of("C", 61, "B")
    said = leaderboard.on_test(val, test)
    assert said == "Chosen on test images, 3 of 3 pairs change sides (Kendall's τ of the two orders -1.00), 2 surely."
    assert leaderboard.on_test(val, (of("A", 50), of("B", 60))) == ""


def test_one_seed_is_one_seed_in_words(tmp_path: Path) -> None:
    found = board(tmp_path, {"Zero": (0.3, 0.3), "Tip": (0.5, 0.5), "TipF": (0.6, 0.8)}, seeds=1)
    assert found.words.startswith("Over 2 columns, seed 1; 3 pairs.")
