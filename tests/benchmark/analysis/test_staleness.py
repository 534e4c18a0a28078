"""Which cells were measured on other data or weights than are here today."""

from dataclasses import replace
from typing import Any

import pytest
from toy_world import FILE, bench, change, here, planted, record_of, table, toy

from benchmark.analysis import results, staleness
from benchmark.analysis.results import Measured, gather
from benchmark.core.errors import BenchError
from benchmark.core.settings import read
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import Run
from benchmark.records.record import Record
from benchmark.records.store import Store

COUNTS = {("One", "1-shot"): [(40, 50, 60)], ("Two", "1-shot"): [(61, 62, 63), (61, 62, 63)]}


def marked(other: dict[str, str], row: str = "Two") -> Measured:
    """The toy table with other fingerprints in a row's first record than the data and weights have today."""
    suite = toy()
    found = gather(table(), suite, planted(table(), suite, COUNTS))
    for records in found.records.values():
        for record in records:
            change(record, fingerprints=Opened(run_of(record), here(suite)).fingerprints)
    first = found.records[row, "1-shot"][0]
    change(first, fingerprints={**first.fingerprints, **other})
    staleness.mark([found], read())
    return found


def run_of(record: Record) -> Run:
    return Run(**{name: value for name, value in record.asked.items() if name != "protocol"})


def test_nothing_is_stale_that_was_measured_on_what_is_here() -> None:
    assert marked({}).stale == {}


@pytest.mark.parametrize(("name", "word"), [("data", "imagenet"), ("RN50", "RN50")])
def test_a_cell_is_stale_where_one_of_its_seeds_was_measured_on_something_else(name: str, word: str) -> None:
    assert marked({name: "another"}).stale == {("Two", "1-shot"): [word]}


def test_what_a_record_names_and_nobody_knows_today_says_nothing() -> None:
    assert marked({"sketches": "gone since"}).stale == {}


def test_where_the_data_are_not_here_nothing_is_known_and_it_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def gone(opened: Opened) -> dict[str, str]:
        asked.append(opened.run.method)
        raise BenchError("the data are not here")

    suite = toy()
    found = gather(table(), suite, planted(table(), suite, COUNTS))
    monkeypatch.setattr(Opened, "fingerprints", property(gone))
    staleness.mark([found, found], read())
    assert found.stale == {}
    assert len(asked) == 3  # one run and two seeds of another, each once in two tables


def test_of_a_search_over_runs_those_that_were_picked_count() -> None:
    row = {"name": "Tip", "method": "baselines.tip_adapter:TipAdapter", "search": {"beta": [2.0, 3.0]}}
    shown, suite = table(rows=[row], columns=[{"name": "1-shot", "shots": 1}]), toy(seeds=[1])
    (cell,) = shown.cells()
    for stale_beta, expected in ((2.0, {("Tip", "1-shot"): ["RN50"]}), (3.0, {})):
        records = {}
        for run in cell.runs(suite):
            beta = run.settings["beta"]
            record = replace(record_of(run.asked()), picked_on={"val": int(beta == 2), "test": int(beta == 2)})
            record = replace(
                record,
                fingerprints=Opened(run, here(suite)).fingerprints | ({"RN50": "old"} if beta == stale_beta else {}),
            )
            records[run.key] = record
        found = gather(shown, suite, records)
        staleness.mark([found], read())
        assert found.stale == expected


def test_the_report_marks_what_is_stale(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    folders = ["--results", tmp_path / "results", "--reports", tmp_path / "reports", "--suite", FILE]
    code, _, _ = bench("run", "--table", "4", "--method", "Zero-shot CLIP", "--method", "Tip-Adapter", *folders)
    assert code == 0
    store = Store(tmp_path / "results" / "toy")
    for key, record in store.records().items():
        if record.method.endswith("TipAdapter"):
            bits = {name: store.correct(key, name) for name in record.selections}
            store.put(replace(record, fingerprints={**record.fingerprints, "data": "squares-0"}), bits)
    monkeypatch.setattr(results, "ENOUGH", 0.1)
    assert bench("report", *folders)[0] == 0
    text = (tmp_path / "reports" / "toy" / "index.html").read_text("utf-8")
    again = f"bench run --table 4 --suite {FILE} --rerun measures it again."
    assert f"† stale: measured on other imagenet than are here today; {again}" in text
