"""A table is data: fixed, column and row united, the later wins."""

import re

import pytest
from toy_world import table, toy

from benchmark.core.errors import BenchError
from benchmark.exhibits import exhibit

TOML = """
title = "T"
caption = "C"
paper = "P"
metric = "accuracy"
[fixed]
dataset = "imagenet"
backbone = "RN50"
shots = 1
[[columns]]
name = "two"
shots = 2
cite = { shots = 2 }
[[columns]]
name = "fixed"
[[rows]]
name = "A"
method = "baselines.zero_shot:ZeroShotCLIP"
cite = { method = "A" }
[[rows]]
name = "B"
method = "baselines.zero_shot:ZeroShotCLIP"
shots = 0
seeds = [0]
[[rows]]
name = "C"
"""


def test_a_cell_is_the_union_and_the_later_wins() -> None:
    questions = {(c.row, c.column): c.question for c in exhibit.parse("table0", TOML).cells()}
    assert {place: question.shots for place, question in questions.items()} == {
        ("A", "two"): 2,
        ("A", "fixed"): 1,
        ("B", "two"): 0,
        ("B", "fixed"): 0,
        ("C", "two"): 2,
        ("C", "fixed"): 1,
    }


def test_a_cell_cites_what_its_row_and_its_column_say_and_nothing_where_the_row_cites_nothing() -> None:
    cites = {(c.row, c.column): c.question.cite for c in exhibit.parse("table0", TOML).cells()}
    assert cites["A", "two"] == {"shots": 2, "method": "A"}
    assert cites["A", "fixed"] == {"method": "A"}
    assert cites["B", "two"] == {}


def test_a_cell_without_a_method_only_cites() -> None:
    cells = {(c.row, c.column): c for c in exhibit.parse("table0", TOML).cells()}
    assert cells["C", "two"].runs(toy()) == []


def test_seeds_come_from_the_cell_then_from_what_was_asked_then_from_the_suite() -> None:
    cells = {(c.row, c.column): c for c in exhibit.parse("table0", TOML).cells()}
    seeds = [
        [r.seed for r in cells[row, "two"].runs(toy(), asked)] for row, asked in (("B", [7]), ("A", [7]), ("A", None))
    ]
    assert seeds == [[0], [7], [1, 2]]


def test_what_two_cells_share_is_made_once() -> None:
    parsed = exhibit.parse("table0", TOML)
    runs = [run for cell in parsed.cells() if cell.row == "B" for run in cell.runs(toy())]
    assert len(runs) == 2
    assert len(exhibit.unique(runs)) == 1


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("shots = 2\n", "shot = 2\n", "unknown key in exhibits/table0.toml 'shot': did you mean 'shots'?"),
        ('title = "T"', "", "title"),
        ('title = "T"', 'titel = "T"', "titel"),
        ('title = "T"', "title = ", "exhibits/table0.toml: Invalid value"),
        ('name = "B"', 'name = "A"', "every row needs a name of its own"),
        ('name = "two"\n', "", "every column needs a name of its own"),
    ],
)
def test_a_mistake_in_the_file_is_named(old: str, new: str, complaint: str) -> None:
    assert old in TOML
    with pytest.raises(BenchError, match=re.escape(complaint)):
        exhibit.parse("table0", TOML.replace(old, new, 1))


def test_an_unknown_exhibit_gets_the_nearest_name() -> None:
    with pytest.raises(BenchError, match="unknown exhibit 'tabel4': did you mean 'table4'"):
        exhibit.load("tabel4")


def chosen(methods: list[str], shots: list[int]) -> list[tuple[str, str]]:
    return [(c.row, c.column) for c in exhibit.select(table().cells(), methods, shots)]


@pytest.mark.parametrize("name", ["Two", "TipAdapter", "baselines.tip_adapter:TipAdapter"])
def test_a_method_is_chosen_by_row_class_or_full_name(name: str) -> None:
    assert chosen([name], []) == [("Two", "1-shot"), ("Two", "2-shot")]


def test_shots_choose_columns() -> None:
    assert chosen(["One"], [2]) == [("One", "2-shot")]
    assert len(chosen([], [1])) == 3


def test_where_nothing_is_chosen_everything_is() -> None:
    assert len(chosen([], [])) == 6


@pytest.mark.parametrize(
    ("methods", "shots", "complaint"),
    [
        (["Onne"], [], "unknown method 'Onne': did you mean 'One'?"),
        ([], [3], "unknown number of shots '3': there are 1, 2"),
    ],
)
def test_a_wrong_choice_gets_the_nearest(methods: list[str], shots: list[int], complaint: str) -> None:
    with pytest.raises(BenchError, match=re.escape(complaint)):
        chosen(methods, shots)


def test_anybody_s_method_becomes_a_row() -> None:
    rows = exhibit.with_method(table(), "toy_methods:Flat").rows
    assert rows[-1] == {"name": "Flat", "method": "toy_methods:Flat"}
    assert len(rows) == 4


def test_a_visitor_with_a_name_that_is_taken_is_shown_by_its_full_name() -> None:
    shown = table(rows=[{"name": "Flat", "method": "baselines.zero_shot:ZeroShotCLIP"}])
    assert exhibit.with_method(shown, "toy_methods:Flat").rows[-1]["name"] == "toy_methods:Flat"
