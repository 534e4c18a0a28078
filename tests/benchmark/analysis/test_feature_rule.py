"""The rule of an exhibit is a function named as a method is, asked with the numbers of two columns."""

import pytest
from toy_house import full_record
from toy_world import table, toy

from benchmark.analysis import feature_rule
from benchmark.analysis.results import Measured, gather
from benchmark.core.errors import BenchError
from benchmark.reporting import exhibit_files

TIP = "baselines.tip_adapter:TipAdapter"
ROWS = [{"name": n, "method": TIP, "with": {"beta": b}} for n, b in (("low", 1.0), ("high", 2.0), ("unknown", 3.0))]
RULE = {"function": "toy_house:better_than", "superiority": "SUP", "complementarity": "CMY", "least": 40}


def measured(**changes: object) -> Measured:
    columns = [{"name": "SUP", "shots": 1}, {"name": "CMY", "shots": 1, "metric": "cmy_raw"}]
    shown = table(rows=ROWS, columns=columns, rule={**RULE, **changes})
    records = {}
    for cell, accuracy in zip([c for c in shown.cells() if c.column == "SUP"][:2], (0.3, 0.5), strict=True):
        run = cell.runs(toy(), [1])[0]
        records[run.key] = full_record(run, toy(), accuracy)
    return gather(shown, toy(), records)


def test_the_rule_is_asked_with_the_rows_that_have_both_numbers() -> None:
    assert feature_rule.apply(measured()) == [feature_rule.Picked("", ["high"], ["low", "high"])]


def test_its_other_arguments_are_the_exhibit_s() -> None:
    assert feature_rule.apply(measured(least=20))[0].picked == ["low", "high"]


def test_what_it_picks_is_shown_in_the_markdown() -> None:
    text = exhibit_files.markdown(measured())
    assert "## What the rule picks" in text
    assert "`toy_house:better_than`, superiority = SUP, complementarity = CMY, least = 40." in text
    assert "| all | high | 2 |" in text


def test_an_exhibit_without_a_rule_picks_nothing() -> None:
    assert feature_rule.apply(gather(table(), toy(), {})) == []
    assert feature_rule.tables(gather(table(), toy(), {})) == []


def test_the_rule_of_an_exhibit_is_unpacked_once_for_all_who_ask() -> None:
    rule = feature_rule.rule_of(measured().exhibit)
    assert rule is not None
    assert (rule.name, rule.superiority, rule.complementarity) == ("toy_house:better_than", "SUP", "CMY")
    assert rule.arguments == {"least": 40}
    assert rule.picks({"low": 30, "high": 50}, {"low": 0.1, "high": 0.2}) == ["high"]
    assert feature_rule.rule_of(table()) is None


def test_a_function_that_is_not_there_is_named() -> None:
    with pytest.raises(BenchError, match="rule 'toy_house:worse'"):
        feature_rule.apply(measured(function="toy_house:worse"))
