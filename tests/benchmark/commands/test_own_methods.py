"""An own method, from the file that `bench new-method` writes to a row that every command knows."""

import json
import re
import sys
from pathlib import Path

import pytest
from toy_house import FILE
from toy_world import bench, undrawn

from benchmark.core import code as source
from benchmark.core.errors import ExitCode
from benchmark.reporting.figures import draw

SUITE = ["--suite", FILE]
ONE = ["--table", "4", "--shots", "1", "--jobs", "1", *SUITE]
MINE = ["--method", "my_method.py:MyMethod", "--seeds", "1"]
BASELINE = ["--method", "Tip-Adapter-F", "--seeds", "1,2"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with the file of a new method, which no other test imports."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(draw, "draw", undrawn)
    for name in ("BENCH_RESULTS", "BENCH_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    assert bench("new-method", "MyMethod")[0] == 0
    name = f"method_{abs(hash(tmp_path))}"
    (tmp_path / "my_method.py").rename(tmp_path / f"{name}.py")
    MINE[1] = f"{name}.py:MyMethod"
    return tmp_path


def test_the_file_of_a_new_method_says_what_to_type_next_and_is_never_overwritten(place: Path) -> None:
    code, out, _ = bench("new-method", "PrototypeOfMine")
    assert code == 0
    assert out.splitlines()[0] == "wrote prototype_of_mine.py; next:"
    assert "bench test-method prototype_of_mine.py:PrototypeOfMine" in out
    assert "bench run --table 4 --method prototype_of_mine.py:PrototypeOfMine --shots 1 --seeds 1" in out
    before = (place / "prototype_of_mine.py").read_text()
    code, out, err = bench("new-method", "PrototypeOfMine")
    assert (code, out) == (ExitCode.USAGE, "")
    assert err == "bench: prototype_of_mine.py: is there already, and stays as it is; choose another NAME\n"
    assert (place / "prototype_of_mine.py").read_text() == before


@pytest.mark.parametrize("name", ["my-method", "class", "9lives", "../x"])
def test_a_name_that_no_class_can_have_is_refused(name: str) -> None:
    code, _, err = bench("new-method", name)
    assert code == ExitCode.USAGE
    assert "is no name of a class; write it as in MyMethod" in err


def test_a_new_method_keeps_the_contract() -> None:
    code, out, _ = bench("test-method", MINE[1])
    assert (code, out.count("BROKEN")) == (0, 0)


def test_what_was_measured_once_is_a_row_for_every_command(place: Path) -> None:
    code, out, err = bench("run", *ONE, *MINE)
    assert code == 0, err
    assert re.search(r"MyMethod, imagenet, 1 shot, seed 1  val \d+\.\d\d %", err)
    assert "MyMethod: nothing to compare it with yet; bench run --table 4" in out
    code, out, err = bench("run", *ONE, *BASELINE)
    assert code == 0, err
    assert re.search(r"\| MyMethod \| \**\d+\.\d .*\(1 seed\)\** \|", out)  # beside two of Tip-Adapter-F
    _, out, _ = bench("run", *ONE, *MINE)
    assert re.search(
        r"^MyMethod less Tip-Adapter-F, same seed, same images: 1-shot [+-]\d+\.\d\d \([+-]\d+\.\d\d to ", out, re.M
    )
    assert bench("report", *SUITE)[0] == 0
    folder = place / "reports" / "toy_house"
    for file in ("table4.md", "table4.csv", "index.html"):
        assert "MyMethod" in (folder / file).read_text("utf-8"), file
    said = json.loads(bench("compare", "MyMethod", "Tip-Adapter-F", *SUITE, "--format", "json")[1])
    assert [(column["column"], column["seeds"]) for column in said["table4"]] == [("1-shot", 1)]
    assert bench("compare", MINE[1], "Tip-Adapter-F", *SUITE)[0] == 0
    code, out, err = bench("claims", "MyMethod is better than Tip-Adapter-F", *SUITE)
    assert (code, err) == (0, "")
    assert "MyMethod against Tip-Adapter-F, 1-shot" in out


def test_a_method_that_was_edited_since_is_stale_in_the_report(place: Path) -> None:
    bench("run", *ONE, *MINE)
    file = place / MINE[1].partition(":")[0]
    bench("report", *SUITE)
    table = place / "reports" / "toy_house" / "table4.md"
    assert "stale" not in table.read_text("utf-8")
    file.with_name("edited.py").write_text(file.read_text("utf-8").replace("self.beta * bias", "2 * self.beta * bias"))
    file.with_name("edited.py").replace(file)
    for remembered in (source._hash_of, source._parsed, source._hash):
        remembered.cache_clear()
    bench("report", *SUITE)
    assert f"measured on other the code of {file.stem}:MyMethod than are here today" in table.read_text("utf-8")


def test_a_method_that_reads_an_encoder_which_is_not_there_is_refused_before_anything_runs(place: Path) -> None:
    file = place / MINE[1].partition(":")[0]
    text = file.read_text("utf-8").replace('"clip", "mocov3"', '"clip", "dinov2"')
    file.with_name("wrong_encoder.py").write_text(text)
    said = "unknown encoder of suite toy_house, which wrong_encoder:MyMethod reads: 'dinov2': did you mean 'dino'?"
    for others in ([], ["--method", "CoOp"]):
        code, out, err = bench("run", *ONE, *others, "--method", "wrong_encoder.py:MyMethod")
        assert (code, out, err.count("\n")) == (ExitCode.USAGE, "", 1)
        assert said in err
    _, out, _ = bench("test-method", "wrong_encoder.py:MyMethod")
    assert "reads 'dinov2', an encoder of no shipped suite; they have " in out


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("gone.py:Gone", "no such file gone.py"),
        ("json.py:Mine", "json is the module "),
        ("not-a-name.py:Mine", "rename it with letters, digits and _"),
    ],
)
def test_a_file_that_cannot_be_the_method_s_says_why(method: str, said: str, place: Path) -> None:
    for name in ("json.py", "not-a-name.py"):
        (place / name).write_text("class Mine: pass\n")
    code, _, err = bench("run", *ONE, "--method", method)
    assert (code, err.count("\n")) == (ExitCode.USAGE, 1)
    assert said in err


def test_a_statement_on_a_row_that_is_not_there_names_the_nearest() -> None:
    code, _, err = bench("claims", "Tip-Adaptor is better than CoOp", *SUITE)
    assert code == ExitCode.USAGE
    assert "unknown row of table4 'Tip-Adaptor': did you mean 'Tip-Adapter'?" in err
