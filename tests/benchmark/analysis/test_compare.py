"""bench compare: planted records with every image's answer, and the verdicts they must give."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_world import FILE, bench, bits_of, edited, record_of, table, toy

from benchmark.analysis import compare
from benchmark.analysis.compare import ALIKE, LEFT, OPEN, RIGHT, Compared, concluded, needs
from benchmark.analysis.results import Measured, gather
from benchmark.core.errors import BenchError, Incomplete
from benchmark.exhibits.exhibit import Exhibit, load
from benchmark.numerics import stats
from benchmark.records.answers import on
from benchmark.records.record import SELECTIONS
from benchmark.records.store import Store

N = 2000
METHODS = {"One": "baselines.tip_adapter:TipAdapter", "Two": "baselines.tip_adapter:TipAdapterF"}


def planted(
    folder: Path, gains: dict[str, float], seeds: int = 3, seed_sd: float = 0.0, n: int = N
) -> tuple[Measured, Store]:
    """Rows "One" and "Two" of the test table: Two is right as often as One, more by the column's gain (a share)."""
    shown, store = exhibit(), Store(folder)
    records = {}
    for cell in shown.cells():
        for seed in range(1, seeds + 1):
            rng = np.random.default_rng([7, seed, cell.column == "2-shot"])
            hard = np.random.default_rng(0).uniform(size=n)
            luck = rng.normal(0, seed_sd) if cell.row == "Two" else 0.0
            chance = 0.3 + 0.4 * hard + (gains[cell.column] + luck if cell.row == "Two" else 0.0)
            answers = np.random.default_rng([seed, cell.row == "Two", cell.column == "2-shot"]).uniform(size=n) < chance
            count = int(answers.sum())
            record = record_of(cell.runs(toy(), [seed])[0].asked(), (count, count, count), n)
            store.put(record, dict.fromkeys(SELECTIONS, answers))
            records[record.key] = record
    return gather(shown, toy(), records), store


def exhibit() -> Exhibit:
    return table(rows=[{"name": name, "method": method} for name, method in METHODS.items()])


def compared(measured: Measured, store: Store, margin: float = 1.0) -> dict[str, compare.Compared]:
    return {c.column: c for c in compare.compare(measured, "Two", "One", store, "val", margin)}


def test_a_clear_difference_is_found_in_its_column_and_its_direction(tmp_path: Path) -> None:
    found = compared(*planted(tmp_path, {"1-shot": 0.2, "2-shot": -0.2}))
    assert [found[c].says for c in ("1-shot", "2-shot")] == [LEFT, RIGHT]
    assert found["1-shot"].effect == pytest.approx(20, abs=3)
    assert found["1-shot"].seeds_needed is None


def test_the_numbers_are_those_of_the_statistics_on_the_stored_answers(tmp_path: Path) -> None:
    measured, store = planted(tmp_path, {"1-shot": 0.05, "2-shot": 0.0})
    sides = [[store.correct(r.key, "val") for r in measured.records[row, "1-shot"]] for row in ("Two", "One")]
    expected, found = stats.paired(*sides), compared(measured, store)["1-shot"]
    assert (found.effect, found.low, found.high, found.p) == (
        expected.effect,
        expected.low,
        expected.high,
        expected.p,
    )
    assert list(found.mcnemar) == [stats.mcnemar(*pair) for pair in zip(*sides, strict=True)]
    assert found.adjusted == stats.holm([c.p for c in compared(measured, store).values()])[0]


def test_a_column_is_decided_by_its_adjusted_p_value() -> None:
    alone = compare.Compared("c", 2.0, 0.1, 3.9, 0.04, 0.04, (), 3, "seeds", 1.0)
    assert (alone.says, replace(alone, adjusted=0.08).says) == (LEFT, OPEN)


def test_rows_that_are_alike_are_said_to_be_where_the_interval_is_narrow_enough(tmp_path: Path) -> None:
    measured, store = planted(tmp_path, {"1-shot": 0.0, "2-shot": 0.0})
    assert compared(measured, store, margin=5.0)["1-shot"].says == ALIKE
    narrow = compared(measured, store, margin=0.01)["1-shot"]
    assert narrow.says == OPEN
    assert compare.needs(narrow).endswith("decide")


