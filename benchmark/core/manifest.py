"""Files of a folder held against the hashes in its SHA256SUMS, which `sha256sum -c` reads too.

A folder without this file is of an earlier version, and its files are held against nothing.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from benchmark.core import regular
from benchmark.core.errors import Damaged, Refused

SUMS = "SHA256SUMS"
MOST = 256 << 20
"""Bytes of the largest file that is read."""


def text(contents: Mapping[str, bytes]) -> str:
    """The text of SHA256SUMS for files with these contents, by name."""
    lines = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(contents.items()))
    return "".join(lines)


def sums(folder: Path, remedy: str) -> dict[str, str] | None:
    """Read SHA256SUMS.

    Args:
        folder: The folder.
        remedy: Last words of an error: how the folder is made whole again.

    Returns:
        Name of a file -> sha256, in hexadecimal; None where there is no SHA256SUMS.

    Raises:
        Damaged: If a line is no hash and name, or there is none.
    """
    content = _content(folder / SUMS, remedy)
    if content is None:
        return None
    lines = [re.fullmatch(r"([0-9a-f]{64})  (\S+)", line) for line in content.decode("ascii", "replace").splitlines()]
    found = {line[2]: line[1] for line in lines if line}
    if not found or len(found) != len(lines):
        raise Damaged(f"{folder / SUMS}: is no list of hashes and names; {remedy}")
    return found


def read(folder: Path, name: str, remedy: str) -> bytes | None:
    """Read a file, held against SHA256SUMS where the folder has it.

    Args:
        folder: The folder.
        name: Name of the file.
        remedy: Last words of an error: how the folder is made whole again.

    Returns:
        The content; None where there is no such file, and none is listed.

    Raises:
        Damaged: If the file is listed and is not there, is another than listed, or is there and not listed; Refused if the
            system does not let read it.
    """
    listed, content = sums(folder, remedy), _content(folder / name, remedy)
    if listed is None or (content is None and name not in listed):
        return content
    if content is None:
        raise Damaged(f"{folder / name}: is not there, and {SUMS} lists it; {remedy}")
    if listed.get(name) != hashlib.sha256(content).hexdigest():
        says = "is not as it was written: its hash is another than in" if name in listed else "is not listed in"
        raise Damaged(f"{folder / name}: {says} {SUMS}; {remedy}")
    return content


def verify(folder: Path, remedy: str) -> None:
    """Read every listed file; Damaged or Refused for the first that is not as listed, in the order of their names."""
    for name in sorted(sums(folder, remedy) or ()):
        read(folder, name, remedy)


def _content(path: Path, remedy: str) -> bytes | None:
    """Content of a file; None for one that is not there."""
    try:
        return regular.read_bytes(path, MOST)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise Refused(f"{path}: cannot be read ({error.strerror})") from error
    except OSError as error:
        raise Damaged(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
