"""The hash that a file of features has in its header, of all that the file holds.

It covers the notes, the type and shape of the features, and their values. The notes name the file too, so that features under
the name of others are found: the name has a hash of data, ids, views, seed and weights.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from benchmark.core import regular
from benchmark.core.digest import JsonDict
from benchmark.core.files import parsed

NAME = "features"
"""Name of the one tensor of a file."""

HASH, OF = "sha256", "of"
"""Notes that hold the hash, and the name of the file."""

UNKNOWN = bytes(32)
"""Place holder in a header until the hash is known; also the hash of a file that holds no features."""

LONGEST, BLOCK = 2**24, 2**20
"""Bytes of the longest header that is read, and of the part of a file that is read at a time."""


def begun(dtype: str, shape: Sequence[int], notes: Mapping[str, str]) -> "hashlib._Hash":
    """The hash of a file before its values are added: of type, shape and notes, whatever their order."""
    said = {name: text for name, text in notes.items() if name != HASH}
    return hashlib.sha256(json.dumps([dtype, list(shape), said], sort_keys=True).encode())


def digest(where: Path) -> bytes:
    """Hash of all that a file holds, 32 bytes; UNKNOWN for one that is missing, unreadable or of another form."""
    try:
        with regular.opened(where) as file:
            header = _header(file)
            found = begun(header[NAME]["dtype"], header[NAME]["shape"], header["__metadata__"])
            while block := file.read(BLOCK):
                found.update(block)
    except Exception:  # a damaged header may raise any exception
        return UNKNOWN
    return found.digest()


def notes(where: Path) -> dict[str, str]:
    """Notes in the header of a file; none for one that is missing, unreadable or of another form."""
    try:
        with regular.opened(where) as file:
            return dict(_header(file)["__metadata__"])
    except Exception:  # as above
        return {}


def _header(file: BinaryIO) -> JsonDict:
    length = int.from_bytes(file.read(8), "little")
    if length > LONGEST:
        raise ValueError("a header that is too long")
    found: JsonDict = parsed(file.read(length))
    return found


def name(where: Path) -> str:
    """Name of a file in its header: its own without the suffix, and that of the file before the number of a shard."""
    return f"{where.parent.stem}/{where.stem}" if where.parent.suffix == ".shards" else where.stem
