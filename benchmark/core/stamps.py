"""The stamp of a file, by which anything remembered of its content is trusted."""

import os
import time
from pathlib import Path

SETTLED = 2.0
"""Seconds; time stamps have a resolution of milliseconds, on network file systems of a second."""


def stamp(path: str | Path) -> tuple[int, int, int, int]:
    """Size, mtime and ctime (ns) and inode of a file."""
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def settled(path: str | Path) -> bool:
    """Whether the last write of a file is so old that another write would have another time."""
    return os.stat(path).st_mtime < time.time() - SETTLED
