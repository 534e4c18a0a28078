"""Files of features: one file for each request, which is written in shards while features are extracted.

A shard contains the features of some of the images. Each shard is written to a temporary file and then renamed, so that an
interrupted extraction continues with the next shard, and several workers can share a large request. When all shards of a
request exist, they are joined to one file, by the process that leases it. Runs map this file into memory, so that all workers
share its pages.

The header of a file holds a hash of its content (`hashes`). A process checks it when it first opens the file, and again when
the file has another stamp. Files of earlier versions have no hash.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from benchmark.core import files, leases, regular
from benchmark.core.digest import Json
from benchmark.core.errors import BenchError
from benchmark.core.files import written_whole
from benchmark.core.leases import Taken
from benchmark.core.stamps import stamp
from benchmark.features import hashes
from benchmark.features.hashes import HASH, NAME, OF, UNKNOWN

TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
}
"""Precisions of features -> their names in safetensors."""

WHOLE, OLD, MISSING = "whole", "of an earlier version, without a hash", "missing"
"""Conditions of a file; any other says what is wrong with it."""
USABLE = (WHOLE, OLD)

Form = Callable[[Mapping[str, str], Sequence[int]], str]
"""Function from the notes and the shape of a file without a hash to what is wrong with them; "" for nothing."""


def any_form(notes: Mapping[str, str], shape: Sequence[int]) -> str:
    """Hold a file without a hash against nothing."""
    return ""


_checked: dict[Path, tuple[int, ...]] = {}
"""File -> its stamp when this process found it whole."""


def read(where: Path) -> Tensor:
    """Features in a file, [V, N, D], mapped into memory, so that only accessed parts take memory."""
    return _mapped(where, stamp(where))


@lru_cache(maxsize=16)
def _mapped(where: Path, _: tuple[int, ...]) -> Tensor:
    return safetensors.torch.load_file(where)[NAME]


def readable(where: Path) -> bool:
    """Whether a file exists and is whole, as far as its hash says."""
    return condition(where) in USABLE


def checked(where: Path) -> bool:
    """Whether this process found a file whole and nobody has written it since."""
    try:
        return where in _checked and _checked[where] == stamp(where)
    except OSError:
        return False


def condition(where: Path, form: Form = any_form, known: Mapping[Path, bytes] | None = None) -> str:
    """Look whether a file can be used; a file that this process found whole is looked at again only after a change.

    Args:
        where: The file.
        form: What a file without a hash is held against.
        known: Hashes of files that were read just now; the others are read.

    Returns:
        `WHOLE`, `OLD` or `MISSING`, or else what is wrong with the file, in a few words.

    Raises:
        BenchError: If the system does not let read the file.
    """
    try:
        if checked(where):
            return WHOLE
        seen = stamp(where)
        found = _condition(where, form, known or {})
        if stamp(where) != seen:  # another process wrote it meanwhile
            return condition(where, form)
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    except OSError as error:
        why = f"cannot be read ({error.strerror or error})"
        raise BenchError(f"{where}: {why}; mend it, or choose another folder with BENCH_CACHE") from error
    if found == WHOLE:
        _checked[where] = seen
    return found


def _condition(where: Path, form: Form, known: Mapping[Path, bytes]) -> str:
    try:
        with _opened(where) as file:
            notes, shape = file.metadata() or {}, file.get_slice(NAME).get_shape()
    except SafetensorError as error:
        return f"it is no file of features, or a part of one ({error})"
    if not {HASH, OF} & notes.keys():
        return form(notes, shape) or OLD
    if notes.get(OF) != hashes.name(where):
        return f"it holds {notes.get(OF) or 'what its header does not name'}"
    content = known.get(where) or hashes.digest(where)
    return WHOLE if content.hex() == notes.get(HASH) else "its content is not what was written"


def forget() -> None:
    """Check every file again when it is next opened by this process."""
    _checked.clear()


def about(where: Path) -> dict[str, str]:
    """Notes in a file on how it was made; OSError, SafetensorError or KeyError if the file is missing or incomplete."""
    with _opened(where) as file:
        file.get_slice(NAME)
        return file.metadata() or {}


def _opened(where: Path) -> safe_open:
    """A file for its notes and tensors; FileNotFoundError where it is missing, or is removed while it is opened."""
    regular.check(where)
    try:
        return safe_open(where, "pt")
    except RuntimeError as error:  # of PyTorch, which maps the file by its name after safetensors has opened it
        if where.exists():
            raise
        raise FileNotFoundError(f"{where}: was removed by another process") from error


def shard(where: Path, index: int, of: int) -> Path:
    """Path of shard `index` of `of` of a file; the file itself if it has only one shard."""
    return where if of == 1 else _folder(where) / f"{index:05d}-of-{of:05d}.safetensors"


def lease(where: Path, index: int, of: int) -> Path:
    """Path that is leased to make a shard: beside the file, because the folder of the shards goes when they are joined."""
    return where if of == 1 else where.with_name(f"{where.name}.{index:05d}-of-{of:05d}")


def there(where: Path, of: int) -> int:
    """Number of existing shards of a file, out of `of`."""
    return sum(readable(shard(where, index, of)) for index in range(of)) if _folder(where).is_dir() else 0


def write(where: Path, features: Tensor, notes: Json) -> None:
    """Write features [V, N, D] and notes to a file or to a shard of one."""
    said = {name: str(value) for name, value in notes.items()}
    with written_whole("cache", where, "BENCH_CACHE") as file:
        _write([features], {**said, OF: hashes.name(where)}, file)


def adopt(where: Path) -> None:
    """Write a file of an earlier version anew, with a hash of what it holds."""
    with _opened(where) as old:
        write(where, old.get_tensor(NAME), old.metadata() or {})


def join(where: Path, of: int) -> Taken | None:
    """Join the shards of a file if all exist, view by view and from mapped memory, and remove them.

    Args:
        where: The file.
        of: Number of its shards.

    Returns:
        The other process that joins them now; None where nobody does.
    """
    places = [shard(where, index, of) for index in range(of)]
    if of == 1 or not all(place.is_file() for place in places):
        return None
    with leases.leased([where], "BENCH_CACHE") as granted:
        if granted.files and not readable(where) and there(where, of) == of:
            _join(where, places)
        if granted.files and readable(where):
            shutil.rmtree(_folder(where), ignore_errors=True)
        return granted.taken


def _join(where: Path, places: Sequence[Path]) -> None:
    try:
        with ExitStack() as stack:
            parts = [stack.enter_context(_opened(place)) for place in places]
            notes = _together([part.metadata() or {} for part in parts])
            with written_whole("cache", where, "BENCH_CACHE") as file:
                _write([part.get_tensor(NAME) for part in parts], {**notes, OF: hashes.name(where)}, file)
    except (OSError, SafetensorError):
        if not readable(where):  # a readable file was joined by a process that was thought dead
            raise


def _write(parts: Sequence[Tensor], notes: Mapping[str, str], file: BinaryIO) -> None:
    """Write features [V, N, D] from the features of some images each, and then their hash into the header."""
    views, _, *rest = parts[0].shape
    dtype, shape = TYPES[parts[0].dtype], [views, sum(part.shape[1] for part in parts), *rest]
    size = sum(part.nbytes for part in parts)
    file.write(_header(dtype, shape, size, notes, UNKNOWN))
    found = hashes.begun(dtype, shape, notes)
    for v in range(views):
        for part in parts:
            values = part[v].detach().contiguous().view(torch.uint8).numpy().data
            file.write(values)
            found.update(values)
    file.seek(0)
    file.write(_header(dtype, shape, size, notes, found.digest()))


def _header(dtype: str, shape: Sequence[int], size: int, notes: Mapping[str, str], content: bytes) -> bytes:
    entry = {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}
    header = json.dumps({"__metadata__": {**notes, HASH: content.hex()}, NAME: entry}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header


def _together(notes: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Notes of a joined file: the sum of the shards' seconds, the content of each, and all else from the first shard."""
    seconds = sum(float(note.get("seconds", 0)) for note in notes)
    content = " ".join(note.get("content", "") for note in notes).strip()
    return {**notes[0], **({"content": content} if content else {}), "seconds": str(round(seconds, 3))}


def tidy(folder: Path) -> None:
    """Remove temporary files and leases of killed processes, and shards of files that were joined."""
    leases.tidy(folder)
    for place in (folder, *folder.glob("*.shards")):
        files.tidy(place)
    for left in folder.glob("*.shards"):
        if readable(left.with_suffix(".safetensors")):
            shutil.rmtree(left, ignore_errors=True)


def _folder(where: Path) -> Path:
    return where.with_suffix(".shards")
