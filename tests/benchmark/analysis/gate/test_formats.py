"""The gate's verdicts as text, JSON, JUnit's XML and workflow commands."""

import json
from dataclasses import replace
from math import nan
from xml.etree import ElementTree

from benchmark.analysis.gate.difference import COUNTS, Difference
from benchmark.analysis.gate.formats import FORMATS
from benchmark.analysis.gate.verdicts import Gate, Verdict, judge


def verdict(row: str, effect: float, error: float = 0.1) -> Verdict:
    return Verdict("t", row, "c", 60, 60 + effect, Difference(effect, error**2, COUNTS), asked=(row,), method="M")


MISSED = Verdict("t", "missed", "c", 60, None)
NEW = Verdict("t", "new", "c", None, 50)


def shown() -> Gate:
    return judge(
        [verdict("alike", 0.0), verdict("worse", -5), verdict("better", 5), verdict("open", -0.95), MISSED, NEW]
    )


def test_the_text_names_what_differs_and_counts_the_rest() -> None:
    worse, better, cells, losses = FORMATS["text"](shown()).splitlines()
    assert worse == "worse: t: worse, c: 55.00 against 60.00, -5.00 (-5.20 to -4.80, by counts)"
    assert better.startswith("better: t: better, c: 65.00 against 60.00")
    assert cells == (
        "4 cells compared (4 different questions): 1 agree, 1 worse, 1 better, 1 inconclusive; 1 not measured,"
        " 1 not in the reference"
    )
    assert losses.startswith("would have been found in 80 % (95 %) of repetitions: a loss of ")


def test_cells_at_fewer_seeds_are_counted() -> None:
    gate = judge([replace(verdict("alike", 0.0), lost=2)])
    assert "0 not measured, 1 at fewer seeds than the reference" in FORMATS["text"](gate)


def test_json_has_every_number_and_only_finite_ones() -> None:
    said = json.loads(FORMATS["json"](shown()))
    assert [cell["says"] for cell in said["cells"]] == [
        "agrees", "worse", "better", "inconclusive", "missing", "not in the reference",
    ]  # fmt: skip
    assert said["counts"]["worse"] == 1
    assert [loss["of"] for loss in said["detectable"]] == ["half of the cells", "nine cells of ten"]
    unknown = json.loads(FORMATS["json"](judge([verdict("r", -10.0, nan)])))["cells"][0]
    assert (unknown["effect"], unknown["low"]) == (-10.0, None)


def test_junit_parses_and_counts_what_is_worse_and_what_is_missing() -> None:
    suite = ElementTree.fromstring(FORMATS["junit"](shown()))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("6", "1", "2")
    (failure,) = suite.findall("testcase/failure")
    assert failure.get("message", "").startswith("worse: t: worse, c")


def test_hostile_names_stay_text_in_junit_and_in_workflow_commands() -> None:
    bad = replace(verdict('<x a="1">&\n::set-output::', -10), column="c%")
    case = ElementTree.fromstring(FORMATS["junit"](judge([bad]))).find("testcase")
    assert case is not None
    assert '<x a="1">&' in str(case.get("name"))
    first, *rest = FORMATS["github"](judge([bad])).splitlines()
    assert first.startswith("::error title=bench check::worse: t: <x")
    assert "%0A" in first
    assert "c%25" in first
    assert not any(line.startswith("::") for line in rest)
