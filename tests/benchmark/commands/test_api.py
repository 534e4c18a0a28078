"""From Python everything is measured and told as by a command, as data frames and errors, and nothing is printed."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
from toy_house import FILE
from toy_world import bench, undrawn

import benchmark as ab
from amu.tuning import AMUTuning
from benchmark.commands import api
from benchmark.core.errors import BenchError, Incomplete
from benchmark.methods.contract.toy import toy_task
from benchmark.reporting.figures import draw
from benchmark.running import progress
from benchmark.running.workers import Done

ROWS = ["Zero-shot CLIP", "Tip-Adapter", "Tip-Adapter-F"]
SUITE = ["--suite", FILE, "--jobs", "1"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder in which three rows of Table 4 are measured at one shot, from Python."""
    folder = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("BENCH_CACHE", str(folder / "cache"))
        patch.setattr(draw, "draw", undrawn)
        for name in ("BENCH_RESULTS", "BENCH_REPORTS"):
            patch.delenv(name, raising=False)
        ab.run(table=4, method=ROWS, shots=1, seeds=2, suite=str(FILE))
        yield folder


@pytest.mark.usefixtures("place")
def test_what_was_run_from_python_is_done_for_the_command() -> None:
    named = [part for row in ROWS for part in ("--method", row)]
    code, _, err = bench("run", "--table", "4", *named, "--shots", "1", "--seeds", "1,2", *SUITE)
    assert code == 0
    assert "5 runs: 5 done, 0 missing, 0 stale" in err


def test_the_frame_of_a_table_is_its_file(place: Path) -> None:
    frame = ab.read(table=4, suite=str(FILE)).frame
    assert bench("run", "--table", "4", "--method", "Tip-Adapter", "--shots", "1", "--seeds", "1,2", *SUITE)[0] == 0
    file = pd.read_csv(place / "reports" / "toy_house" / "table4.csv")
    there = file[file["seeds"] > 0].reset_index(drop=True)
    assert len(there) == len(frame)
    for column in ("row", "selection", "seeds", "correct"):
        assert frame[column].astype(str).tolist() == there[column].astype(str).str.removesuffix(".0").tolist()
    assert frame["mean"].tolist() == pytest.approx(there["mean"].tolist(), abs=1e-4)


@pytest.mark.usefixtures("place")
def test_rows_are_in_the_order_of_the_exhibit() -> None:
    table = ab.read(table=4, suite=str(FILE))
    assert table.pivot().index.tolist() == ROWS
    assert table.pivot("seeds").loc["Tip-Adapter", "1-shot"] == 2
    shown = table._repr_html_()
    assert all(f"<th>{row}</th>" in shown for row in ROWS)
    assert "CoOp" not in shown
    assert repr(table).startswith("| method |")
    cells = [cell.strip() for line in repr(table).splitlines()[2:] for cell in line.split("|")[2:-1]]
    assert all(f">{cell.strip('*')}</" in shown for cell in cells)
    assert shown.count("<td><b>") == sum(cell.startswith("**") for cell in cells) > 0


@pytest.mark.usefixtures("place")
def test_results_have_a_row_for_each_run_and_selection() -> None:
    found = ab.results(suite=str(FILE))
    assert len(found) == 5 * 4
    assert found["method"].cat.categories[0] == "Zero-shot CLIP"
    assert set(found["selection"]) == {"last", "val", "released", "test"}
    assert (found["accuracy"] == 100 * found["correct"] / found["n"]).all()
    assert found["shots"].dtype.kind == "i"


@pytest.mark.usefixtures("place")
def test_rows_are_compared_and_claims_judged_as_by_the_commands() -> None:
    _, out, _ = bench("compare", "Tip-Adapter", "Tip-Adapter-F", "--shots", "1", "--suite", FILE)
    found = ab.compare("Tip-Adapter", "Tip-Adapter-F", suite=str(FILE))
    assert found["column"].tolist() == ["1-shot"]
    assert f"{found['effect'][0]:+.2f}" in out
    assert found["says"][0] in out
    (verdict,) = ab.claims("Tip-Adapter is better than Zero-shot CLIP", suite=str(FILE)).query("source == 'val'")[
        "says"
    ]
    assert verdict in bench("claims", "Tip-Adapter is better than Zero-shot CLIP", "--suite", FILE)[1]


def test_an_own_method_is_measured_by_its_file(place: Path) -> None:
    assert bench("new-method", "MyNotebookHead")[0] == 0
    found = ab.measure("my_notebook_head.py:MyNotebookHead", shots=1, seeds=1, suite=str(FILE))
    assert found["row"].tolist() == ["MyNotebookHead"] * 4
    assert found["seeds"].tolist() == [1] * 4
    (place / "my_notebook_head.py").unlink()


@pytest.mark.usefixtures("place")
def test_nothing_is_printed_unless_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    options = {"method": "Tip-Adapter", "shots": 1, "seeds": [1], "suite": str(FILE)}
    ab.run(table=4, **options)
    ab.results(suite=str(FILE))
    assert capsys.readouterr() == ("", "")
    ab.run(table=4, verbose=True, **options)
    assert "nothing to run" in capsys.readouterr().err


def test_what_a_command_refuses_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"unknown table '44': did you mean '4'\?"):
        ab.run(table=44)
    with pytest.raises(BenchError, match="nothing chosen"):
        ab.run()
    with pytest.raises(BenchError, match="no such folder"):
        ab.measure("Tip-Adapter", dataset=f"folder:{tmp_path / 'birds'}", suite="paper")
    with pytest.raises(Incomplete, match="measured at the same seeds; bench run --table 4 measures them"):
        ab.compare("CoOp", "CaFo", results=str(tmp_path))


def test_runs_that_fail_are_an_error_with_the_first_line(place: Path) -> None:
    (place / "failing_head.py").write_text(
        "from baselines.zero_shot import ZeroShotCLIP\n"
        "class Head(ZeroShotCLIP):\n"
        "    def build(self, task):\n"
        "        raise RuntimeError('no luck')\n"
    )
    with pytest.raises(BenchError, match=r"^1 failed, the first: .*no luck"):
        ab.measure("failing_head.py:Head", shots=1, seeds=1, suite=str(FILE))


def test_an_unknown_name_of_the_package_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'leaderboard'"):
        ab.leaderboard  # noqa: B018
    assert {"run", "results", "__version__"} <= set(dir(ab))


def test_a_method_learns_where_gradients_are_switched_off() -> None:
    task = toy_task()
    with torch.no_grad():
        inside = AMUTuning(preset="paper")
        inside.fit(task)
    outside = AMUTuning(preset="paper")
    outside.fit(task)
    x = task.support.view()
    assert torch.equal(inside(x), outside(x))


def test_a_notebook_shows_the_bar_and_the_lines_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(api, "_in_notebook", lambda: True)
    done = (Done(item, error="boom" if item == "b" else "") for item in ("a", "b"))
    with api._heard(verbose=False) as lines:
        list(progress.follow(done, ["a", "b"], "runs"))
    assert "runs:  50%" in shown.getvalue()
    assert lines() == ["FAILED b: boom"]


def test_outside_of_a_notebook_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    done = (Done(item) for item in ("a", "b"))
    with api._heard(verbose=False):
        list(progress.follow(done, ["a", "b"], "runs"))
    assert shown.getvalue() == ""
