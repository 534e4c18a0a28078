"""Records that are damaged are named by every command that reads records, count as not measured, and turn the gate red."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from toy_world import FILE, bench, bits_of, planted, toy, undrawn

from benchmark.core import files, paths
from benchmark.core.errors import ExitCode
from benchmark.exhibits import exhibit
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.reporting.figures import draw

SHOWN = exhibit.load("table4")
TIP = ["run", "--table", "4", "--method", "Tip-Adapter", "--shots", "1", "--seeds", "1"]
READING = {
    "run": ["run", "--table", "4", "--dry-run"],
    "check": ["check"],
    "report": ["report"],
    "claims": ["claims"],
    "compare": ["compare", "Tip-Adapter", "CoOp"],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the records of a table, of which 62 of 100 images are right, and their reference run."""
    folder = tmp_path_factory.mktemp("made")
    fill(Store(folder / "results" / "toy"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "reference", lambda: folder / "reference")
        assert called("check", "--update", "--results", folder / "results")[0] == 0
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which a command works."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(paths, "reference", lambda: tmp_path / "reference")
    monkeypatch.setattr(draw, "draw", undrawn)
    monkeypatch.chdir(tmp_path)
    for name in ("BENCH_RESULTS", "BENCH_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path


def fill(store: Store, right: int = 62) -> None:
    counts = {(cell.row, cell.column): [(50, right, 70)] for cell in SHOWN.cells() if cell.runs(toy(), [1])}
    for record in planted(SHOWN, toy(), counts).values():
        store.put(record, bits_of(record))


def called(*arguments: object) -> tuple[int, str, str]:
    return bench(*arguments, "--suite", FILE)


def record_files(place: Path) -> list[Path]:
    return sorted((place / "results" / "toy").glob("*.json"))


def records(place: Path) -> list[Record]:
    """All records, none of them damaged."""
    store = Store(place / "results" / "toy")
    found = list(store.records().values())
    assert store.problems == {}
    return found


def answers_of(record: Path) -> Path:
    (path,) = record.parent.glob(f"{record.stem}-*.npz")
    return path


def _three_more_right(record: Path) -> None:
    said = json.loads(record.read_text())
    for selection in said["selections"].values():
        selection["correct"] += 3
    record.write_text(json.dumps(said))


def _swapped(record: Path) -> None:
    """The answers of another record, with equally many right."""
    np.savez_compressed(answers_of(record), **{s: np.packbits(np.arange(100) >= 100 - 62) for s in ("last", "val")})


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (lambda record: record.write_bytes(record.read_bytes()[:200]), "not readable as JSON"),
    "counts edited": (_three_more_right, "it was changed after it was written"),
    "answers gone": (lambda record: answers_of(record).unlink(), "cannot be read (No such file or directory)"),
    "answers cut": (lambda record: answers_of(record).write_bytes(b"PK\3\4"), "its answers, "),
    "answers of another run": (_swapped, "its answers"),
    "a device": (lambda record: (record.unlink(), record.symlink_to("/dev/zero")), "a device, not a regular file"),
}


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_record_is_named_by_every_command_that_reads_records(place: Path, kind: str, command: str) -> None:
    damage, words = DAMAGES[kind]
    path = record_files(place)[0]
    damage(path)
    code, _, err = called(*READING[command])
    (line,) = [line for line in err.splitlines() if line.startswith("skipped ")]
    assert line.startswith(f"skipped results/toy/{path.name}: ")
    assert words in line
    assert "1 record skipped, as if never measured: bench run measures again what it asks for" in err.splitlines()
    assert (code == ExitCode.DAMAGED) == (command == "check")


def test_the_number_of_a_damaged_record_is_nowhere(place: Path) -> None:
    assert called("report")[0] == 0
    assert "62.0" in (place / "reports" / "toy" / "table4.md").read_text()
    for path in record_files(place):
        _three_more_right(path)
    called("report")
    page = (place / "reports" / "toy" / "index.html").read_text()
    assert "62.0" not in page
    assert "65.0" not in page
    assert "its checksum is of another content" in page


@pytest.mark.parametrize("kind", DAMAGES)
def test_doctor_says_which_record_is_damaged(place: Path, kind: str) -> None:
    damage, words = DAMAGES[kind]
    damage(record_files(place)[0])
    code, out, _ = called("doctor")
    (line,) = [line for line in out.splitlines() if line.startswith("BAD records: ")]
    assert code == ExitCode.MISSING
    assert line.startswith(f"BAD records: {len(record_files(place)) - 1} usable; ")
    assert words in line


def test_of_many_damaged_records_three_are_named_and_all_are_counted(place: Path) -> None:
    for path in record_files(place):
        path.write_bytes(b"")
    code, _, err = called("check")
    lines = err.splitlines()
    assert code == ExitCode.DAMAGED
    assert [line.partition(": ")[0] for line in lines[:3]] == [
        f"skipped results/toy/{p.name}" for p in record_files(place)[:3]
    ]
    number = len(record_files(place))
    assert lines[3] == f"skipped {number - 3} more records of results/toy for reasons of this kind"
    assert lines[4].startswith(f"{number} records skipped, ")


def test_a_regression_comes_before_a_damaged_record(place: Path) -> None:
    store = Store(place / "results" / "toy")
    fill(store, right=2)
    record_files(place)[0].write_bytes(b"")
    code, out, err = called("check")
    assert code == ExitCode.REGRESSION
    assert "worse: table4" in out
    assert "skipped results/toy/" in err


@pytest.mark.parametrize("form", ["json", "junit", "github"])
def test_what_is_skipped_is_no_part_of_a_format(place: Path, form: str) -> None:
    whole = called("check", "--format", form)
    (place / "results" / "toy" / "mine.json").write_text("{}")
    code, out, err = called("check", "--format", form)
    assert (whole[0], code) == (0, ExitCode.DAMAGED)
    assert out == whole[1]
    assert "skipped results/toy/mine.json: not a record of schema 1" in err


def test_a_claim_does_not_hold_by_records_that_nobody_has_seen(place: Path) -> None:
    (place / "results" / "toy" / "mine.json").write_text("{}")
    assert called("claims")[0] == 0
    assert called("claims", "--fail-on", "all")[0] in (ExitCode.MISSING, ExitCode.DAMAGED)


def test_a_damaged_record_is_measured_again_and_nothing_is_left_of_it(place: Path) -> None:
    (key,) = (record.key for record in records(place) if record.method.endswith(":TipAdapter") and record.shots == 1)
    number = len(list((place / "results" / "toy").iterdir()))
    _three_more_right(place / "results" / "toy" / f"{key}.json")
    code, _, err = called(*TIP, "--dry-run")
    assert (code, "1 run: 0 done, 1 missing, 0 stale" in err) == (0, True)
    assert called(*TIP, "--jobs", "1")[0] == 0
    assert records(place)
    assert len(list((place / "results" / "toy").glob("*.*"))) == number
    assert called(*TIP)[2].endswith("nothing to run; --rerun measures again\n")


@pytest.mark.parametrize("command", READING)
def test_a_results_folder_that_may_not_be_read_is_not_an_empty_one(
    place: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> Iterator[Path]:
        if path.name == "toy":
            raise PermissionError(13, "Permission denied", str(path))
        return (path / name for name in os.listdir(path))

    monkeypatch.setattr(Path, "iterdir", denied)
    code, out, err = called(*READING[command])
    assert (code, out) == (ExitCode.REFUSED, "")
    assert err == (
        "bench: results folder results/toy: cannot be read (Permission denied); choose another with --results\n"
    )
    assert "results folder results/toy: cannot be read (Permission denied)" in called("doctor")[1]


def test_a_reports_folder_that_may_not_be_written_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", denied)
    code, _, err = called("report")
    assert code == ExitCode.REFUSED
    assert "cannot be written (Permission denied); choose another with --reports" in err


@pytest.mark.parametrize("name", ["table4.md", "table4.csv", "leakage.csv", "index.html"])
def test_a_report_that_cannot_be_finished_leaves_the_old_files_whole(
    place: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert called("report")[0] == 0
    folder = place / "reports" / "toy"
    before = (folder / name).read_bytes()
    rename = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).name == name:
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "replace", full)
    fill(Store(place / "results" / "toy"), right=64)
    code, _, err = called("report")
    assert code == ExitCode.REFUSED
    assert "No space left on device" in err
    assert (folder / name).read_bytes() == before
    assert not list(folder.glob(".*.tmp"))
    assert files.listed("reports", folder, ".*", "") == []
