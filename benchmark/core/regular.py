"""Files of others, opened without a wait: regular files alone, or links to them, and no more bytes than a limit.

A named pipe waits for its writer, a device may never end. Both are an OSError here, in the system's own form, with its file
and a reason of a few words; whoever catches OSError says it in a line.
"""

import errno
import io
import os
import stat
from pathlib import Path

MOST = 32 << 20
"""Bytes of the largest text that is read whole; a list of 300,000 images has 25 million."""

IMAGE = 2 << 30
"""Bytes of the largest image file; 179 million pixels, the most that PIL decodes, are 1.1 GB in 16 bits of three colours."""

LARGER = "larger than {:,} bytes, the most that is read"


class Special(OSError):
    """A pipe, socket or device in the place of a file."""


_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def check(path: Path, most: int | None = None) -> int:
    """Size in bytes of a file, which is not opened; OSError if it is no regular file or link to one, or is larger."""
    return _size(path, os.stat(path), most)


def opened(path: Path, most: int | None = None) -> io.BufferedReader:
    """Open a file for reading; OSError unless it is a regular file, or a link to one, of at most `most` bytes."""
    check(path)  # to open a device may already do something
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # which waits for no writer of a pipe
    try:
        _size(path, os.fstat(descriptor), most)
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path, most: int = MOST) -> bytes:
    """Read a whole file.

    Args:
        path: The file.
        most: Largest size in bytes.

    Returns:
        The bytes.

    Raises:
        OSError: If the file cannot be read, is no regular file, or is larger.
    """
    with opened(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, LARGER.format(most), str(path))
    return content


def _size(path: Path, found: os.stat_result, most: int | None) -> int:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise Special(errno.EINVAL, f"{kind}, not a regular file", str(path))
    if most is not None and found.st_size > most:
        raise OSError(errno.EFBIG, LARGER.format(most), str(path))
    return found.st_size
