"""Look at many files of features before they are used: what is whole stays, what is damaged is named and made again.

Hashes are remembered by the stamps of the files (`benchmark.core.contents`), so that only the first process reads them.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from benchmark.core import contents
from benchmark.core.errors import BenchError
from benchmark.core.streams import say
from benchmark.features import hashes, shard_files
from benchmark.features.hashes import HASH, OF
from benchmark.features.shard_files import MISSING, OLD, USABLE, Form

WHAT = "features"
"""Name of the files for the progress display."""


def conditions(files: Mapping[Path, Form], cache: Path | None = None) -> dict[Path, str]:
    """Conditions of files (`shard_files.condition`), whose hashes are read by several threads unless they are remembered.

    Args:
        files: Files, in any number of folders, and what each is held against if it has no hash.
        cache: The cache folder, which keeps the hashes; None for files that are not remembered.

    Returns:
        File -> its condition, in the order of `files`.
    """
    known = _hashes([file for file in files if not shard_files.checked(file)], cache) if cache else {}
    return {file: shard_files.condition(file, form, known) for file, form in files.items()}


def unusable(files: Mapping[Path, Form], cache: Path | None = None) -> set[Path]:
    """Files that have to be made: missing ones, and damaged ones, each of which is named on stderr.

    Files of earlier versions are trusted as they are, and written anew with a hash.

    Args:
        files: Files, and what each is held against if it has no hash.
        cache: The cache folder; None for shards, which are soon joined.

    Returns:
        The files that are missing or damaged.
    """
    found = conditions(files, cache)
    for file, condition in found.items():
        if condition == OLD and cache:
            with suppress(BenchError):  # a folder that is only read
                shard_files.adopt(file)
        elif condition not in (*USABLE, MISSING):
            say(f"bench: {file}: damaged, made again: {condition}", err=True)
    return {file for file, condition in found.items() if condition not in USABLE}


def damaged(folder: Path, cache: Path) -> dict[Path, str]:
    """Read all files of a folder again, whatever is remembered of them; damaged file -> what is wrong with it."""
    files = _files(folder)
    with suppress(BenchError):  # a cache that is only read
        contents.changed(folder, _names(files), cache, WHAT, hashes.digest)
    shard_files.forget()
    found = conditions(dict.fromkeys(files, shard_files.any_form), cache)
    return {file: condition for file, condition in found.items() if condition not in (*USABLE, MISSING)}


def without_hash(folder: Path) -> int:
    """Number of files of a folder that an earlier version made and no run has used since."""
    return sum(not {HASH, OF} & hashes.notes(file).keys() for file in _files(folder))


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.safetensors") if file.is_file())


def _hashes(files: Iterable[Path], cache: Path) -> dict[Path, bytes]:
    """Hashes of the files that are there; none where the cache can only be read, or where one is removed meanwhile."""
    by_folder: dict[Path, list[Path]] = {}
    for file in files:
        if file.is_file():
            by_folder.setdefault(file.parent, []).append(file)
    found: dict[Path, bytes] = {}
    for folder, there in by_folder.items():
        with suppress(BenchError):
            rows = contents.hashes(folder, _names(there), cache, WHAT, hashes.digest)
            found |= {file: row.tobytes() for file, row in zip(there, rows, strict=True)}
    return found


def _names(files: Iterable[Path]) -> list[bytes]:
    return [os.fsencode(file.name) for file in files]
