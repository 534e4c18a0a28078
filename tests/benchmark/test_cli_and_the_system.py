"""Whatever the terminal, the disk and the folders are like, `bench` ends in a line and a documented exit code."""

import io
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_world import FILE, bench, undrawn

from benchmark import cli
from benchmark.commands.actions import lint_paper
from benchmark.commands.actions import list as list_module
from benchmark.core.errors import ExitCode
from benchmark.reporting.figures import draw

SOURCES = Path(__file__).parents[2]
RUN = ["run", "--table", "4", "--suite", str(FILE), "--shots", "1", "--jobs", "1", "--method", "Zero-shot CLIP"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    for name in ("BENCH_RESULTS", "BENCH_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(draw, "draw", undrawn)
    path = sys.path[:]
    yield tmp_path
    sys.path[:] = path


def call(*arguments: str) -> int:
    """The exit code of `bench` with the standard streams as they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
    return int(end.value.code or 0)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_a_table_is_printed_to_a_terminal_of_any_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = {name: io.BytesIO() for name in ("stdout", "stderr")}
    for name, file in written.items():
        monkeypatch.setattr(sys, name, io.TextIOWrapper(file, encoding=encoding))
    assert call(*RUN) == 0
    assert call("claims", "amu-beats-cafo", "--suite", str(FILE)) == 0
    quotation = "“" if encoding == "cp1252" else "?"
    printed = written["stdout"].getvalue().decode(encoding)
    assert "| Zero-shot CLIP | " in printed
    assert f"the paper: {quotation}" in printed
    assert call("run", "--table", "…") == ExitCode.USAGE
    assert "Traceback" not in written["stderr"].getvalue().decode(encoding)


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--version",), ("lint-paper",), ("no-such-command",)])
@pytest.mark.parametrize("names", [("stdout",), ("stdout", "stderr")])
def test_a_full_disk_is_a_line_and_an_exit_code_of_its_own(
    arguments: tuple[str, ...], names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    for name in names:
        monkeypatch.setattr(sys, name, open("/dev/full", "w", encoding="utf-8"))  # noqa: SIM115
    told_elsewhere = arguments == ("no-such-command",) and names == ("stdout",)
    assert call(*arguments) == (ExitCode.USAGE if told_elsewhere else ExitCode.REFUSED)
    if names == ("stdout",) and not told_elsewhere:
        assert err.getvalue() == "bench: the output: No space left on device\n"


@pytest.mark.parametrize("arguments", [("--help",), ("lint-paper",), ("compare", "--help")])
def test_a_reader_that_has_enough_is_not_told(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    err = io.StringIO()
    monkeypatch.setattr(sys, "stdout", open(writer, "w", encoding="utf-8"))  # noqa: SIM115
    monkeypatch.setattr(sys, "stderr", err)
    assert call(*arguments) == ExitCode.REFUSED
    assert err.getvalue() == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("redirected", [">/dev/full", "| true", ">&-", "2>&- >/dev/null", "2>/dev/full"])
def test_the_interpreter_s_end_adds_nothing(redirected: str, unbuffered: str, place: Path) -> None:
    command = f"{sys.executable} -c 'from benchmark.cli import main; main()' --help {redirected}"
    said = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(["sh", "-c", command], env=said, cwd=place, capture_output=True, text=True)
    line = "bench: the output: No space left on device\n" if redirected == ">/dev/full" else ""
    assert done.stderr == line
    assert done.returncode == (ExitCode.REFUSED if line else 0)


def test_a_working_folder_that_was_deleted_is_a_line(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = place / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    code, out, err = bench("list")
    assert (code, out) == (ExitCode.REFUSED, "")
    assert err == "bench: the working folder: No such file or directory; cd to a folder that is there\n"


@pytest.mark.parametrize("option", ["--results", "--reports"])
@pytest.mark.parametrize("command", [["report"], ["check"], ["claims"], ["compare", "One", "Two"], RUN])
def test_a_folder_s_name_that_is_too_long_is_a_line(command: list[str], option: str, place: Path) -> None:
    suite = [] if "--suite" in command else ["--suite", str(FILE)]
    code, _, err = bench(*command, *suite, option, "x" * 300)
    if option == "--results" or command[0] == "run":
        assert code == ExitCode.REFUSED
        assert f"(File name too long); choose another with {option}" in err.splitlines()[-1]
    else:
        assert code in (ExitCode.USAGE, ExitCode.MISSING, ExitCode.OK)
    assert "Traceback" not in err


def test_the_doctor_goes_on_behind_a_folder_that_cannot_be_read() -> None:
    code, out, _ = bench("doctor", "--table", "4", "--suite", FILE, "--results", "x" * 300)
    assert code == ExitCode.MISSING
    assert [line[:12] for line in out.splitlines() if line.startswith("BAD re")] == ["BAD results:", "BAD records:"]
    assert "reference numbers" in out


@pytest.fixture
def _no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: object) -> Any:
        raise KeyError("no such user")

    for name in ("HOME", "XDG_CACHE_HOME", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)


@pytest.mark.usefixtures("_no_home")
def test_without_a_home_folder_the_cache_is_asked_for_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench("weights")[0] in (0, 3)
    monkeypatch.delenv("BENCH_CACHE")
    code, _, err = bench("weights")
    assert (code, err) == (2, "bench: there is no home folder to keep features in; name a folder with BENCH_CACHE\n")


@pytest.mark.usefixtures("_no_home")
@pytest.mark.parametrize(
    "arguments", [["--results", "~/x"], ["--reports", "~nobody-of-this-name/x"], ["--suite", "~/x.toml"]]
)
def test_a_tilde_without_a_home_folder_is_a_line(arguments: list[str]) -> None:
    code, _, err = bench("report", *arguments)
    assert (code, err) == (2, f"bench: {arguments[1]}: there is no such home folder; write the whole path\n")


def test_what_the_system_refuses_within_a_command_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "some/file")

    monkeypatch.setattr(lint_paper, "lint_paper", refuse)
    assert bench("lint-paper") == (ExitCode.REFUSED, "", "bench: some/file: Permission denied\n")


def test_an_exit_of_the_command_s_own_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_module, "list_names", lambda **_: sys.exit(5))
    assert bench("list")[0] == 5
