"""Features on disk: one file a request, or, while it is being made, its shards in a folder beside it.

A shard is written when it is done (a temporary file, renamed), so that an extraction that was stopped goes on where it was,
and several workers share a large one. Once all are there they become the one file that everybody reads: a run maps it into
memory, so that all workers share its pages, and a file that is there is whole.
"""

import json
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from benchmark.core.files import writing

NAME = "features"
TYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.uint8: "U8"}
"""The precisions that features are kept in, as safetensors calls them."""


ABANDONED = 3600
"""Seconds without a write after which a temporary file is of a process that was killed."""


@lru_cache(maxsize=16)
def read(where: Path) -> Tensor:
    """The features in a file, [V, N, D]. The file is mapped: what is not looked at takes no memory."""
    return safetensors.torch.load_file(where)[NAME]


def readable(where: Path) -> bool:
    """Whether there is a file, and it is whole."""
    try:
        about(where)
    except (OSError, SafetensorError, KeyError):
        return False
    return True


def about(where: Path) -> dict[str, str]:
    """What is noted in a file on how it was made. OSError, SafetensorError or KeyError where there is none."""
    with safe_open(where, "pt") as file:
        file.get_slice(NAME)
        return file.metadata() or {}


def shard(where: Path, index: int, of: int) -> Path:
    """Where a shard of a file lies until all are there; the file itself where it has but one."""
    return where if of == 1 else _folder(where) / f"{index:05d}-of-{of:05d}.safetensors"


def there(where: Path, of: int) -> int:
    """How many shards of a file are there."""
    return sum(readable(shard(where, index, of)) for index in range(of)) if _folder(where).is_dir() else 0


def write(where: Path, features: Tensor, notes: Mapping[str, Any]) -> None:
    """Features [V, N, D] into a file, or a shard of one."""
    said = {name: str(value) for name, value in notes.items()}
    with _written(where) as file:
        file.write(safetensors.torch.save({NAME: features.contiguous()}, said))


def join(where: Path, of: int) -> None:
    """Make the file out of its shards, if all are there, view by view: no more than a page of it is in memory."""
    if of == 1 or there(where, of) < of:
        return
    try:
        with ExitStack() as stack:
            parts = [stack.enter_context(safe_open(shard(where, i, of), "pt")) for i in range(of)]
            with _written(where) as file:
                _join([part.get_tensor(NAME) for part in parts], [part.metadata() or {} for part in parts], file)
    except (OSError, SafetensorError):
        if not readable(where):  # else another worker, who finished at the same time, joined and tidied up
            raise
    shutil.rmtree(_folder(where), ignore_errors=True)


def _join(parts: Sequence[Tensor], notes: Sequence[Mapping[str, str]], file: BinaryIO) -> None:
    views, _, *rest = parts[0].shape
    size = sum(part.nbytes for part in parts)
    about_it = {"dtype": TYPES[parts[0].dtype], "data_offsets": [0, size]}
    shape = [views, sum(part.shape[1] for part in parts), *rest]
    header = json.dumps({"__metadata__": _together(notes), NAME: {**about_it, "shape": shape}}).encode()
    header += b" " * (-len(header) % 8)
    file.write(len(header).to_bytes(8, "little") + header)
    for v in range(views):
        for part in parts:
            file.write(part[v].contiguous().view(torch.uint8).numpy().data)


def _together(notes: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The notes of all shards: seconds added up, the rest as the first says."""
    return {**notes[0], "seconds": str(round(sum(float(note.get("seconds", 0)) for note in notes), 3))}


def tidy(folder: Path) -> None:
    """Remove what nobody finishes: temporary files without a write for an hour, shards of files that are there."""
    for temporary in folder.glob(".*.tmp"):
        with suppress(OSError):  # its writer may be at it
            if time.time() - temporary.stat().st_mtime > ABANDONED:
                temporary.unlink()
    for left in folder.glob("*.shards"):
        if readable(left.with_suffix(".safetensors")):
            shutil.rmtree(left, ignore_errors=True)


def _folder(where: Path) -> Path:
    return where.with_suffix(".shards")


@contextmanager
def _written(where: Path) -> Iterator[BinaryIO]:
    """A file that is there when it is whole and not before, whatever happens meanwhile."""
    temporary = where.with_name(f".{where.name}.{secrets.token_hex(8)}.tmp")
    with writing("cache", where.parent, "BENCH_CACHE"):
        where.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                yield file
            temporary.replace(where)
        finally:
            temporary.unlink(missing_ok=True)
