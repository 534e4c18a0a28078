"""Special files are refused in a line and never waited for; files are read up to a limit."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.core import regular
from benchmark.core.errors import BenchError, reason
from benchmark.core.files import read_text


def _socket(where: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(where))  # a name of a socket has at most 107 bytes


SPECIAL: dict[str, tuple[Callable[[Path], object], str]] = {
    "a named pipe": (os.mkfifo, "a named pipe, not a regular file"),
    "a socket": (_socket, "a socket, not a regular file"),
    "a device without an end": (lambda where: where.symlink_to("/dev/zero"), "a device, not a regular file"),
    "a folder": (Path.mkdir, "Is a directory"),
    "a link to a folder": (lambda where: where.symlink_to("/"), "Is a directory"),
    "a link to nothing": (lambda where: where.symlink_to("nothing"), "No such file or directory"),
    "a link to itself": (lambda where: where.symlink_to(where.name), "Too many levels of symbolic links"),
}


@pytest.mark.parametrize("use", [regular.check, regular.opened, regular.read_bytes])
@pytest.mark.parametrize(("make", "words"), SPECIAL.values(), ids=SPECIAL)
def test_what_is_no_regular_file_is_an_error_with_its_name(
    make: Callable[[Path], object],
    words: str,
    use: Callable[[Path], object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "x")
    with pytest.raises(OSError, match=words) as told:
        use(tmp_path / "x")
    assert reason(told.value) == f"{tmp_path / 'x'}: {words}"


def test_a_pipe_that_takes_the_place_of_a_file_after_the_look_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "x")
    monkeypatch.setattr(regular, "check", lambda path: 0)
    with pytest.raises(OSError, match="named pipe"):
        regular.opened(tmp_path / "x")


def test_a_regular_file_and_a_link_to_one_are_read_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    for path in (tmp_path / "file", tmp_path / "link"):
        assert regular.check(path) == 5
        assert regular.read_bytes(path) == regular.read_bytes(path, 5) == b"12345"
        with pytest.raises(OSError, match="larger than 4 bytes"):
            regular.read_bytes(path, 4)


def test_a_text_is_no_special_file_and_of_bounded_size(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(regular.MOST + 1)
    for name, words in (("pipe", "a named pipe, not a regular file"), ("large", "larger than 33,554,432 bytes")):
        with pytest.raises(BenchError, match=rf"{name}: cannot be read as text \({words}"):
            read_text(tmp_path / name)
