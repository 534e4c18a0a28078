"""What a cell may say beyond a run: panels, means, texts, empty places; and what is read of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_house import full_record
from toy_world import bits_of, change, record_of, table, toy

from benchmark.analysis.compare import compare
from benchmark.analysis.results import UNREAD, Measured, gather
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Cell, Exhibit, united
from benchmark.numerics import stats
from benchmark.records.readings import searched, under
from benchmark.records.record import SELECTIONS, Record
from benchmark.records.store import Store
from benchmark.reporting import exhibit_files, tables
from benchmark.suites.suite import Suite

ZERO, TIP = "baselines.zero_shot:ZeroShotCLIP", "baselines.tip_adapter:TipAdapter"
TWO = {"imagenet": {"reader": "toy_world:Squares"}, "dtd": {"reader": "toy_world:Squares", "fingerprint": "dtd"}}
PANELS = """
title = "T"
caption = "C"
paper = "P"
metric = "accuracy"
[fixed]
backbone = "RN50"
[[panels]]
name = "first"
dataset = "imagenet"
[[panels]]
name = "second"
dataset = "dtd"
[[columns]]
name = "1-shot"
shots = 1
[[columns]]
name = "2-shot"
shots = 2
[[rows]]
name = "Tip"
method = "baselines.tip_adapter:TipAdapter"
"""


def two(**changes: Any) -> Suite:
    """The toy suite with two data sets."""
    return toy(datasets=TWO, **changes)


def averaged() -> Exhibit:
    rows = [{"name": "Tip", "method": TIP, "mean_over": {"dataset": ["imagenet", "dtd"]}}]
    return table(rows=rows, columns=[{"name": "1-shot", "shots": 1}], fixed={"backbone": "RN50"})


def records_of(cell: Cell, suite: Suite, counts: dict[tuple[str, int], int], n: int = 1000) -> dict[str, Record]:
    """Records of a cell's runs: (data set, seed) -> images right of n."""
    runs = {(r.dataset, r.seed): r for r in cell.runs(suite)}
    found = [full_record(runs[place], suite, c / n, n) for place, c in counts.items()]
    return {record.key: record for record in found}


def test_arguments_and_citations_are_united_name_by_name() -> None:
    said = united({"with": {"a": 1, "b": 1}, "cite": {"x": 1}}, {"with": {"b": 2}, "cite": {"y": 2}}, {"shots": 3})
    assert said == {"with": {"a": 1, "b": 2}, "cite": {"x": 1, "y": 2}, "log": {}, "shots": 3}


def test_a_part_that_names_a_method_begins_its_arguments_anew() -> None:
    said = united({"method": "m:A", "with": {"a": 1}}, {"method": "m:B", "with": {"b": 2}}, {"with": {"c": 3}})
    assert said["with"] == {"b": 2, "c": 3}


def test_every_panel_has_every_column() -> None:
    shown = exhibit.parse("figure0", PANELS)
    assert [c["name"] for c in shown.columns] == ["first, 1-shot", "first, 2-shot", "second, 1-shot", "second, 2-shot"]
    assert {panel: [c["short"] for c in columns] for panel, columns in shown.by_panel().items()} == {
        "first": ["1-shot", "2-shot"],
        "second": ["1-shot", "2-shot"],
    }
    runs = [r for c in shown.cells() for r in c.runs(two(seeds=[1]))]
    assert [(r.dataset, r.shots) for r in runs] == [("imagenet", 1), ("imagenet", 2), ("dtd", 1), ("dtd", 2)]


def test_a_table_is_drawn_for_each_panel() -> None:
    text = tables.main_table(gather(exhibit.parse("figure0", PANELS), two(), {}))
    assert text.startswith("**first**\n\n| method | 1-shot | 2-shot |\n|---|---:|---:|\n| Tip | – | – |\n\n**second**")


def test_a_mean_is_of_one_run_for_each_part_and_of_seeds_that_all_parts_have() -> None:
    shown, suite = averaged(), two(seeds=[1, 2, 3])
    (cell,) = shown.cells()
    assert [[len(runs) for runs in part] for part in cell.groups(suite)] == [[3], [3]]
    counts = {("imagenet", 1): 400, ("dtd", 1): 600, ("imagenet", 2): 500, ("dtd", 2): 700, ("imagenet", 3): 100}
    row = gather(shown, suite, records_of(cell, suite, counts)).at("Tip", "1-shot")
    assert (row.mean, row.seeds, row.correct, row.n) == (55, 2, 2200, 4000)
    assert row.ci_low == pytest.approx(55 - 12.7062 * 5, abs=0.001) or row.ci_low == 0  # seeds: 50 and 60


def test_a_mean_at_one_seed_has_an_interval_over_images() -> None:
    shown, suite = averaged(), two(seeds=[1])
    (cell,) = shown.cells()
    row = gather(shown, suite, records_of(cell, suite, {("imagenet", 1): 400, ("dtd", 1): 600})).at("Tip", "1-shot")
    half = 100 * 1.95996 * (0.24 / 1000 * 2) ** 0.5 / 2
    assert (row.mean, row.ci_low) == (50, pytest.approx(50 - half, abs=1e-3))


