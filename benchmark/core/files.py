"""Text files that users and other tools wrote, and folders that output is written to: every error is one line.

Editors on Windows begin a UTF-8 text with a byte order mark, which is no part of it. Special files and files too large for a
text (`benchmark.core.regular`) are refused. Output is written whole or not at all.
"""

import io
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from math import isinf
from pathlib import Path
from typing import Any, BinaryIO

from benchmark.core import regular
from benchmark.core.errors import BenchError, Refused

ABANDONED = 3600
"""Age in seconds of the last write after which a temporary file is taken to be left by a killed process."""


def read_text(file: Path, *, what: str = "", kind: str = "text", remedy: str = "save it as UTF-8") -> str:
    """Read a text file in UTF-8, with or without a byte order mark, which is left out.

    Args:
        file: The file.
        what: Words for the file in an error; its path by default.
        kind: Words for the expected content in an error: "cannot be read as `kind`"; "" for none.
        remedy: Last words of the error on a file that is no text.

    Returns:
        The text, with line ends as "\\n".

    Raises:
        BenchError: If the file cannot be read, or is no text; it names the file and the line.
    """
    failed = f"{what or file}: cannot be read" + (f" as {kind}" if kind else "")
    try:
        content = regular.read_bytes(file)
    except OSError as error:
        raise BenchError(f"{failed} ({error.strerror or error})") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BenchError(f"{failed} (line {line} is no UTF-8 text); {remedy}") from error
    before, zero, _ = text.partition("\0")
    if zero:  # UTF-16 without a mark passes for it
        raise BenchError(f"{failed} (line {before.count(chr(10)) + 1} has a zero byte); {remedy}")
    return io.StringIO(text, newline=None).read()


def read_lines(file: Path, *, kind: str = "text") -> list[str]:
    """Read the lines of a text file that are not blank, without the blanks around them; BenchError as `read_text`."""
    return [line.strip() for line in read_text(file, kind=kind).splitlines() if line.strip()]


def read_json(file: Path, remedy: str) -> Any:
    """Read a JSON file; BenchError with the remedy for a file that cannot be read, or is no JSON."""
    text = read_text(file, kind="JSON", remedy=remedy)
    try:
        return parsed(text)
    except ValueError as error:
        raise BenchError(f"{file}: cannot be read as JSON ({error}); {remedy}") from error


def parsed(text: str | bytes, **rules: Any) -> Any:
    """Parse JSON by rules of `json.loads`; ValueError for a text that is none, also for one that is nested too deep."""
    try:
        return json.loads(text, **rules)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def parsed_finite(text: str | bytes) -> Any:
    """Parse JSON without NaN and infinity; ValueError for a text that is none, or has one of them."""
    return parsed(text, parse_constant=_no_number, parse_float=_finite)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if isinf(value):
        _no_number(text)
    return value


def listed(what: str, folder: Path, pattern: str, how: str) -> list[Path]:
    """Files of a folder by a pattern, sorted; none if there is no such folder, Refused if it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.match(pattern))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise Refused(
            f"{what} folder {folder}: cannot be read ({error.strerror}); choose another with {how}"
        ) from error


def unreadable(path: Path, error: OSError) -> BenchError:
    """Error for a file or folder of the user's data that the system does not let read, in one line."""
    return BenchError(f"{path}: cannot be read ({error.strerror or error}); mend it, or take it out of the folder")


@contextmanager
def writing(what: str, folder: Path, how: str) -> Iterator[None]:
    """Convert an OSError to Refused, in one line with the option `how`; BenchError for a file in the place of a folder."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        kind = BenchError if isinstance(error, FileExistsError | NotADirectoryError) else Refused
        raise kind(f"{what} folder {folder}: cannot be written ({reason}); choose another with {how}") from error


def check_writable(what: str, folder: Path, how: str) -> None:
    """Create a folder and write a probe file, so that Refused comes before hours of work and not after them."""
    with writing(what, folder, how):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable.{secrets.token_hex(8)}.tmp"
        probe.write_bytes(b"")
        probe.unlink()


@contextmanager
def written_whole(what: str, where: Path, how: str) -> Iterator[BinaryIO]:
    """Open a temporary file for writing; at the end it is synced and renamed, so that no incomplete file has the final name.

    The folder is synced too, so that the file has its name after a power cut.

    Args:
        what: Name of the folder for error messages.
        where: Path of the file; its folder is created.
        how: Option that chooses another folder.

    Yields:
        The temporary file.
    """
    temporary = where.with_name(f".{where.name}.{secrets.token_hex(8)}.tmp")
    with writing(what, where.parent, how):
        where.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, where)
            _sync(where.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Write the names of a folder's files to the disk, on systems and file systems that can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def tidy(folder: Path, beginning: str = "") -> None:
    """Remove temporary files of `written_whole` that had no write for an hour, because their writers were killed.

    Args:
        folder: The folder.
        beginning: Beginning of the names that the files were to have; in a folder of the user's, the whole of them.
    """
    for temporary in folder.glob(f".{escape(beginning)}*.tmp"):
        with suppress(OSError):  # its writer may rename it at this moment
            if time.time() - temporary.stat().st_mtime > ABANDONED:
                temporary.unlink()
