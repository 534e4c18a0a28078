"""Rows of parquet files: the bytes of single images, read by whole row groups, which are as much as parquet can read at once.

The row groups that were read last stay in memory up to `KEPT` bytes, those of all threads together. Whoever reads many rows
reads them in the order of the file, or holds them beforehand (`held`).
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.core import floors, regular
from benchmark.core.errors import BenchError

KEPT, HELD = 256 << 20, 512 << 20
"""Bytes of row groups, and of rows held beforehand, that stay in memory.

Hugging Face's tools write 100 images a group, 11 MB of ImageNet.
"""

INSTALL = "parquet is read with pyarrow: pip install 'amu-bench[parquet]'"


class Row(NamedTuple):
    """A row of a parquet file: the file, the number of its row group and that of the row, both from 0."""

    file: Path
    group: int
    number: int


class _Group(NamedTuple):
    first: int
    column: Any
    size: int


_lock = threading.Lock()
_kept: OrderedDict[tuple[Path, int], _Group] = OrderedDict()
_held: dict[Row, bytes] = {}


def opened(file: Path) -> Any:
    """Open a parquet file, of which the footer is read; BenchError without pyarrow, OSError for any other file."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise BenchError(f"{file}: {INSTALL}") from error
    floors.check("pyarrow", file)
    regular.check(file)
    with _as_os_errors():
        return pyarrow.parquet.ParquetFile(str(file))


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Convert what pyarrow raises for a damaged file to OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(str(error) or type(error).__name__) from error


def image(row: Row) -> bytes:
    """The bytes of the image in a row.

    Args:
        row: The row.

    Returns:
        The bytes.

    Raises:
        OSError: The row cannot be read, or has no bytes.
    """
    with _lock:
        known = _held.get(row)
        if known is not None:
            return known
        group = _group(row)
    with _as_os_errors():
        found = group.column[row.number - group.first].as_py()
        content = found and found["bytes"]
    if content is None:
        raise OSError("its row has no bytes")
    return bytes(content)


def _group(row: Row) -> _Group:
    """The row group of a row, from memory or from its file; the lock is held, so that no two threads read one."""
    place = (row.file, row.group)
    if place not in _kept:
        group = _read(row)
        while _kept and group.size + sum(one.size for one in _kept.values()) > KEPT:
            _kept.popitem(last=False)
        _kept[place] = group
    _kept.move_to_end(place)
    return _kept[place]


def _read(row: Row) -> _Group:
    with opened(row.file) as file, _as_os_errors():
        about = file.metadata
        first = sum(about.row_group(one).num_rows for one in range(row.group))
        if about.row_group(row.group).total_byte_size > regular.IMAGE:
            raise OSError(f"its row group {row.group} has more than {regular.IMAGE:,} bytes")
        table = file.read_row_group(row.group, columns=["image.bytes"], use_threads=False)
        return _Group(first, table.column("image"), table.nbytes)


@contextmanager
def held(rows: Iterable[Row]) -> Iterator[None]:
    """Read rows in the order of their files, and keep up to `HELD` bytes of them in memory until the block ends.

    Rows that cannot be read are left to whoever asks for them, as are those beyond `HELD` bytes.

    Args:
        rows: The rows, in any order.
    """
    mine: dict[Row, bytes] = {}
    size = 0
    for row in sorted(set(rows)):
        try:
            mine[row] = image(row)
        except OSError:
            continue
        size += len(mine[row])
        if size > HELD:
            break
    _held.update(mine)
    try:
        yield
    finally:
        for row in mine:
            _held.pop(row, None)