def test_seeds_that_scatter_leave_it_open_and_say_how_many_would_do(tmp_path: Path) -> None:
    found = compared(*planted(tmp_path, {"1-shot": 0.03, "2-shot": 0.03}, seed_sd=0.05))["1-shot"]
    assert found.says == OPEN
    assert found.seeds_needed is not None
    assert found.seeds_needed > 3


def test_what_draws_no_support_set_stands_beside_every_seed(tmp_path: Path) -> None:
    zero = {"name": "One", "method": "baselines.zero_shot:ZeroShotCLIP", "shots": 0, "seeds": [0]}
    shown = table(rows=[zero, {"name": "Two", "method": "baselines.tip_adapter:TipAdapter"}])
    records = {run.key: record_of(run.asked()) for cell in shown.cells() for run in cell.runs(toy(), [1, 2, 3])}
    store = Store(tmp_path)
    for record in records.values():
        store.put(record, bits_of(record))
    (first, _) = compare.compare(gather(shown, toy(), records), "Two", "One", store, "val", 1.0)
    assert (first.seeds, first.over, first.effect) == (3, "seeds and images", 0)


def test_without_the_images_answers_the_seeds_differences_are_compared(tmp_path: Path) -> None:
    measured, store = planted(tmp_path, {"1-shot": 0.2, "2-shot": 0.2})
    for path in tmp_path.glob("*.npz"):
        path.unlink()
    found = compared(measured, store)["1-shot"]
    rows = [[r.selections["val"].correct / N for r in measured.records[row, "1-shot"]] for row in ("Two", "One")]
    differences = [100 * (a - b) for a, b in zip(*rows, strict=True)]
    assert (found.effect, found.low, found.high) == pytest.approx(stats.spread(differences))
    assert (found.over, tuple(found.mcnemar)) == ("seeds", ())


def test_one_seed_without_the_images_answers_has_no_interval_and_says_so(tmp_path: Path) -> None:
    measured, store = planted(tmp_path, {"1-shot": 0.2, "2-shot": 0.2}, seeds=1)
    for path in tmp_path.glob("*.npz"):
        path.unlink()
    found = compared(measured, store)["1-shot"]
    assert (found.low, found.high, found.over, found.says) == (None, None, "one seed", OPEN)


def test_rows_are_compared_on_the_images_of_a_shift(tmp_path: Path) -> None:
    shown = table(
        rows=[{"name": name, "method": method} for name, method in METHODS.items()],
        columns=[{"name": "1-shot", "shots": 1, "target": "imagenet_a"}],
    )
    suite = toy(
        datasets={
            "imagenet": {"reader": "toy_world:Squares", "shifts": ["imagenet_a"]},
            "imagenet_a": {"reader": "toy_world:Squares"},
        }
    )
    store, sides = Store(tmp_path), {"One": [], "Two": []}
    for cell in shown.cells():
        for run in cell.runs(suite, [1, 2, 3]):
            right = np.random.default_rng([run.seed, cell.row == "Two"]).uniform(size=400) < 0.4 + 0.2 * (
                cell.row == "Two"
            )
            record = record_of(run.asked(), (4, 5, 6), 10)
            counts = {name: {"correct": int(right.sum())} for name in record.selections}
            record = edited(record, shifts={"imagenet_a": {"n": 400, "selections": counts}})
            store.put(record, {**bits_of(record), **{on(name, "imagenet_a"): right for name in record.selections}})
            sides[cell.row].append(right)
    (found,) = compare.compare(gather(shown, suite, store.records()), "Two", "One", store, "val", 1.0)
    expected = stats.paired(sides["Two"], sides["One"])
    assert (found.effect, found.low, found.high, found.over) == (
        expected.effect, expected.low, expected.high, "seeds and images",
    )  # fmt: skip


def test_equal_differences_at_every_seed_tell_no_interval_of_width_zero(tmp_path: Path) -> None:
    store, shown = Store(tmp_path), exhibit()
    for cell in shown.cells():
        for seed in (1, 2, 3):
            record = record_of(cell.runs(toy(), [seed])[0].asked(), (5 + (cell.row == "Two"),) * 3)
            store.put(record, bits_of(record))
    measured = gather(shown, toy(), store.records())
    for path in tmp_path.glob("*.npz"):
        path.unlink()
    found = compared(measured, store)["1-shot"]
    assert (found.effect, found.low, found.high, found.says) == (10.0, None, None, OPEN)


