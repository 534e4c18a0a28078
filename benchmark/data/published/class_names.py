"""Names of the classes of an image folder: those of its class folders, or of a list of names."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.files import read_lines
from benchmark.core.paths import expanded

BESIDE = "classnames.txt"
"""File beside the class folders that is read if there is one."""

_NO_WORDS = re.compile(r"(n\d{8}|\W*[a-z]?\W*\d+\W*|class[\W_]*\d+|\d+[\W_].*)", re.IGNORECASE)
"""Names that are synset ids, numbers, or begin with a number, as in ImageNet, in digits and in CUB ("001.Albatross")."""


def of_folders(root: Path, folders: Sequence[str], file: str = "") -> tuple[str, ...]:
    """Names of the classes of class folders.

    A list of names has one line a class: a name, in the order of the sorted folders, or the folder, a blank, tab, comma or
    "=", and the name.

    Args:
        root: Folder of the images, in which classnames.txt is looked for.
        folders: Names of the class folders, sorted.
        file: List of names; "" for classnames.txt in `root`, if there is one.

    Returns:
        A name for each folder, in their order.

    Raises:
        BenchError: if the list does not fit the folders, or the name of a folder is no text.
        Incomplete: if the list is missing.
    """
    where = expanded(file) if file else root / BESIDE
    if where.is_file():
        return _from_file(where, folders)
    if file:
        raise Incomplete(
            f"--classnames {where}: no such file; write one name a line, in the order of the class folders"
        )
    for folder in folders:
        if not folder.isprintable():
            remedy = "rename it, or give names by --classnames FILE"
            raise BenchError(f"image folder {root}: class folder {folder!r} has no readable name; {remedy}")
    return tuple(folders)


def notes(names: Sequence[str]) -> list[str]:
    """Lines on names that tell CLIP nothing, and on names that several classes have."""
    found = []
    no_words = [name for name in names if _NO_WORDS.fullmatch(name)]
    if no_words:
        found.append(
            f"{len(no_words)} of {len(names)} class names are ids or numbers, the first {no_words[0]!r}: CLIP reads them as "
            "words; give names with --classnames FILE or classnames.txt beside the class folders"
        )
    spoken = Counter(map(same, names))
    twice = [name for name in names if spoken[same(name)] > 1]
    if twice:
        found.append(f"several classes are called {twice[0]!r}: CLIP cannot tell them apart without training")
    return found


def same(name: str) -> str:
    """A name as it is compared with others: in normal form C, with blanks for underscores."""
    return unicodedata.normalize("NFC", name).replace("_", " ")


def _from_file(file: Path, folders: Sequence[str]) -> tuple[str, ...]:
    lines = read_lines(file, kind="a list of class names")
    by_folder = _by_folder(lines, folders)
    if by_folder is not None:
        return tuple(by_folder[folder] for folder in folders)
    if len(lines) != len(folders):
        raise BenchError(f"{file}: has {len(lines)} names for {len(folders)} class folders; write one line for each")
    return tuple(lines)


def _by_folder(lines: Sequence[str], folders: Sequence[str]) -> dict[str, str] | None:
    """Folder -> name, if every line begins with another folder and all folders occur; else None."""
    found = {}
    for line in lines:
        folder = max((f for f in folders if _follows(line, f)), key=len, default=None)
        if folder is None or folder in found:
            return None
        found[folder] = line[len(folder) :].lstrip(" \t,=").strip()
    return found if len(found) == len(folders) and all(found.values()) else None


def _follows(line: str, folder: str) -> bool:
    return line.startswith(folder) and line[len(folder) : len(folder) + 1] in (" ", "\t", ",", "=")