def test_a_mean_without_one_of_its_parts_is_not_there() -> None:
    shown, suite = averaged(), two(seeds=[1])
    (cell,) = shown.cells()
    measured = gather(shown, suite, records_of(cell, suite, {("imagenet", 1): 400}))
    assert measured.at("Tip", "1-shot").seeds == 0
    assert measured.missing["Tip", "1-shot"] == "not yet run"


def test_a_mean_over_a_data_set_that_the_suite_lacks_says_so() -> None:
    measured = gather(averaged(), toy(), {})
    assert measured.missing["Tip", "1-shot"] == "not run: data set dtd is missing in this suite"
    assert "- Tip: not run: data set dtd is missing in this suite." in exhibit_files.markdown(measured)


def test_a_column_that_is_declared_is_a_text_and_neither_run_nor_missing() -> None:
    columns = [{"name": "feature", "declares": "feature"}, {"name": "1-shot", "shots": 1}]
    measured = gather(table(rows=[{"name": "Tip", "method": TIP}], columns=columns), toy(), {})
    assert measured.texts == {("Tip", "feature"): "CLIP"}
    assert ("Tip", "feature") not in measured.missing
    assert "| Tip | CLIP | – |" in tables.main_table(measured)
    assert "- Tip: not yet run." in exhibit_files.markdown(measured)


def test_a_row_may_be_empty_in_some_columns() -> None:
    rows = [{"name": "Zero", "method": ZERO, "only": ["2-shot"]}]
    measured = gather(table(rows=rows), toy(), {})
    assert list(measured.missing) == [("Zero", "2-shot")]
    assert [len(c.runs(toy())) for c in table(rows=rows).cells()] == [0, 2]


def with_metric(metric: str, record: Record) -> Measured:
    shown = table(rows=[{"name": "Tip", "method": TIP, "metric": metric}], columns=[{"name": "1-shot", "shots": 1}])
    return gather(shown, toy(), {record.key: record})


def tip_record(seed: int = 1, accuracy: float = 0.5) -> Record:
    shown = table(rows=[{"name": "Tip", "method": TIP}], columns=[{"name": "1-shot", "shots": 1}])
    return full_record(next(shown.cells()).runs(toy(), [seed])[0], toy(), accuracy)


def test_a_ratio_is_no_percentage_and_one_seed_of_it_has_no_interval() -> None:
    measured = with_metric("cmy_raw", tip_record())
    row = measured.at("Tip", "1-shot")
    assert (row.metric, row.mean, row.ci_low, row.correct) == ("cmy_raw", 0.5, None, None)
    assert "| Tip | 0.500 |" in tables.main_table(measured)
    assert "| Tip | 0.500 / 0.500 (+0.000) / 0.500 (+0.000) |" in exhibit_files.markdown(measured)


def test_a_ratio_over_seeds_has_an_interval_that_knows_no_bounds_of_per_cent() -> None:
    assert stats.spread([0.1, -0.1]) == pytest.approx((0, -12.7062 * 0.1, 12.7062 * 0.1), abs=1e-4)


def test_a_record_from_before_a_metric_was_kept_says_so() -> None:
    record = tip_record()
    change(record, metrics=None)
    assert with_metric("cmy_raw", record).missing == {("Tip", "1-shot"): UNREAD}


def test_many_columns_that_are_not_run_are_counted_and_not_named() -> None:
    columns = [{"name": f"column {i}", "shots": i + 1} for i in range(10)]
    shown = table(rows=[{"name": "Tip", "method": TIP}], columns=columns)
    record = full_record(next(shown.cells()).runs(toy(), [1])[0], toy(), 0.5)
    text = exhibit_files.markdown(gather(shown, toy(), {record.key: record}))
    assert "- Tip: not yet run at 9 of 10 columns." in text


def test_a_visitor_s_method_joins_methods_and_nothing_else() -> None:
    ablation = table(fixed={"dataset": "imagenet", "backbone": "RN50", "method": TIP}, rows=[{"name": "a"}])
    assert exhibit.with_method(ablation, "toy_methods:Flat").rows == [{"name": "a"}]
    assert len(exhibit.with_method(table(), "toy_methods:Flat").rows) == 4


def test_shots_that_the_exhibit_fixes_can_be_chosen_too() -> None:
    fixed = table(columns=[{"name": "only"}], fixed={"dataset": "imagenet", "backbone": "RN50", "shots": 16})
    assert len(exhibit.select(fixed.cells(), [], [16])) == 3


def searching() -> Exhibit:
    row = {"name": "Tip", "method": TIP, "search": {"beta": [1.0, 2.0, 3.0]}}
    return table(rows=[row], columns=[{"name": "1-shot", "shots": 1}])


