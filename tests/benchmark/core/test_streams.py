"""Standard output takes every text: what an encoding lacks is replaced, what a stream refuses is dropped at the end."""

import ast
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from benchmark.core import streams
from benchmark.core.paths import REPOSITORY

SIGNS = "± – … † β 日本 \udce9"
ENCODINGS = [
    "ascii",
    "us-ascii",
    "646",
    "latin-1",
    "cp1252",
    "iso8859-15",
    "koi8-r",
    "euc-jp",
    "utf-8",
    "utf-16",
    "cp437",
]


@pytest.mark.parametrize("errors", ["strict", "surrogateescape", "backslashreplace"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_every_text_can_be_printed_in_any_encoding(
    name: str, encoding: str, errors: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, name, io.TextIOWrapper(written, encoding=encoding, errors=errors))
    streams.forgive()
    click.echo(SIGNS, err=name == "stderr")
    print(SIGNS, file=getattr(sys, name), flush=True)
    told = written.getvalue().decode(encoding)  # raises where it is no text in this encoding
    assert told == f"{SIGNS}\n".encode(encoding, "replace").decode(encoding) * 2
    assert told.count("?") >= 2


def test_a_closed_stream_takes_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    streams.forgive()
    print("nobody reads this", file=sys.stderr)
    assert sys.stderr is not None
    sys.stderr.close()


def test_a_stream_without_an_encoding_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    own = io.StringIO()
    monkeypatch.setattr(sys, "stdout", own)
    streams.forgive()
    click.echo(SIGNS)
    assert own.getvalue() == f"{SIGNS}\n"


def full(_: Path) -> io.TextIOWrapper:
    return open("/dev/full", "w", encoding="utf-8")


def without_a_reader(_: Path) -> io.TextIOWrapper:
    reader, writer = os.pipe()
    os.close(reader)
    return open(writer, "w", encoding="utf-8")


@pytest.mark.parametrize("opened", [full, without_a_reader])
def test_a_stream_that_refuses_is_flushed_without_a_complaint_once_it_is_dropped(
    opened: Callable[[Path], io.TextIOWrapper], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, well = opened(tmp_path), (tmp_path / "well").open("w", encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", well)
    print("lost")
    print("kept", file=well)
    with pytest.raises(OSError, match=r"No space|Broken pipe"):
        stream.flush()
    streams.drop_lost()
    stream.close()  # flushes once more
    well.close()
    assert (tmp_path / "well").read_text() == "kept\n"


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_what_is_said_is_one_line_and_what_is_shown_keeps_its_lines(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    streams.say("a\x1b[2J\nb", err=name == "stderr")
    streams.show("a\x1b[2J\nb", err=name == "stderr")
    assert getattr(capsys.readouterr(), name[3:]) == "a\\u001b[2J\\nb\na\\u001b[2J\nb\n"


def calls(path: Path) -> set[str]:
    """Names of the functions that a module calls."""
    nodes = (node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    return {ast.unparse(node) for node in nodes}


def test_nothing_else_of_the_harness_prints() -> None:
    printing = {"print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write"}
    found = {str(path) for path in (REPOSITORY / "benchmark").rglob("*.py") if printing & calls(path)}
    assert found == {streams.__file__}
