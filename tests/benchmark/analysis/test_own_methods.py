"""A method of another package is a row wherever it was measured on an exhibit's grid, and nothing of it is imported."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from toy_house import full_record, house
from toy_world import record_of

from benchmark.analysis.own_methods import held, with_own
from benchmark.analysis.results import gather
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Exhibit
from benchmark.records.record import Record

OWN = "package_that_nobody_has:Mine"


def own(shots: int = 1, seed: int = 1, **changes: Any) -> Record:
    """A record of an own method on the grid of Table 4, with other parts of its question."""
    (cell,) = [c for c in exhibit.load("table4").cells() if (c.row, c.column) == ("Tip-Adapter", f"{shots}-shot")]
    (run,) = cell.runs(house(), [seed])
    record = full_record(run, house(), 0.6)
    made = record_of({**record.asked, "method": OWN, "settings": {"beta": 5.0}, **changes})
    return replace(made, shifts=record.shifts)


def rows(shown: Exhibit, records: Iterable[Record]) -> dict[str, list[str]]:
    """Own rows of an exhibit, with the columns that they are measured in."""
    added = with_own(shown, house(), records).rows[len(shown.rows) :]
    return {row["name"]: list(row["only"]) for row in added}


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("table4", ["16-shot"]),
        ("table1", ["16-shot accuracy"]),
        ("table7", ["RN50"]),
        ("table5", ["source", "V2", "Sketch", "A", "R"]),
    ],
)
def test_it_is_a_row_of_every_exhibit_on_whose_grid_it_was_measured(name: str, columns: list[str]) -> None:
    assert rows(exhibit.load(name), [own(16)]) == {"Mine": columns}


@pytest.mark.parametrize("name", ["table2", "table6", "figure5", "figure6"])
def test_it_is_no_row_where_methods_are_not_compared_or_on_another_grid(name: str) -> None:
    assert rows(exhibit.load(name), [own(16)]) == {}


def test_a_shift_that_was_not_measured_is_no_cell() -> None:
    assert rows(exhibit.load("table5"), [replace(own(16), shifts=None)]) == {"Mine": ["source"]}


@pytest.mark.parametrize(
    "changes", [{"protocol": 1}, {"suite": "mini"}, {"method": "no class"}, {"settings": 5}, {"more": 1}]
)
def test_what_is_no_question_of_today_s_makes_no_row(changes: dict[str, Any]) -> None:
    assert rows(exhibit.load("table4"), [own(**changes)]) == {}


def test_shots_of_no_column_make_no_row() -> None:
    record = own()
    assert rows(exhibit.load("table4"), [record_of({**record.asked, "shots": 3})]) == {}


def test_a_method_of_another_exhibit_makes_no_row() -> None:
    assert rows(exhibit.load("table4"), [own(method="baselines.maple:MaPLe")]) == {}


def test_other_settings_are_another_row_named_by_what_differs_the_newest_first() -> None:
    older = replace(own(), measured="2026-01-01T00:00:00")
    newer = replace(own(4, settings={"beta": 6.0}), measured="2026-02-01T00:00:00")
    assert rows(exhibit.load("table4"), [older, newer]) == {
        "Mine (beta 6.0)": ["4-shot"],
        "Mine (beta 5.0)": ["1-shot"],
    }
    nested = (
        own(settings={"beta": 5.0, "recipe": {"epochs": 3}}),
        own(4, settings={"beta": 5.0, "recipe": {"epochs": 9}}),
    )
    assert set(rows(exhibit.load("table4"), nested)) == {"Mine (epochs 3)", "Mine (epochs 9)"}


def test_classes_of_one_name_are_named_in_full() -> None:
    found = rows(exhibit.load("table4"), [own(), own(method="other:Mine"), own(method="another:CoOp")])
    assert list(found) == ["Mine", "other:Mine", "another:CoOp"]


def test_its_cells_have_its_records_and_nothing_is_imported() -> None:
    records = {record.key: record for record in (own(1), own(1, seed=2), own(16))}
    found = gather(exhibit.load("table4"), house(), records)
    assert [record.seed for record in found.records["Mine", "1-shot"]] == [1, 2]
    assert found.at("Mine", "16-shot").seeds == 1
    assert found.at("Mine", "4-shot").mean is None
    assert ("Mine", "4-shot") not in found.missing
    assert "package_that_nobody_has" not in sys.modules
    assert held(exhibit.load("table4"), house(), records.values()) == {r.cell_key for r in records.values()}


def test_it_makes_the_table_of_methods_worth_drawing_and_counts_in_no_share() -> None:
    found = gather(exhibit.load("table4"), house(), {own().key: own()})
    assert (found.share, found.ready) == (0, True)
    assert not gather(exhibit.load("table7"), house(), {own(16).key: own(16)}).ready
    assert not gather(exhibit.load("table4"), house(), {own().key: own()}, own=False).ready
