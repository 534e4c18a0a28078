"""The next command: the rest of the main exhibit, then of all, then other seeds; and its time in words."""

from typing import Any

from toy_world import FILE, planted, record_of, table, toy

from benchmark.analysis.results import Measured, gather
from benchmark.records.record import Record
from benchmark.reporting import next_step
from benchmark.reporting.next_step import Step
from benchmark.running.forecast import Forecast

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
        assert step.expected.runs == seconds


def test_the_time_says_that_features_come_on_top() -> None:
    assert Step("", "", Forecast(runs=100, each={"a": 100})).time == "about 1 to 3 min, without features"


def test_a_suite_that_can_run_nothing_has_no_next_step() -> None:
    rows = [{"name": "Other", "method": "baselines.zero_shot:ZeroShotCLIP", "dataset": "dtd"}]
    assert next_step.find([gather(table(rows), toy(), {})], {}, 1) is None
