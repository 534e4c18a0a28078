"""A sentence stands under a table for every cell whose number is not what its column says, and in every format."""

import csv
from dataclasses import replace
from typing import Any

import pytest
from toy_world import change, planted, table, toy

from benchmark.analysis import remarks, results
from benchmark.analysis.results import Measured, gather
from benchmark.exhibits.exhibit import Exhibit
from benchmark.reporting import exhibit_files, notes, page, tables
from benchmark.reporting.figures import style

COUNTS = {(row, column): [(61, 62, 63), (60, 62, 64)] for row in ("One", "Two") for column in ("1-shot", "2-shot")}
FEW = {"images": 10, "fewest": 2, "most": 4}
WORDS = "at most 4 images of a class, 2 of some (imagenet)"


def shown(shots: tuple[int, int] = (8, 16)) -> Exhibit:
    columns = [{"name": f"{k}-shot", "shots": n} for k, n in zip((1, 2), shots, strict=True)]
    return table(columns=columns)


def measured(changes: dict[tuple[str, str], dict[str, Any]], **more: Any) -> Measured:
    """The planted table with other parts in the records of some cells."""
    found = gather(shown(), toy(), planted(shown(), toy(), COUNTS), **more)
    for place, parts in changes.items():
        for record in found.records[place]:
            change(record, **parts)
    return found


def test_an_ordinary_table_has_no_sentence() -> None:
    assert remarks.sentences(measured({})) == []


def test_a_cell_of_few_images_has_a_dagger_and_its_column_is_explained_in_every_format(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page, "_encoded", lambda *_: "")
    found = measured({("Two", "2-shot"): {"support": FEW}})
    assert remarks.sentences(found) == [f"† 2-shot: {WORDS}"]
    assert "| Two | **62.0 ± 0.0** | **62.0 ± 0.0 †** |" in tables.main_table(found)
    assert f"- † 2-shot: {WORDS}." in exhibit_files.markdown(found)
    text = page.html([found], {})
    assert "62.0 ± 0.0 †" in text
    assert f"† 2-shot: {WORDS}." in text
    assert rf"\par{{\footnotesize $^\dagger$ 2-shot: {WORDS}.\par}}" in tables.latex(found)
    assert f"† 2-shot: {WORDS}" in style.title(found)
    rows = list(csv.DictReader(results.csv(found).splitlines()))
    assert {(row["row"], row["column"]) for row in rows if row["note"]} == {("Two", "2-shot")}
    assert {row["note"] for row in rows} == {"", WORDS}


def test_a_cell_of_other_weights_than_published_says_it_in_every_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_encoded", lambda *_: "")
    found = measured({("Two", "2-shot"): {"differs": {"RN50": "sha256 is 1a2b…"}}})
    words = "† 2-shot: hash differs of RN50: sha256 is 1a2b…"
    assert remarks.sentences(found) == [words]
    assert "| Two | **62.0 ± 0.0** | **62.0 ± 0.0 †** |" in tables.main_table(found)
    assert words in exhibit_files.markdown(found)
    assert words in page.html([found], {})
    assert "2-shot: hash differs of RN50: sha256 is 1a2b" in tables.latex(found)
    rows = list(csv.DictReader(results.csv(found).splitlines()))
    assert {row["note"] for row in rows} == {"", words.removeprefix("† 2-shot: ")}


def test_the_columns_of_one_reason_are_named_together() -> None:
    found = measured({(row, column): {"support": FEW} for row, column in COUNTS})
    assert remarks.sentences(found) == [f"† 1-shot, 2-shot: {WORDS}"]


def test_many_columns_are_counted() -> None:
    columns = [{"name": f"{k}-shot", "shots": k} for k in range(5, 13)]
    exhibit = table(columns=columns)
    counts = {("Two", column["name"]): [(61, 62, 63)] for column in columns[:7]}
    found = gather(exhibit, toy(), planted(exhibit, toy(), counts))
    for place in counts:
        change(found.records[place][0], support=FEW)
    assert remarks.sentences(found) == [f"† 7 of 8 columns: {WORDS}"]


def test_a_stale_cell_of_few_images_has_two_daggers() -> None:
    found = measured({("Two", "2-shot"): {"support": FEW}})
    found.stale["Two", "2-shot"] = ["imagenet"]
    assert "62.0 ± 0.0 ††" in tables.main_table(found)
    assert [line.partition(":")[0] for line in remarks.sentences(found)] == ["† stale", "† 2-shot"]
    assert found.note(("Two", "2-shot")) == f"stale: other imagenet; {WORDS}"


