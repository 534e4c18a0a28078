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


class Special(OSError):
    """A pipe, socket or device in the place of a file."""


_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def check(path: Path) -> int:
    """Size in bytes of a file, which is not opened; OSError unless it is a regular file or a link to one."""
    return _size(path, os.stat(path))


def opened(path: Path) -> io.BufferedReader:
    """Open a file for reading; OSError unless it is a regular file or a link to one."""
    check(path)  # to open a device may already do something
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # which waits for no writer of a pipe
    try:
        _size(path, os.fstat(descriptor))
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
        raise OSError(errno.EFBIG, f"larger than {most:,} bytes, the most that is read", str(path))
    return content


def _size(path: Path, found: os.stat_result) -> int:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise Special(errno.EINVAL, f"{kind}, not a regular file", str(path))
    return found.st_size
