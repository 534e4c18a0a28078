"""Records become rows: a cell counts with all its seeds, and a cell that was not run says so."""

from pathlib import Path

import pytest
from toy_world import paper, planted, table, toy

from benchmark.analysis.results import gather
from benchmark.core import paths
from benchmark.records import record
from benchmark.records.record import SELECTIONS

ONE = {("One", "1-shot"): [(40, 50, 60), (42, 54, 60)]}


def test_a_cell_s_mean_is_over_its_seeds_under_each_selection() -> None:
    measured = gather(table(), toy(), planted(table(), toy(), ONE))
    assert [measured.at("One", "1-shot", s).mean for s in ("last", "val", "test")] == [41, 52, 60]
    row = measured.at("One", "1-shot")
    assert (row.seeds, row.correct, row.n) == (2, 104, 200)
    assert [r.seed for r in measured.records["One", "1-shot"]] == [1, 2]


def test_there_is_a_row_for_every_cell_and_selection() -> None:
    measured = gather(table(), toy(), {})
    assert len(measured.rows) == 3 * 2 * len(SELECTIONS)
    assert {(row.seeds, row.mean, row.correct) for row in measured.rows} == {(0, None, None)}


def test_what_is_missing_says_why() -> None:
    missing = gather(table(), toy(), planted(table(), toy(), ONE)).missing
    assert missing["One", "2-shot"] == "not yet run"
    assert missing["Three", "1-shot"] == "no code"
    assert ("One", "1-shot") not in missing


def test_a_record_of_another_question_counts_for_no_cell() -> None:
    other = toy(views=3)
    measured = gather(table(), toy(), planted(table(), other, ONE))
    assert not any(measured.records.values())


def test_the_cell_of_a_record_is_computed_once_for_all_exhibits(monkeypatch: pytest.MonkeyPatch) -> None:
    records = planted(table(), toy(), ONE)
    first = gather(table(), toy(), records)
    monkeypatch.setattr(record, "digest", lambda _: pytest.fail("computed again"))
    assert gather(table(), toy(), records).rows == first.rows


def test_seeds_that_nobody_asked_the_suite_for_count_too() -> None:
    three = {("One", "1-shot"): [(1, 1, 1), (2, 2, 2), (3, 3, 3)]}
    assert gather(table(), toy(seeds=[1]), planted(table(), toy(), three)).at("One", "1-shot").seeds == 3


@pytest.mark.parametrize(("comparable", "number"), [(True, 50.25), (False, None)])
def test_the_paper_s_number_is_there_only_where_it_may_be_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comparable: bool, number: float | None
) -> None:
    folder = paper(tmp_path / "reference")
    monkeypatch.setattr(paths, "reference", lambda: folder)
    assert gather(table(), toy(comparable=comparable), {}).at("One", "1-shot").paper == number