def test_val_is_called_the_last_epoch_where_there_are_no_validation_images() -> None:
    some = measured({("Two", "1-shot"): {"n_val": 0}})
    assert remarks.sentences(some) == ["No validation images at 1-shot: `val` is the last epoch there"]
    assert notes.selection_words(some).startswith("Epoch and tunable settings are chosen on the few-shot validation")
    none = measured({place: {"n_val": 0} for place in COUNTS})
    words = "No validation images: `val` is the last epoch, at the method's own settings; 2 seeds a cell."
    assert notes.selection_words(none) == words
    assert "chosen on the few-shot" not in exhibit_files.markdown(none)
    assert "No validation images at 1-shot, 2-shot: `val` is the last epoch there" in style.title(none)


def test_val_is_not_called_chosen_where_there_was_nothing_to_choose() -> None:
    exhibit = table(rows=[{"name": "One", "method": "baselines.zero_shot:ZeroShotCLIP"}])
    found = gather(exhibit, toy(), planted(exhibit, toy(), {("One", "1-shot"): [(5, 5, 5)]}))
    assert notes.selection_words(found).startswith("Nothing is chosen, there being one epoch and no tunable setting")


def test_what_val_chose_is_not_told_of_a_run_that_chose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_encoded", lambda *_: "")
    none = page.html([measured({place: {"n_val": 0} for place in COUNTS})], {})
    assert "<td>epoch 1</td>" not in none
    assert none.count("<td>no validation images</td>") == 8
    assert "<td>epoch 1</td>" in page.html([measured({})], {})


def test_a_failed_run_is_the_reason_of_an_empty_cell() -> None:
    exhibit, reason = shown(), "1 of 3 images cannot be read: a.jpg: broken"
    cells = {(cell.row, cell.column): cell for cell in exhibit.cells()}
    (run,) = cells["Two", "1-shot"].runs(toy(), [1])
    found = gather(exhibit, toy(), {}, failed={run.cell_key: reason})
    assert notes.missing(found)["Two"] == f"failed at 1-shot: {reason}; not yet run at 2-shot"
    assert remarks.sentences(found) == []


def test_a_cell_with_a_number_says_that_it_failed_now() -> None:
    cells = {(cell.row, cell.column): cell for cell in shown().cells()}
    (run,) = cells["Two", "1-shot"].runs(toy(), [1])
    found = measured({}, failed={run.cell_key: "broken"})
    assert remarks.sentences(found) == [
        "Two at 1-shot: failed in this call (broken); its number is of other seeds or of an earlier call"
    ]


def test_a_librarys_warning_is_told_once_for_the_cells_of_a_row() -> None:
    found = measured(
        {
            ("Two", "1-shot"): {"warnings": ["Slow: it did not converge (14 times)"]},
            ("Two", "2-shot"): {"warnings": ["Slow: it did not converge (3 times)", "Other: it is late"]},
        }
    )
    assert remarks.sentences(found) == [
        "Two at 1-shot, 2-shot: a library warned: Slow: it did not converge (14 times)",
        "Two at 2-shot: a library warned: Other: it is late",
    ]


def test_a_cell_of_fewer_seeds_than_others_in_its_column_says_so_in_every_format(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page, "_encoded", lambda *_: "")
    records = planted(shown(), toy(), COUNTS)
    few = next(r for r in records.values() if r.method.endswith(":TipAdapter") and r.shots == 8 and r.seed == 2)
    rows = [{"name": "One", "method": "baselines.tip_adapter:TipAdapterF"}, {"name": "Two", "method": few.method}]
    both = planted(replace(shown(), rows=rows), toy(), COUNTS)
    found = gather(replace(shown(), rows=rows), toy(), {k: r for k, r in both.items() if r.asked != few.asked})
    assert found.fewer == {("Two", "1-shot"): (1, 2)}
    (sentence,) = remarks.sentences(found)
    assert sentence.startswith("Fewer seeds than others in the column: Two at 1-shot (1 of 2); ")
    assert notes.selection_words(found).endswith(
        "; 1 or 2 seeds a cell, fewer than others in the column where it says so."
    )
    for text, times in ((tables.main_table(found), 1), (tables.latex(found), 1), (page.html([found], {}), 2)):
        assert text.count("(1 seed)") == times  # on the page also above what the cell opens to
    assert {row["note"] for row in csv.DictReader(results.csv(found).splitlines()) if row["seeds"] == "1"} == {
        "1 of the 2 seeds of others"
    }
    assert "1 or 2 seeds (hollow: fewer than 2)" in style.title(found, hollow=True)


def test_a_row_that_draws_nothing_has_not_fewer_seeds() -> None:
    assert measured({}).fewer == {}
    only_one = {key: record for key, record in planted(shown(), toy(), COUNTS).items() if record.seed == 1}
    assert gather(shown(), toy(), only_one).fewer == {}
