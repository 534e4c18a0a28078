"""Lists of images and labels from folders or split files, made without opening an image."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

import numpy as np

from benchmark.core import contents, regular
from benchmark.core.errors import BenchError
from benchmark.core.files import unreadable, written_whole
from benchmark.core.stamps import SETTLED
from benchmark.core.streams import say
from benchmark.data.published import stored
from benchmark.data.published.stored import Shards, Stored

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Suffixes of image files in torchvision's ImageFolder, on which the official draws are based."""


LONGEST = 4096
"""Letters of the longest path that a system takes (PATH_MAX)."""

MUCH = 1 << 28
"""Bytes of the names of a list in one array; ImageNet's 1.28 million have 40 million."""

WHOLE, SAMPLE = 20_000, 2_000
"""Longest list whose files are all identified by their bytes, and number of files that are looked at of a longer one.

Reading the 1.28 million files of ImageNet takes an hour, looking at their times minutes over a network.
"""


@dataclass(frozen=True, eq=False)
class Listing:
    """Images of a split in the order of their list: paths relative to `root`, bytes [N], and labels, int64 [N].

    shards: places of the images, if they lie in shards instead of files of their own; names are then of the published files.
    doubled: whether the files lie one folder deeper than listed, in cars_train/cars_train/ for cars_train/, as archives are
    often unpacked. Names and fingerprint are those of the list nevertheless.
    """

    root: Path
    names: np.ndarray
    labels: np.ndarray
    doubled: bool = False
    shards: Shards | None = None

    def __len__(self) -> int:
        """Number of images."""
        return len(self.names)

    def name(self, place: int) -> str:
        """Path of an image relative to the root, with "/" between folders."""
        return os.fsdecode(bytes(self.names[place]))

    def stored(self, place: int) -> Stored:
        """Where the bytes of an image are."""
        if self.shards:
            return self.shards.place(place)
        name = self.name(place)
        return self.root / name.partition("/")[0] / name if self.doubled else self.root / name

    def order(self, places: np.ndarray) -> np.ndarray:
        """The permutation of images [N] in which their bytes are best read: that of the shards, else that of the list."""
        return self.shards.order(places) if self.shards else np.arange(len(places))

    def _on_disk(self, places: np.ndarray) -> np.ndarray:
        """Paths of images, relative to the root, bytes [N]; behind the name of a shard stands the name of the image."""
        names = self.names[places]
        if self.shards and len(names):
            shards = np.array([os.fsencode(file.name) for file in self.shards.files])
            return np.char.add(np.char.add(shards[self.shards.where["shard"][places]], b"/"), names)
        if not (self.doubled and len(names)):
            return names
        return np.char.add(np.char.add(_first_part(names), b"/"), names)

    def _read(self, names: np.ndarray, places: np.ndarray) -> contents.Read | None:
        """How images in shards are read for their hashes; None for images in files of their own."""
        if self.shards is None:
            return None
        known = dict(zip(names.tolist(), places.tolist(), strict=True))
        return contents.Read(lambda name: name.partition(b"/")[0], lambda name: _sha256(self.stored(known[name])))

    def hashes(self, cache: Path, places: np.ndarray | None = None) -> np.ndarray:
        """The sha256 of the images' bytes, uint8 [N, 32], of all or of `places`, read once (`benchmark.core.contents`)."""
        places = np.arange(len(self)) if places is None else places
        order = self.order(places)
        found = np.empty((len(places), 32), dtype=np.uint8)
        names = self._on_disk(places[order])
        found[order] = contents.hashes(self.root, names, cache, self._what, read=self._read(names, places[order]))
        return found

    def content(self, cache: Path) -> str:
        """Hash of the images' bytes: of all images, or of an evenly spaced sample of a list with more than `WHOLE` images."""
        return contents.digest(self.hashes(cache, self.sample()))

    def changed(self, cache: Path) -> list[Path]:
        """Read all images again, whatever is remembered of them; those that had other bytes when they were first read."""
        places = np.arange(len(self))
        places = places[self.order(places)]
        names = self._on_disk(places)
        changed = contents.changed(self.root, names, cache, self._what, read=self._read(names, places))
        return [self.root / name for name in changed]

    @property
    def _what(self) -> str:
        return f"{self.root.name} images"

    def sample(self) -> np.ndarray | None:
        """Places of the files whose bytes identify the list; None for all of them."""
        return None if len(self) <= WHOLE else np.linspace(0, len(self) - 1, SAMPLE, dtype=np.int64)

    def digest(self) -> str:
        """The sha256 of names and labels, without the content of the files."""
        content = _hashed(self.names)
        content.update(self.labels.astype("<i8").tobytes())
        return content.hexdigest()


