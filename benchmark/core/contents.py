"""Hashes of the bytes of many files below one folder, remembered so that a second look costs a stat each.

Parts of files, such as the images of a tar archive, have hashes too, which are trusted as long as their file is unchanged.

A file counts as unchanged while its size, its times (mtime and ctime, ns) and its inode are those of the last look. A file
that was written less than `SETTLED` seconds ago is not remembered, because a second write may have equal times.
"""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from benchmark.core import array_files, regular
from benchmark.core.errors import Incomplete
from benchmark.core.files import unreadable, written_whole
from benchmark.core.stamps import SETTLED, stamp

READERS = 16
"""Threads that read files: reading waits for the disk or the network, and hashing leaves the interpreter free."""

BLOCK = 64
"""Files in a unit of work of a thread."""

_STAMP = np.dtype([("size", "<i8"), ("mtime", "<i8"), ("ctime", "<i8"), ("inode", "<u8")])


class Read(NamedTuple):
    """How parts of files are read, by their names.

    Attributes:
        file: Function from a name to the path of the file that holds the part, relative to the folder.
        of: Function from a name to a hash of 32 bytes.
    """

    file: Callable[[bytes], bytes]
    of: Callable[[bytes], bytes]


def hashes(
    root: Path,
    names: Iterable[bytes],
    cache: Path,
    what: str = "files",
    of: Callable[[Path], bytes] | None = None,
    read: Read | None = None,
) -> np.ndarray:
    """The sha256 of files, from the memory of the cache folder where they have not changed.

    Missing files raise Incomplete, with their number and the first of them; an unreadable file raises BenchError.

    Args:
        root: Folder of the files.
        names: Their paths relative to it, N in number.
        cache: The cache folder (`Settings.cache`).
        what: Name of the files for the progress display.
        of: Function from a file's path to a hash of 32 bytes; by default the sha256 of the bytes.
        read: How parts of files are read, if the names are those of parts.

    Returns:
        The hashes, uint8 [N, 32].
    """
    wanted = [bytes(name) for name in names]
    hashed = read.of if read else lambda name: (of or _hash)(root / os.fsdecode(name))
    stamps = _stamps_of_parts(root, wanted, read) if read else _stamps(root, wanted)
    found = np.empty((len(wanted), 32), dtype=np.uint8)
    memory = _Memory(root, cache)
    known = memory.rows()
    new = []
    for place, name in enumerate(wanted):
        row = known.get(name)
        if row is not None and memory.stamps[row] == stamps[place]:
            found[place] = memory.hashes[row]
        else:
            new.append(place)
    if new:
        found[new] = _hashed([wanted[place] for place in new], what, hashed)
        fresh = (time.time() - SETTLED) * 1e9
        keep = [place for place in new if stamps[place]["mtime"] < fresh]
        memory.add([wanted[place] for place in keep], stamps[keep], found[keep])
    return found


def changed(
    root: Path,
    names: Iterable[bytes],
    cache: Path,
    what: str = "files",
    of: Callable[[Path], bytes] | None = None,
    read: Read | None = None,
) -> list[str]:
    """Read files again, whatever is remembered of them; the paths of those whose remembered hash was another."""
    wanted = [bytes(name) for name in names]
    memory = _Memory(root, cache)
    known, before = memory.rows(), memory.hashes
    memory.drop(wanted)
    now = hashes(root, wanted, cache, what, of, read)
    return [
        os.fsdecode(name)
        for place, name in enumerate(wanted)
        if (row := known.get(name)) is not None and not np.array_equal(before[row], now[place])
    ]


def forget(cache: Path) -> None:
    """Delete all remembered hashes, so that every file is read again at the next look."""
    shutil.rmtree(_folder(cache), ignore_errors=True)


def digest(found: np.ndarray) -> str:
    """One hash, in hexadecimal, of the hashes [N, 32] of several files in their order."""
    return hashlib.sha256(np.ascontiguousarray(found).tobytes()).hexdigest()


