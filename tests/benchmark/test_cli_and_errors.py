"""An error of the system or of a damaged file is a line and an exit code, in whatever part of the program it comes up."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_world import FILE, Squares, bench

from benchmark.commands.actions import check as check_action
from benchmark.commands.actions import claims as claims_action
from benchmark.commands.actions import doctor as doctor_action
from benchmark.commands.actions import lint_paper
from benchmark.commands.actions import report as report_action
from benchmark.commands.actions import run as run_action
from benchmark.core import files, settings
from benchmark.core.errors import Ended, ExitCode
from benchmark.data.published import folder
from benchmark.encoders.published import slots
from benchmark.exhibits import exhibit
from benchmark.features import status
from benchmark.methods.contract import clauses
from benchmark.mini.pretraining import pretrain
from benchmark.records.store import Store
from benchmark.running import plan
from benchmark.suites import suite

TOY = ["--suite", str(FILE)]
LAYERS: dict[str, tuple[object, str, list[str]]] = {
    "core": (settings, "read", ["list"]),
    "core, files": (files, "listed", ["claims", *TOY]),
    "methods": (clauses, "check", ["test-method", "baselines.zero_shot:ZeroShotCLIP"]),
    "data": (folder, "_read", ["run", "--table", "4", "--suite", "paper", "--dataset", "folder:."]),
    "encoders": (slots, "look", ["weights"]),
    "suites": (suite, "_own", ["list", *TOY]),
    "a reader": (Squares, "ids", ["list", *TOY]),
    "mini": (pretrain, "pretrain", ["pretrain", "RN50"]),
    "exhibits": (exhibit, "load", ["report", *TOY]),
    "features": (status, "look", ["features", *TOY]),
    "records": (Store, "records", ["check", *TOY]),
    "running": (plan, "survey", ["run", "--table", "4", "--dry-run", *TOY]),
    "analysis": (claims_action, "all_verdicts", ["claims", *TOY]),
    "analysis, other questions": (check_action.other_questions, "find", ["check", *TOY]),
    "reporting": (report_action, "write_report", ["report", *TOY]),
    "commands": (lint_paper, "lint_paper", ["lint-paper"]),
    "commands, run": (run_action, "print_remarks", ["run", "--table", "4", "--dry-run", *TOY]),
    "commands, doctor": (doctor_action, "examine", ["doctor", *TOY]),
}
ERRORS: dict[str, tuple[Callable[[], BaseException], ExitCode, str]] = {
    "OSError": (lambda: OSError(5, "Input/output error", "a.json"), ExitCode.REFUSED, "a.json: Input/output error"),
    "PermissionError": (lambda: PermissionError(13, "denied", "b"), ExitCode.REFUSED, "b: denied"),
    "no message": (lambda: OSError(), ExitCode.REFUSED, "OSError"),
    "EOFError": (
        lambda: EOFError("Ran out of input"),
        ExitCode.USAGE,
        "a file ends before its content does (EOFError: Ran ",
    ),
    "bare EOFError": (lambda: EOFError(), ExitCode.USAGE, "a file ends before its content does ("),
    "decoding": (
        lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        ExitCode.USAGE,
        "a name or a text is no UTF-8 (UnicodeDecodeError: ",
    ),
    "encoding": (
        lambda: UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates not allowed"),
        ExitCode.USAGE,
        "a name or a text is no UTF-8 (UnicodeEncodeError: ",
    ),
    "RecursionError": (
        lambda: RecursionError("maximum recursion depth exceeded"),
        ExitCode.USAGE,
        "something is nested too deeply (RecursionError: ",
    ),
    "MemoryError": (
        lambda: MemoryError("Unable to allocate 29 TiB"),
        ExitCode.REFUSED,
        "the memory of this machine does not suffice (MemoryError: Unable to allocate 29 TiB",
    ),
    "torch's own": (
        lambda: RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 36000000000000 bytes."),
        ExitCode.REFUSED,
        "the memory of this machine does not suffice (",
    ),
}


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    for name in ("BENCH_RESULTS", "BENCH_REPORTS", "BENCH_DEBUG"):
        monkeypatch.delenv(name, raising=False)


def patched(layer: str, error: Callable[[], BaseException], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have a function of a layer raise an error; the command that calls it."""
    owner, name, command = LAYERS[layer]

    def fails(*_: object, **__: object) -> None:
        raise error()

    monkeypatch.setattr(owner, name, fails)
    monkeypatch.setattr(report_action, "check_measured", lambda *_: None)  # here nothing is measured
    return command


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("layer", LAYERS)
def test_each_error_from_each_layer_is_one_line_and_its_exit_code(
    layer: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, code, words = ERRORS[kind]
    ended, out, err = bench(*patched(layer, error, monkeypatch))
    assert (ended, out) == (code, "")
    said = (
        f"bench: {words}"
        if layer != "data"
        else "bench: [datasets.folder:] reader benchmark.data.published.folder:ImageF"
    )
    assert err.startswith(said)
    assert err.count("\n") == 1


@pytest.mark.parametrize("layer", ["encoders", "records", "commands"])
def test_only_a_key_of_the_user_s_interrupts(layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = bench(*patched(layer, KeyboardInterrupt, monkeypatch))
    assert code == ExitCode.INTERRUPTED
    assert "interrupted" in err


@pytest.mark.parametrize("kind", ERRORS)
def test_who_looks_for_a_fault_gets_the_error_itself(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_DEBUG", "1")
    error = ERRORS[kind][0]
    with pytest.raises((type(error()), Ended)):
        bench(*patched("commands", error, monkeypatch))


def test_a_fault_of_this_program_is_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint_paper, "lint_paper", "not callable")
    with pytest.raises(TypeError):
        bench("lint-paper")


READER = """
from benchmark.data.dataset import Dataset
from toy_world import Squares

class Mine(Squares):
    def ids(self, split):
        return {{}}[{key}]
"""


def test_an_error_in_a_reader_s_own_code_names_its_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "reader_of_mine.py").write_text(READER.format(key="split"))
    (tmp_path / "x.toml").write_text(FILE.read_text().replace("toy_world:Squares", "reader_of_mine:Mine"))
    options = ["--suite", str(tmp_path / "x.toml"), "--trust-suite", "reader_of_mine"]
    place = list(sys.path)
    code, out, err = bench("list", *options)
    sys.path[:] = place
    assert (code, out) == (ExitCode.USAGE, "")
    assert err == (
        f"bench: {tmp_path / 'reader_of_mine.py'}, line 7, in ids: KeyError: 'test'; BENCH_DEBUG=1 shows the traceback\n"
    )


def test_an_empty_checkpoint_of_a_pre_training_is_no_interruption(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mocov3.ckpt").touch()
    code, _, err = bench("pretrain", "mocov3", "--out", tmp_path / "out", "--steps", "1")
    assert code == ExitCode.USAGE
    assert "interrupted" not in err
    assert "Traceback" not in err
