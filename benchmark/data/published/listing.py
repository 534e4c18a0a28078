"""Lists of images and labels from folders or split files, made without opening an image."""

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from benchmark.core.errors import BenchError
from benchmark.core.files import writing

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Suffixes of image files in torchvision's ImageFolder, on which the official draws are based."""

SETTLED = 2.0  # seconds; time stamps have a resolution of milliseconds, on network file systems of a second


@dataclass(frozen=True, eq=False)
class Listing:
    """Images of a split in the order of their list: paths relative to `root`, bytes [N], and labels, int64 [N]."""

    root: Path
    names: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        """Number of images."""
        return len(self.names)

    def name(self, place: int) -> str:
        """Path of an image relative to the root, with "/" between folders."""
        return os.fsdecode(bytes(self.names[place]))

    def path(self, place: int) -> Path:
        """Path of an image."""
        return self.root / self.name(place)

    def digest(self) -> str:
        """The sha256 of names and labels, without the content of the files."""
        content = hashlib.sha256(f"{self.names.dtype} {len(self)}\n".encode())
        content.update(np.ascontiguousarray(self.names).data)
        content.update(self.labels.astype("<i8").tobytes())
        return content.hexdigest()


def of(root: Path, names: Sequence[str], labels: Iterable[int]) -> Listing:
    """A listing from the entries of a split file; raises BenchError for a path that leaves the folder of the images."""
    for name in names:
        check_inside(name, root)
    return Listing(root, _packed(names), np.array(list(labels), dtype=np.int64))


def nothing(root: Path) -> Listing:
    """A listing without images."""
    return Listing(root, _packed([]), np.array([], dtype=np.int64))


def check_inside(name: str, root: Path) -> None:
    """Raise BenchError for a path that is absolute or contains ".."; symbolic links of the user are not checked."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if not name or posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts or "\0" in name:
        raise BenchError(f"{name!r} in a split file is no path below {root}; take the published split file")


def folders(root: Path, labels: dict[str, int], cache: Path) -> Listing:
    """List all images of class folders; a listing is cached until a folder changes.

    Args:
        root: the folder that holds the class folders.
        labels: name of a class folder -> label.
        cache: folder that keeps the listing.

    Returns:
        The listing, in the order of `labels`, sorted within each folder.
    """
    names = _remembered(root, list(labels), cache)
    counts = _counts(names, list(labels))
    return Listing(root, names, np.repeat(np.array(list(labels.values()), dtype=np.int64), counts))


def _counts(names: np.ndarray, wanted: list[str]) -> list[int]:
    """Number of images in each of the folders `wanted`, given their names in that order."""
    found = dict.fromkeys(wanted, 0)
    for name, count in zip(*np.unique(_first_part(names), return_counts=True), strict=True):
        found[os.fsdecode(bytes(name))] = int(count)
    return list(found.values())


def _first_part(names: np.ndarray) -> np.ndarray:
    return np.char.partition(names, b"/")[:, 0] if len(names) else names


def _remembered(root: Path, wanted: list[str], cache: Path) -> np.ndarray:
    """Names of images, bytes [N], from the cache: 0.1 s for 1.28 million, which take minutes to list over a network."""
    times = [(name, (root / name).stat().st_mtime_ns) for name in wanted]
    memory = _memory(root, times, cache)
    try:
        return np.load(memory, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        names = _packed([f"{folder}/{name}" for folder in wanted for name in files(root / folder)])
    if len(names) and max(t for _, t in times) < (time.time() - SETTLED) * 1e9:
        _remember(memory, names)
    return names


def _memory(root: Path, times: list[tuple[str, int]], cache: Path) -> Path:
    """Path of the cached listing of a root, given the modification times of its folders."""
    whose = hashlib.sha256(os.fsencode(root.absolute())).hexdigest()[:16]
    when = hashlib.sha256(repr(times).encode()).hexdigest()[:16]
    return cache / "listings" / f"{whose}-{when}.npy"


def _remember(file: Path, names: np.ndarray) -> None:
    """Write a listing to the cache and delete older listings of its folder."""
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}.tmp")
    with writing("cache", file.parent, "BENCH_CACHE"):
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            np.save(stream, names)
        os.replace(temporary, file)
        for older in set(file.parent.glob(f"{file.name.split('-')[0]}-*.npy")) - {file}:
            older.unlink(missing_ok=True)


def files(folder: Path) -> list[str]:
    """Images in a folder and its subfolders, in the order of torchvision's ImageFolder, without hidden files."""
    return list(_files(str(folder), ""))


def _files(folder: str, prefix: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        visible = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    below = [e for e in visible if not e.name.lower().endswith(ENDINGS) and e.is_dir()]
    yield from (prefix + e.name for e in visible if e.name.lower().endswith(ENDINGS))
    for entry in below:
        yield from _files(entry.path, f"{prefix}{entry.name}/")


def heap(root: Path) -> bool:
    """Whether a folder contains images directly instead of in class folders."""
    with os.scandir(root) as entries:
        return any(e.name.lower().endswith(ENDINGS) for e in entries)


def subfolders(root: Path, fits: Callable[[str], bool]) -> list[str]:
    """Sorted names of the subfolders that `fits` accepts."""
    with os.scandir(root) as entries:
        return sorted(e.name for e in entries if fits(e.name) and e.is_dir())


def _packed(names: Sequence[str]) -> np.ndarray:
    """Names as one array of bytes, which needs less memory than a list of a million strings."""
    return np.array([os.fsencode(name) for name in names], dtype=np.bytes_ if names else "S1")