def test_nothing_in_common_is_said(tmp_path: Path) -> None:
    measured = gather(exhibit(), toy(), {})
    with pytest.raises(Incomplete, match="no column has both 'Two' and 'One'"):
        compare.compare(measured, "Two", "One", Store(tmp_path), "val", 1.0)


def test_a_row_may_be_named_by_its_class_where_only_one_row_is_of_it() -> None:
    shown = load("table4")
    assert compare.row_named(shown, "AMUTuning") == "AMU-Tuning"
    assert compare.row_named(shown, "amu.tuning:AMUTuning") == "AMU-Tuning"
    assert compare.row_named(shown, "CaFo") == "CaFo"
    with pytest.raises(BenchError, match="has 2 rows in table4: CaFo, "):
        compare.row_named(shown, "baselines.cafo:CaFo")
    with pytest.raises(BenchError, match="did you mean 'AMU-Tuning'"):
        compare.row_named(shown, "AMU-Tunig")


def test_the_command_speaks_json_without_what_json_has_not(tmp_path: Path) -> None:
    store = Store(tmp_path / "toy")
    for cell in load("table4").cells():
        if cell.row in ("Tip-Adapter", "Zero-shot CLIP"):
            for run in cell.runs(toy(), [1]):
                answers = np.arange(10) < 5
                store.put(record_of(run.asked(), (5, 5, 5)), dict.fromkeys(SELECTIONS, answers))
    call = ["compare", "Tip-Adapter", "Zero-shot CLIP", "--suite", FILE, "--results", tmp_path]
    code, out, err = bench(*call, "--format", "json")
    assert (code, err) == (0, "")
    first = json.loads(out)["table4"][0]
    assert (first["column"], first["effect"], first["says"]) == ("1-shot", 0, ALIKE)
    code, out, _ = bench(*call, "--shots", "16")
    assert out.splitlines()[0].startswith("Tip-Adapter less Zero-shot CLIP, table4, val selection")
    assert out.splitlines()[2:] == [
        "in 1 column: 1 alike",
        "next: bench claims holds each conclusion of the paper against the same records",
    ]
    assert (
        "in 5 columns: 5 alike, after Holm over these 5 columns, where a claim takes each by itself" in bench(*call)[1]
    )
    code, out, _ = bench(*call, "--shots", "16", "--selection", "released")
    assert out.splitlines()[0].startswith("Tip-Adapter less Zero-shot CLIP, table4, released selection")
    code, _, err = bench(*call, "--selection", "best")
    assert "'best' is not one of 'last', 'val', 'released', 'test'" in err
    code, _, err = bench(*call, "--shots", "3")
    assert (code, err.count("\n")) == (2, 1)


def test_a_row_is_found_however_its_name_is_spelt() -> None:
    table4 = load("table4")
    assert [compare.row_named(table4, name) for name in ("amu tuning", "TIP-ADAPTER_F", "cafo")] == [
        "AMU-Tuning",
        "Tip-Adapter-F",
        "CaFo",
    ]
    with pytest.raises(BenchError) as raised:
        compare.row_named(table4, "AMU")
    assert ":" not in str(raised.value).partition("there are ")[2], "rows alone, no module:Class"


def test_the_seeds_that_would_decide_are_counted_among_the_columns_and_by_itself() -> None:
    open_ = Compared("16-shot", 0.8, -3.1, 4.6, 0.5, 0.97, (), 3, "seeds", 1.0)
    told = [
        needs(replace(open_, seeds_needed=needed, seeds_alone=alone))
        for needed, alone in ((float("inf"), 417.0), (7.0, 5.0), (417.0, 417.0), (float("inf"), float("inf")))
    ]
    assert told == [
        "more seeds alone would not decide among the columns, about 417 by itself",
        "about 7 seeds would decide among the columns, about 5 by itself",
        "about 417 seeds would decide",
        "more seeds alone would not decide",
    ]


def test_a_conclusion_names_the_column_that_is_sure_only_by_itself() -> None:
    sure = Compared("1-shot", 2.0, 1.0, 3.0, 0.001, 0.002, (), 3, "seeds", 1.0)
    alone = Compared("16-shot", 2.0, 0.1, 3.9, 0.04, 0.08, (), 3, "seeds", 1.0)
    said = concluded([sure, alone])
    assert said.startswith("in 2 columns: 1 better, 1 no difference shown, after Holm over these 2 columns")
    assert said.endswith("; the interval of 16-shot, taken by itself, excludes 0")
    assert concluded([sure]) == "in 1 column: 1 better"
