"""NumPy files of others (.npy, .npz): names and headers are held against the size of the file before an array is made.

Whatever is wrong with a file is an OSError or a ValueError, so that every reader can say it in a line.
"""

import io
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.lib.npyio import NpzFile

from benchmark.core import archives, regular


class Arrays(NamedTuple):
    """Arrays of an .npz file that were wanted, by name, and the names of the others, which were not read."""

    found: dict[str, np.ndarray]
    others: list[str]


def read(path: Path) -> np.ndarray:
    """Read an .npy file of plain numbers or texts; OSError or ValueError for anything else."""
    with regular.opened(path) as file, _as_value_errors():
        _check(file, regular.check(path))
        file.seek(0)
        return npy.read_array(file, allow_pickle=False)


def read_npz(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> Arrays:
    """Read arrays of plain numbers or texts from an .npz file.

    A file that cannot be read or is no regular one is an OSError. One that is no such archive, or in which a wanted array is
    damaged, or too large for what is stored of it, is a ValueError.

    Args:
        path: The file.
        wanted: Which names are read; by default all.

    Returns:
        The wanted arrays, and the names of the others.
    """
    with regular.opened(path) as file, _as_value_errors(), archives.opened(file) as zipped, NpzFile(file) as archive:
        entries = {name.removesuffix(".npy"): zipped.getinfo(name) for name in zipped.namelist()}
        chosen = {name: entry for name, entry in entries.items() if wanted(name)}
        archives.check(chosen.values(), regular.check(path))
        for name, entry in chosen.items():
            with zipped.open(entry) as stream:
                _check(stream, entry.file_size, f"{archives.shown(name)}: ")
        return Arrays({name: archive[name] for name in chosen}, [name for name in entries if name not in chosen])


def packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Content of a compressed .npz file of arrays of plain numbers or texts.

    np.savez of NumPy 2.0 has no `allow_pickle` and stores an argument of this name as an array, so it is not given.

    Args:
        arrays: Name -> array.

    Returns:
        The content.

    Raises:
        ValueError: An array holds Python objects.
    """
    if any(array.dtype.hasobject for array in arrays.values()):
        raise ValueError("Object arrays cannot be kept")
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]  # mypy takes the arrays for `allow_pickle`
    return stream.getvalue()


@contextmanager
def _as_value_errors() -> Iterator[None]:
    """Convert the exceptions of many types that the content of a broken file raises to ValueError."""
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _check(stream: IO[bytes], size: int, what: str = "") -> None:
    """Check that the header of a stream of `size` bytes claims what is there, and no Python objects."""
    shape, _, dtype = _header(stream)
    claimed = math.prod(shape) * dtype.itemsize
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded")
    if min(shape, default=0) < 0 or (0 not in shape and not dtype.itemsize):
        raise ValueError(f"{what}is of no shape that an array can have")
    if claimed != size - stream.tell():
        raise ValueError(f"{what}its header claims {claimed:,} bytes, there are {size - stream.tell():,}")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, Any]:
    """Shape, order and type of the array in a stream, which is left behind the header."""
    version = npy.read_magic(stream)
    if version == (1, 0):
        return npy.read_array_header_1_0(stream)
    return npy.read_array_header_2_0(stream)