def of(root: Path, names: Sequence[str], labels: Iterable[int]) -> Listing:
    """A listing from the entries of a split file; raises BenchError for paths that leave the folder, or are none at all."""
    for name in names:
        check_inside(name, root)
    longest = max(map(len, names), default=0)
    if longest * len(names) > MUCH:  # every name takes as many bytes as the longest
        raise BenchError(f"has a path of {longest:,} letters among {len(names):,}; take the published split file")
    return Listing(root, _packed(names), np.array(list(labels), dtype=np.int64))


def as_it_lies(listed: Listing) -> Listing:
    """The list of images itself, `doubled` if its first image lies one folder deeper than listed."""
    deeper = replace(listed, doubled=True)
    if not len(listed) or "/" not in listed.name(0):
        return listed
    paths = (Path(str(one.stored(0))) for one in (listed, deeper))
    return deeper if [path.is_file() for path in paths] == [False, True] else listed


def nothing(root: Path) -> Listing:
    """A listing without images."""
    return Listing(root, _packed([]), np.array([], dtype=np.int64))


def check_inside(name: str, root: Path) -> None:
    """Raise BenchError for a path that is absolute, contains ".." or is too long; symbolic links are not checked."""
    if not name or len(name) > LONGEST or "\0" in name or not _can_exist(name) or _leaves(name):
        raise BenchError(f"{name[:80]!r} in a split file is no path below {root}; take the published split file")


def _leaves(name: str) -> bool:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    return posix.is_absolute() or bool(windows.drive or windows.root) or ".." in windows.parts


def _can_exist(name: str) -> bool:
    """Whether a file can have this name; bytes of a name that are no UTF-8 are halves of letters to Python."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def folders(root: Path, labels: dict[str, int], cache: Path) -> Listing:
    """List all images of class folders; a listing is cached until a folder changes, and held to its hash.

    Args:
        root: the folder that holds the class folders.
        labels: name of a class folder -> label.
        cache: folder that keeps the listing.

    Returns:
        The listing, in the order of `labels`, sorted within each folder.
    """
    times = [(name, (root / name).stat().st_mtime_ns) for name in labels]
    names = remembered(
        root, times, cache, lambda: _packed([f"{folder}/{name}" for folder in labels for name in files(root / folder)])
    )
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


def remembered(root: Path, times: Sequence[tuple[str, int]], cache: Path, make: Callable[[], np.ndarray]) -> np.ndarray:
    """An array that is read of folders or shards once, then from the cache: 1.28 million names in 0.1 s instead of minutes.

    Args:
        root: The folder that it is about; what is cached of it for other times is deleted.
        times: Names of what is read below it, and when these were last changed, in ns.
        cache: The cache folder.
        make: Reads it, for all N images: bytes [N], or structured [N].

    Returns:
        The array that `make` returned, held to its hash where it is mapped from the cache.
    """
    memory = _memory(root, times, cache)
    for file in memory.parent.glob(f"{memory.name}-*.npy"):
        found = _recalled(file)
        if found is not None:
            return found
        say(f"bench: {file}: damaged, made again: it is not the list that was written", err=True)
    found = make()
    if len(found) and max(t for _, t in times) < (time.time() - SETTLED) * 1e9:
        _remember(memory, found)
    return found


def _memory(root: Path, times: Sequence[tuple[str, int]], cache: Path) -> Path:
    """Beginning of the path of the cached listing of a root, given the modification times of its folders."""
    whose = hashlib.sha256(os.fsencode(root.absolute())).hexdigest()[:16]
    when = hashlib.sha256(repr(times).encode()).hexdigest()[:16]
    return cache / "listings" / f"{whose}-{when}"


def _recalled(file: Path) -> np.ndarray | None:
    """The names in a cached listing, mapped into memory; None unless they are those that its own name has the hash of."""
    try:
        regular.check(file)
        names: np.ndarray = np.load(file, mmap_mode="r", allow_pickle=False)
        return names if file.stem.endswith(f"-{len(names)}-{_hash(names)}") else None
    except Exception:  # a damaged file may raise any exception, and this one can be made again
        return None


def _remember(memory: Path, names: np.ndarray) -> None:
    """Write a listing to the cache, its number of images and their hash in its name, and delete older ones of its folder."""
    file = memory.with_name(f"{memory.name}-{len(names)}-{_hash(names)}.npy")
    with written_whole("cache", file, "BENCH_CACHE") as stream:
        np.save(stream, names)
    for older in set(file.parent.glob(f"{file.name.split('-')[0]}-*.npy")) - {file}:
        older.unlink(missing_ok=True)


def _hash(names: np.ndarray) -> str:
    return _hashed(names).hexdigest()[:32]


def _hashed(names: np.ndarray) -> "hashlib._Hash":
    """The sha256 of the number, the length and the letters of names, to which more may be added."""
    content = hashlib.sha256(f"{names.dtype} {len(names)}\n".encode())
    content.update(np.ascontiguousarray(names).data)
    return content


def files(folder: Path) -> list[str]:
    """Images in a folder and its subfolders, in the order of torchvision's ImageFolder, without hidden files."""
    return walk(folder).images


