"""What people read is named by what it is: a data set by its suite, a method by its row, a run by what tells it apart."""

import re
from dataclasses import replace

import pytest

from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Cell
from benchmark.exhibits.naming import column_named, method_named, run_named, shown_in
from benchmark.suites import suite as suites

MINI, PAPER = suites.load("mini"), suites.load("paper")


def first_run(table: str, row: str, column: str) -> str:
    shown = exhibit.load(table)
    (cell,) = [cell for cell in shown.cells() if (cell.row, cell.column) == (row, column)]
    return run_named(cell.runs(MINI, [1])[-1], cell, shown, MINI)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (("table4", "CaFo*", "1-shot"), "CaFo*, source (rendered), 1 shot, seed 1"),
        (("table4", "CaFo", "16-shot"), "CaFo, source (rendered), 16 shots, seed 1"),
        (("table4", "Zero-shot CLIP", "1-shot"), "Zero-shot CLIP, source (rendered), 0 shots, seed 0"),
        (("table2", "MAE", "SUP"), "LinearProbe, auxiliary feature MAE, SUP, source (rendered), 16 shots, seed 1"),
        (("table2", "MAE", "fused"), "AMU-Tuning, auxiliary feature MAE, fused, source (rendered), 16 shots, seed 1"),
        (("table6", "AUX + MTFi", "4-shot"), "AMU-Tuning, parts AUX + MTFi, source (rendered), 4 shots, seed 1"),
        (("table7", "CoOp", "ViT-B/16"), "CoOp, ViT-B/16, source (rendered), 16 shots, seed 1"),
        (("figure5", "LP-CLIP", "eurosat, 2-shot"), "LP-CLIP, digits (scikit-learn), 2 shots, seed 1"),
        (("tablereadings", "text", "1-shot"), "AMU-Tuning, text, source (rendered), 1 shot, seed 1"),
        (("tablelam", "searched", "1-shot"), "AMU-Tuning, lam searched (lam 1.0), source (rendered), 1 shot, seed 1"),
    ],
)
def test_a_run_is_named_by_its_row_and_what_tells_it_apart(place: tuple[str, str, str], name: str) -> None:
    assert first_run(*place) == name


@pytest.mark.parametrize("name", exhibit.names())
def test_different_runs_of_an_exhibit_have_different_names(name: str) -> None:
    shown = exhibit.load(name)
    asked: dict[str, tuple[Cell, str]] = {}
    for cell in shown.cells():
        for run in cell.runs(MINI, [1, 2]):
            asked.setdefault(run.key, (cell, run_named(run, cell, shown, MINI)))
    names = [named for _, named in asked.values()]
    assert len(set(names)) == len(names)


def test_a_method_is_named_by_its_row_and_else_by_its_class() -> None:
    assert method_named("baselines.lp_clip:LPCLIP") == "LP-CLIP"
    assert method_named("baselines.cafo:CaFo") == "CaFo"  # of Table 1; in Table 4 it has two rows
    assert method_named("amu.heads:LinearProbe") == "LinearProbe"
    assert method_named("mine:Mine") == "Mine"
    assert method_named("mine:Mine", "mine:Mine") == "mine:Mine"


def test_a_column_is_named_by_the_data_set_that_the_suite_has_in_its_role() -> None:
    columns = {column["name"]: column for column in exhibit.load("figure5").columns}
    assert column_named(columns["eurosat, 1-shot"], MINI) == "digits (scikit-learn), 1-shot"
    assert column_named(columns["eurosat, 1-shot"], PAPER) == "EuroSAT, 1-shot"
    (column,) = exhibit.load("figure4b").columns
    assert column_named(column, PAPER) == "ImageNet"
    assert column_named(column, replace(MINI, names={})) == "imagenet"


def test_an_exhibit_is_shown_under_these_names_and_keeps_those_of_its_cells() -> None:
    shown = shown_in(exhibit.load("figure5"), MINI)
    assert list(shown.by_panel())[-2:] == ["digits (scikit-learn)", "actions (rendered)"]
    assert shown.columns[-1]["name"] == "ucf101, 16-shot"
    assert shown_in(shown, MINI) == shown


def test_every_data_set_of_the_rendered_world_says_what_it_is() -> None:
    assert MINI.names.keys() == MINI.datasets.keys()
    assert {name[name.index("(") :] for name in MINI.names.values()} == {"(rendered)", "(scikit-learn)"}
    assert not [name for name in MINI.names.values() if re.search("imagenet|pets|cars|food|eurosat|dtd", name, re.I)]
    assert (PAPER.named("imagenet"), PAPER.named("folder:birds")) == ("ImageNet", "folder:birds")
