"""The gate is red for two points, green for a tenth, and says so when there is nothing to hold results against."""

from pathlib import Path

import pytest
from toy_world import FILE, bench, bits_of, planted, table, toy

from benchmark import check, exhibit, paths
from benchmark.check import Verdict
from benchmark.errors import Incomplete
from benchmark.store import Store

HEADER = "row,column,selection,mean,seeds"


@pytest.mark.parametrize(
    ("measured", "says"),
    [(60.0, "agrees"), (61.0, "agrees"), (59.0, "agrees"), (58.0, "regressed"), (62.0, "rose"), (None, "missing")],
)
def test_a_cell_may_move_by_a_point(measured: float | None, says: str) -> None:
    assert Verdict("CoOp", "1-shot", "val", 60.0, measured).says == says


def test_a_verdict_says_what_was_expected_and_what_came() -> None:
    line = Verdict("CoOp", "1-shot", "val", 60.0, 58.0).line
    assert line == "regressed: CoOp, 1-shot, val: 58.00 (-2.00); reference 60.00"
    missing = Verdict("CoOp", "1-shot", "val", 60.0, None).line
    assert missing == "missing: CoOp, 1-shot, val: not measured; reference 60.00"


def test_without_a_reference_run_the_gate_cannot_be_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "reference", lambda: tmp_path)
    with pytest.raises(Incomplete, match="there is no reference run of table4 for suite toy"):
        check.read("toy", "table4")


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with one cell at 60 %, and a place for reference numbers."""
    shown = table()
    monkeypatch.setattr(exhibit, "load", lambda _: shown)
    monkeypatch.setattr(paths, "reference", lambda: tmp_path / "reference")
    (tmp_path / "reference" / "toy").mkdir(parents=True)
    store = Store(tmp_path / "results" / "toy")
    for record in planted(shown, toy(), {("One", "1-shot"): [(60, 60, 60)]}).values():
        store.put(record, bits_of(record))
    return tmp_path


def held(gate: Path, *lines: str) -> tuple[int, str, str]:
    (gate / "reference" / "toy" / "table4.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    return bench("check", "--table", 4, "--suite", FILE, "--results", gate / "results")


def test_a_regression_of_two_points_is_red(gate: Path) -> None:
    code, out, err = held(gate, "One,1-shot,val,62.0,1", "One,1-shot,last,60.0,1")
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "regressed: One, 1-shot, val: 60.00 (-2.00); reference 62.00",
        "1 of 2 cells agree within 1 point, 1 differ, 0 not measured",
    ]


def test_within_the_margin_is_green(gate: Path) -> None:
    code, out, _ = held(gate, "One,1-shot,val,60.9,1", "One,2-shot,val,50", "One,1-shot,test,")
    assert (code, out) == (0, "1 of 1 cells agree within 1 point, 0 differ, 1 not measured\n")


def test_no_reference_is_exit_3(gate: Path) -> None:
    code, out, err = bench("check", "--table", 4, "--suite", FILE, "--results", gate / "results")
    assert (code, out) == (3, "")
    assert "there is no reference run" in err


def test_nothing_measured_is_exit_3(gate: Path) -> None:
    code, _, err = held(gate, "Two,1-shot,val,60.9,1")
    assert code == 3
    assert "nothing to compare" in err


def test_a_reference_with_other_seeds_is_not_compared(gate: Path) -> None:
    code, _, err = held(gate, "One,1-shot,val,62.0,3")
    assert code == 3
    assert "nothing to compare" in err


def test_an_update_makes_what_is_measured_the_reference(gate: Path) -> None:
    code, out, _ = bench("check", "--table", 4, "--update", "--suite", FILE, "--results", gate / "results")
    assert code == 0
    folder = gate / "reference" / "toy"
    assert out.splitlines() == [f"wrote {folder / name}" for name in ("table0.csv", "seconds.csv", "conditions.json")]
    (folder / "table0.csv").rename(folder / "table4.csv")  # the exhibit that stands in for table 4 calls itself 0
    code, out, _ = bench("check", "--suite", FILE, "--results", gate / "results")
    assert (code, out) == (0, "3 of 3 cells agree within 1 point, 0 differ, 0 not measured\n")