class Walked(NamedTuple):
    """Paths of the images in a folder, and the number of other files by ending ("no ending" for none)."""

    images: list[str]
    others: Counter[str]


def walk(folder: Path) -> Walked:
    """Images and other files of a folder and its subfolders.

    Hidden files are left out. An unreadable folder, a link that leads nowhere or to a folder that it is in, and a special
    file called like an image raise BenchError.

    Args:
        folder: The folder.

    Returns:
        Paths relative to the folder, in the order of torchvision's ImageFolder, and the number of other files.
    """
    found = Walked([], Counter())
    _walk(str(folder), "", found, [os.path.realpath(folder)])
    return found


def _walk(folder: str, prefix: str, found: Walked, above: list[str]) -> None:
    entries = sorted((e for e in _scanned(folder) if not e.name.startswith(".")), key=lambda e: e.name)
    below = []
    for entry in entries:
        if _is_folder(entry):
            below.append(entry)
        elif entry.name.lower().endswith(ENDINGS):
            _check_regular(entry)
            found.images.append(prefix + entry.name)
        else:
            found.others[PurePosixPath(entry.name).suffix.lower() or "no ending"] += 1
    for entry in below:
        real = os.path.realpath(entry.path) if entry.is_symlink() else f"{above[-1]}/{entry.name}"
        if real in above or above[0].startswith(f"{real}/"):
            raise BenchError(f"{entry.path}: a link to {real}, a folder that it is in; remove it")
        _walk(entry.path, f"{prefix}{entry.name}/", found, [*above, real])


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a folder or a link to one; BenchError for a link to itself."""
    try:
        return entry.is_dir()
    except OSError as error:
        raise unreadable(Path(entry.path), error) from error


def _check_regular(entry: "os.DirEntry[str]") -> None:
    """Raise BenchError for a link that leads nowhere, and for a pipe, socket or device."""
    if not entry.is_file():
        link = f"a link to {os.readlink(entry.path)}, which is not there" if entry.is_symlink() else "no regular file"
        raise BenchError(f"{entry.path}: {link}; mend it, or take it out of the folder")


def _scanned(folder: str | Path) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise unreadable(Path(folder), error) from error


def _sha256(place: Stored) -> bytes:
    try:
        with stored.opened(place) as stream:
            return hashlib.sha256(stream.read()).digest()
    except OSError as error:
        raise BenchError(f"{place}: cannot be read ({error.strerror or error}); copy it again") from error


def heap(root: Path) -> int:
    """Number of images that a folder contains directly instead of in class folders."""
    return sum(e.name.lower().endswith(ENDINGS) and not e.is_dir() for e in _scanned(root))


def subfolders(root: Path, fits: Callable[[str], bool]) -> list[str]:
    """Sorted names of the subfolders that `fits` accepts."""
    return sorted(e.name for e in _scanned(root) if fits(e.name) and e.is_dir())


def _packed(names: Sequence[str]) -> np.ndarray:
    """Names as one array of bytes, which needs less memory than a list of a million strings."""
    return np.array([os.fsencode(name) for name in names], dtype=np.bytes_ if names else "S1")