def results_of_a_search(last: dict[float, int], val: dict[float, int], test: dict[float, int]) -> dict[str, Record]:
    """Records of `searching` at seed 1, of 100 images: beta -> images right, `val` being those of the validation images.

    Under `val` as many test images are right as beta has tenths, so that the choice can be told.
    """
    (cell,) = searching().cells()
    records = {}
    for run in cell.runs(toy(seeds=[1])):
        beta = run.settings["beta"]
        record = record_of(run.asked(), (last[beta], int(10 * beta), test[beta]), 100)
        records[run.key] = replace(record, picked_on={"val": val[beta], "test": test[beta]})
    return records


def test_a_search_over_runs_has_one_run_a_value_and_the_method_s_own_once() -> None:
    (cell,) = searching().cells()
    runs = cell.runs(toy(seeds=[1, 2]))
    assert [(r.settings["beta"], r.seed) for r in runs] == [(b, s) for b in (1.0, 2.0, 3.0) for s in (1, 2)]
    assert len({r.cell_key for r in runs}) == 3


def test_fields_of_a_recipe_are_searched_by_a_dotted_name_and_told_by_it() -> None:
    method = "baselines.tip_adapter:TipAdapterF"
    over = {"recipe.lr": [0.1, 0.2], "recipe.eps": [0.5], "beta": [2.0]}
    row = {"name": "Tip-F", "method": method, "with": {"recipe": {"epochs": 3}}, "search": over}
    (cell,) = table(rows=[row], columns=[{"name": "1-shot", "shots": 1}]).cells()
    own, *others = [group[0] for group in cell.groups(toy(), [1])[0]]
    assert [run.settings["recipe"]["lr"] for run in others] == [0.1, 0.2]
    for run in others:
        assert (run.settings["recipe"]["epochs"], run.settings["recipe"]["eps"], run.settings["beta"]) == (3, 0.5, 2.0)
    picked_on = [{"val": 1, "test": 3}, {"val": 3, "test": 1}, {"val": 1, "test": 1}]
    records = [
        replace(record_of(run.asked(), (50, 50, 50), 100), picked_on=counts)
        for run, counts in zip([own, *others], picked_on, strict=True)
    ]
    tuned = {name: found.tuned for name, found in searched(records).selections.items()}
    assert tuned["val"] == {"recipe.lr": 0.1, "recipe.eps": 0.5, "beta": 2.0}
    assert tuned["test"] == tuned["last"] == {}


def test_several_settings_are_searched_in_every_combination() -> None:
    row = {"name": "Tip", "method": TIP, "search": {"beta": [1.0, 2.0], "sharpness": [5.5, 7.0]}}
    runs = [r for c in table(rows=[row]).cells() for r in c.runs(toy(seeds=[1])) if r.shots == 1]
    assert [(r.settings["beta"], r.settings["sharpness"]) for r in runs] == [(1, 5.5), (1, 7), (2, 5.5), (2, 7)]


def test_every_selection_picks_its_own_run_and_last_and_released_the_method_s_own() -> None:
    same = {1.0: 50, 2.0: 50, 3.0: 50}
    records = results_of_a_search({1.0: 40, 2.0: 41, 3.0: 42}, {**same, 2.0: 51}, {**same, 3.0: 51})
    measured = gather(searching(), toy(seeds=[1]), records)
    found = {s: measured.at("Tip", "1-shot", s).correct for s in SELECTIONS}
    assert found == {"last": 40, "val": 20, "released": 50, "test": 51}
    (record,) = measured.records["Tip", "1-shot"]
    betas = {s: under(record, s).settings["beta"] for s in SELECTIONS}
    assert betas == {"last": 1, "val": 2, "released": 1, "test": 3}
    assert {s: picked.tuned for s, picked in record.selections.items()} == {
        "last": {},
        "val": {"beta": 2.0},
        "released": {},
        "test": {"beta": 3.0},
    }


def test_of_runs_as_good_the_method_s_own_is_picked() -> None:
    same = {1.0: 50, 2.0: 50, 3.0: 50}
    measured = gather(searching(), toy(seeds=[1]), results_of_a_search(same, same, same))
    assert [measured.at("Tip", "1-shot", s).correct for s in ("last", "val", "test")] == [50, 10, 50]


def test_a_search_is_there_when_all_its_runs_are() -> None:
    same = {1.0: 50, 2.0: 50, 3.0: 50}
    records = results_of_a_search(same, same, same)
    measured = gather(searching(), toy(seeds=[1]), dict(list(records.items())[1:]))
    assert measured.at("Tip", "1-shot").mean is None
    assert measured.missing["Tip", "1-shot"] == "not yet run"


def test_a_search_is_compared_by_the_images_of_the_run_it_picked(tmp_path: Path) -> None:
    same = {1.0: 50, 2.0: 50, 3.0: 50}
    shown = replace(searching(), rows=[*searching().rows, {"name": "Own", "method": TIP}])
    store = Store(tmp_path)
    for record in results_of_a_search(same, {**same, 3.0: 51}, same).values():
        store.put(record, bits_of(record))
    measured = gather(shown, toy(seeds=[1]), store.records())
    (found,) = compare(measured, "Tip", "Own", store, "val", 1.0)
    assert (found.effect, found.over) == (30 - 10, "images")
