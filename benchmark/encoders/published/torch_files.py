"""Files that torch.save has written, as zip archives or, in older versions, as pickles: looked at, then read by torch.load.

torch.load with weights_only runs no code of a file, but unpacks what an archive says and makes what a pickle asks for.
"""

import argparse
import pickle
import re
import warnings
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import torch

from benchmark.core import archives, floors, pickles

_PARTS = 5
"""Pickles before the tensors in a file of older versions: a number, the version, the system, the content, its storages."""

_HEAVY = re.compile(
    r"(builtins|__builtin__)\.bytearray|_codecs\.encode|torch\.(.*\.)?\w*Tensor|.*_rebuild_device_tensor.*"
)
"""Globals that torch.load calls and tensors do not need: they make as many bytes as they are told to, or take hours."""


def load(path: Path, archive: zipfile.ZipFile | None) -> tuple[str, Any]:
    """Read a file of torch.save.

    Args:
        path: The file.
        archive: The opened archive; None for a file of an older version.

    Returns:
        The container format and the content.
    """
    floors.check("torch", path)
    if archive is None:
        _check_pickles(path)
    else:
        _check_archive(archive, path.stat().st_size)
    # MAE, MILAN and DINO store the arguments of the run with the weights, as a Namespace, which is data
    with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=archive is not None)
    return ("torch zip" if archive else "torch pickle"), content


def _check_archive(archive: zipfile.ZipFile, size: int) -> None:
    """Check that tensors are stored as they are, and the rest of an archive and its pickle ask for little."""
    archives.check(archive.infolist(), size)
    for entry in archive.infolist():
        name = entry.filename.lower()  # as torch compares names
        if "/data/" in name and entry.compress_type != zipfile.ZIP_STORED:
            raise zipfile.BadZipFile("compressed tensors, which torch does not write")
        if name.endswith("/data.pkl"):
            with archive.open(entry) as stream:
                _check_pickle(pickles.whole(cast(Any, stream)))


def _check_pickles(path: Path) -> None:
    """Check the pickles at the beginning of a file; UnpicklingError if there are fewer than torch.save writes."""
    stream = pickles.beginning(path)
    if not stream.getbuffer():
        raise EOFError("it is empty")
    for _ in range(_PARTS):
        try:
            _check_pickle(stream)
        except pickles.Excessive:
            raise
        except ValueError as error:
            raise pickle.UnpicklingError(str(error)) from error


def _check_pickle(stream: BytesIO) -> None:
    for name in pickles.names(stream):
        if _HEAVY.fullmatch(name):
            raise pickle.UnpicklingError(f"GLOBAL {name} is not needed for weights")


def first_global(path: Path) -> str | None:
    """The first global that a bare pickle asks for; None if there is none, or the file is no pickle."""
    try:
        return next(pickles.names(pickles.beginning(path)), None)
    except (OSError, ValueError):
        return None
