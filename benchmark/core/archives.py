"""Zip archives of others: looked at before anything in them is unpacked, so that no small file becomes large in memory."""

import struct
import zipfile
from collections.abc import Iterable
from typing import BinaryIO

MUCH = 128 << 20
"""Bytes that a small file may unpack to; one-hot labels of 16 images of each of ImageNet's classes have 128 MB in float64."""

RATIO = 20
"""Largest ratio of unpacked to stored bytes above `MUCH`: features compress by 1.1 to 6, zeros by 1000."""

DIRECTORY = 16 << 20
"""Bytes of the largest directory of an archive; a checkpoint of 10,000 tensors has a million."""

LONGEST = 60
"""Letters of a name in an error."""

_END, _END_64, _LOCATOR_64 = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_ENCRYPTED = 1


def swells(unpacked: int, stored: int) -> bool:
    """Whether content has too many bytes for those that it is stored in to be taken for data."""
    return unpacked > max(MUCH, RATIO * stored)


def opened(file: BinaryIO) -> zipfile.ZipFile:
    """Open an archive, of which only the directory is read; ValueError or BadZipFile if that is damaged or too large."""
    size = file.seek(0, 2)
    file.seek(
        max(size - (1 << 16) - 98, 0)
    )  # the longest comment, the end of the directory and its form for large files
    if _directory(file.read()) > DIRECTORY:
        raise ValueError(f"its directory is larger than {DIRECTORY:,} bytes, the most that is read")
    return zipfile.ZipFile(file)


def _directory(tail: bytes) -> int:
    """Bytes of the directory of an archive with these last bytes."""
    end = tail.rfind(_END)
    if end < 0 or end + 22 > len(tail):
        raise zipfile.BadZipFile("no zip archive, or its end is missing")
    large = end - 76
    if large >= 0 and tail[end - 20 : end - 16] == _LOCATOR_64 and tail[large : large + 4] == _END_64:
        return int(struct.unpack_from("<Q", tail, large + 40)[0])
    return int(struct.unpack_from("<I", tail, end + 12)[0])


def check(entries: Iterable[zipfile.ZipInfo], size: int) -> None:
    """Check that entries can be unpacked, and together are not too large for an archive of `size` bytes.

    Args:
        entries: All entries that will be read.
        size: Size of the archive in bytes.

    Raises:
        ValueError: If an entry is encrypted or of an unknown compression, or the entries swell.
    """
    unpacked = stored = 0
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise ValueError(f"{shown(entry.filename)} in it is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{shown(entry.filename)} in it has the unknown compression {entry.compress_type}")
        unpacked, stored = unpacked + entry.file_size, stored + entry.compress_size
    if swells(unpacked, min(stored, size)):
        raise ValueError(f"{min(stored, size):,} bytes in it would unpack to {unpacked:,}")


def shown(name: str) -> str:
    """A name as it can be printed in a line, cut to `LONGEST` letters."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in name[:LONGEST])
    return printable if len(name) <= LONGEST else f"{printable[:-1]}…"
