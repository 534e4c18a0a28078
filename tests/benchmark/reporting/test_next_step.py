"""The next command: the rest of the main exhibit, then of all, then other seeds; and its time in words."""

from typing import Any

import pytest
from toy_world import FILE, planted, record_of, table, toy

from benchmark.analysis.results import Measured, gather
from benchmark.records.record import Record
from benchmark.reporting import next_step
from benchmark.reporting.next_step import Step

ROWS: list[dict[str, Any]] = [{"name": "One", "method": "baselines.tip_adapter:TipAdapter"}]
SUITE = f"--suite {FILE}"


def two() -> list[Measured]:
    """The main exhibit of one method at one and two shots, and another exhibit of the same method at four shots."""
    shots = [{"name": "4-shot", "shots": 4}]
    return [gather(table(ROWS, id="table9", columns=shots), toy(), {}), gather(table(ROWS, id="table4"), toy(), {})]


def records_of(exhibits: list[Measured]) -> dict[str, Record]:
    runs = (run for one in exhibits for cell in one.exhibit.cells() for run in cell.runs(one.suite))
    return {run.key: record_of(run.asked()) for run in runs}


def test_first_the_main_exhibit_then_all_then_as_many_seeds_again() -> None:
    other, main = two()
    assert main.suite.seeds == [1, 2]
    partly = dict(list(records_of([main]).items())[1:])
    commands = []
    for records in ({}, partly, records_of([main]), records_of([main, other])):
        step = next_step.find([other, main], records, 2)
        assert step is not None
        commands.append(step.command)
    assert commands == [
        f"bench run --table 4 {SUITE}",
        f"bench run --table 4 {SUITE}",
        f"bench run --all {SUITE}",
        f"bench run --table 4 {SUITE} --seeds 3,4",
    ]


def test_the_time_is_of_the_missing_runs_over_the_processes() -> None:
    _, main = two()
    records = planted(main.exhibit, main.suite, {("One", f"{k}-shot"): [(1, 2, 3)] for k in (1, 2)})
    for processes, seconds in ((1, 4.0), (2, 2.0)):  # seed 2 is missing, twice 2 s
        step = next_step.find([main], records, processes)
        assert step is not None
        assert step.seconds == seconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "time unknown"),
        (0.2, "about 1 s, without features"),
        (89.4, "about 89 s, without features"),
        (121, "about 3 min, without features"),
        (7200, "about 2 h"),
    ],
)
def test_a_time_is_rounded_up_to_minutes(seconds: float | None, words: str) -> None:
    assert Step("", "", seconds).time == words


def test_a_suite_that_can_run_nothing_has_no_next_step() -> None:
    rows = [{"name": "Other", "method": "baselines.zero_shot:ZeroShotCLIP", "dataset": "dtd"}]
    assert next_step.find([gather(table(rows), toy(), {})], {}, 1) is None