def _stamps(root: Path, names: list[bytes]) -> np.ndarray:
    """Stamps of the files, structured [N]; Incomplete with their number if some are missing."""
    found, missing = np.empty(len(names), dtype=_STAMP), []
    folder = os.fsencode(root) + b"/"
    for place, name in enumerate(names):
        try:
            found[place] = stamp(os.fsdecode(folder + name))
        except FileNotFoundError:
            missing.append(name)
        except OSError as error:
            raise unreadable(root / os.fsdecode(name), error) from error
    if missing:
        first = root / os.fsdecode(missing[0])
        if len(missing) == 1:
            raise Incomplete(f"{first}: no such file, but it is listed; copy it there from where the others came")
        says = f"the first of {len(missing):,} missing files of {len(names):,} that are listed"
        raise Incomplete(f"{first}: {says}; copy them there from where the others came")
    return found


def _stamps_of_parts(root: Path, names: list[bytes], read: Read) -> np.ndarray:
    """Stamps of the files that hold parts, structured [N]."""
    inside = [read.file(name) for name in names]
    files = list(dict.fromkeys(inside))
    places = {file: place for place, file in enumerate(files)}
    return _stamps(root, files)[[places[file] for file in inside]]


def _hashed(names: list[bytes], what: str, of: Callable[[bytes], bytes]) -> np.ndarray:
    blocks = [names[first : first + BLOCK] for first in range(0, len(names), BLOCK)]
    bar = tqdm(total=len(names), desc=f"reading {what} once", unit=" files", leave=False, delay=1)
    bar.disable = bar.disable or not sys.stderr.isatty()
    with ThreadPoolExecutor(READERS, thread_name_prefix="hash") as pool, bar:
        parts = []
        for block in pool.map(lambda block: [of(name) for name in block], blocks):
            parts += block
            bar.update(len(block))
    return np.frombuffer(b"".join(parts), dtype=np.uint8).reshape(-1, 32)


def _hash(path: Path) -> bytes:
    try:
        with regular.opened(path, regular.IMAGE) as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise unreadable(path, error) from error


def _folder(cache: Path) -> Path:
    return cache / "contents"


class _Memory:
    """Remembered names [N], stamps [N] and hashes [N, 32] of the files below one folder."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.file = _folder(cache) / f"{hashlib.sha256(os.fsencode(root.absolute())).hexdigest()[:20]}.npz"
        try:
            kept = array_files.read_npz(self.file, ("names", "stamps", "hashes").__contains__).found
            self.names, self.stamps, self.hashes = kept["names"], kept["stamps"], kept["hashes"]
            fits = self.stamps.dtype == _STAMP and self.hashes.dtype == np.uint8 and self.names.dtype.kind == "S"
            forms = (self.names.ndim, self.stamps.shape, self.hashes.shape)
            if not fits or forms != (1, self.names.shape, (*self.names.shape, 32)):
                raise ValueError("not of this form")
        except (OSError, ValueError, KeyError):  # it can be made again
            self.names = np.array([], dtype="S1")
            self.stamps = np.empty(0, dtype=_STAMP)
            self.hashes = np.empty((0, 32), dtype=np.uint8)

    def rows(self) -> dict[bytes, int]:
        """Name -> its place."""
        return {bytes(name): place for place, name in enumerate(self.names)}

    def drop(self, names: list[bytes]) -> None:
        """Forget these files."""
        kept = ~np.isin(self.names, np.array(names, dtype=np.bytes_))
        if not kept.all():
            self._write(self.names[kept], self.stamps[kept], self.hashes[kept])

    def add(self, names: list[bytes], stamps: np.ndarray, found: np.ndarray) -> None:
        """Remember these files, in place of what was known of them."""
        if names:
            kept = ~np.isin(self.names, np.array(names))
            together = zip((self.stamps, self.hashes), (stamps, found), strict=True)
            self._write(np.array([*self.names[kept], *names]), *(np.concatenate([a[kept], b]) for a, b in together))

    def _write(self, names: np.ndarray, stamps: np.ndarray, found: np.ndarray) -> None:
        with written_whole("cache", self.file, "BENCH_CACHE") as stream:
            np.savez(stream, names=names, stamps=stamps, hashes=found)
