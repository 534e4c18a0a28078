"""Files of features: one file for each request, which is written in shards while features are extracted.

A shard contains the features of some of the images. Each shard is written to a temporary file and then renamed, so that an
interrupted extraction continues with the next shard, and several workers can share a large request. When all shards of a
request exist, they are joined to one file. Runs map this file into memory, so that all workers share its pages.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from benchmark.core import files
from benchmark.core.digest import Json
from benchmark.core.files import written_whole

NAME = "features"
TYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.uint8: "U8"}
"""Precisions of features -> their names in safetensors."""


@lru_cache(maxsize=16)
def read(where: Path) -> Tensor:
    """Features in a file, [V, N, D], mapped into memory, so that only accessed parts take memory."""
    return safetensors.torch.load_file(where)[NAME]


def readable(where: Path) -> bool:
    """Whether a file exists and is complete."""
    try:
        about(where)
    except (OSError, SafetensorError, KeyError):
        return False
    return True


def about(where: Path) -> dict[str, str]:
    """Notes in a file on how it was made; OSError, SafetensorError or KeyError if the file is missing or incomplete."""
    with _opened(where) as file:
        file.get_slice(NAME)
        return file.metadata() or {}


def _opened(where: Path) -> safe_open:
    """A file for its notes and tensors; FileNotFoundError where it is missing, or is removed while it is opened."""
    try:
        return safe_open(where, "pt")
    except RuntimeError as error:  # of PyTorch, which maps the file by its name after safetensors has opened it
        if where.exists():
            raise
        raise FileNotFoundError(f"{where}: was removed by another process") from error


def shard(where: Path, index: int, of: int) -> Path:
    """Path of shard `index` of `of` of a file; the file itself if it has only one shard."""
    return where if of == 1 else _folder(where) / f"{index:05d}-of-{of:05d}.safetensors"


def there(where: Path, of: int) -> int:
    """Number of existing shards of a file, out of `of`."""
    return sum(readable(shard(where, index, of)) for index in range(of)) if _folder(where).is_dir() else 0


def write(where: Path, features: Tensor, notes: Json) -> None:
    """Write features [V, N, D] and notes to a file or to a shard of one."""
    said = {name: str(value) for name, value in notes.items()}
    with written_whole("cache", where, "BENCH_CACHE") as file:
        file.write(safetensors.torch.save({NAME: features.contiguous()}, said))


def join(where: Path, of: int) -> None:
    """Join the shards of a file if all exist, view by view and from mapped memory, and remove them."""
    if of == 1 or there(where, of) < of:
        return
    try:
        with ExitStack() as stack:
            parts = [stack.enter_context(_opened(shard(where, i, of))) for i in range(of)]
            with written_whole("cache", where, "BENCH_CACHE") as file:
                _join([part.get_tensor(NAME) for part in parts], [part.metadata() or {} for part in parts], file)
    except (OSError, SafetensorError):
        if not readable(where):  # a readable file was joined by another worker that finished at the same time
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
    """Notes of a joined file: the sum of the shards' seconds, the content of each, and all else from the first shard."""
    seconds = sum(float(note.get("seconds", 0)) for note in notes)
    content = " ".join(note.get("content", "") for note in notes).strip()
    return {**notes[0], **({"content": content} if content else {}), "seconds": str(round(seconds, 3))}


def tidy(folder: Path) -> None:
    """Remove temporary files of killed processes, and shards of files that were joined."""
    for place in (folder, *folder.glob("*.shards")):
        files.tidy(place)
    for left in folder.glob("*.shards"):
        if readable(left.with_suffix(".safetensors")):
            shutil.rmtree(left, ignore_errors=True)


def _folder(where: Path) -> Path:
    return where.with_suffix(".shards")
