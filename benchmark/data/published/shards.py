"""ImageNet from shards: parquet files as on Hugging Face's hub, or tar archives in WebDataset's form; nothing is unpacked.

The images get the names that they have in the published folders, n01440764/n01440764_10026.JPEG, and the order of these. So
the same images in folders, in parquet and in tar are the same data set: the same ids, draws, fingerprint and features. That
needs the published names in the shards. Where these are lost, images are in the order of the shards within each class.
"""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmark.core.contents import READERS
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.text import counted
from benchmark.data.published import imagenet, listing, shard_index, shard_names
from benchmark.data.published.listing import Listing
from benchmark.data.published.shard_index import Sample
from benchmark.data.published.stored import Shards

PUBLISHED = re.compile(r"((n[0-9]{8})_[0-9]+|ILSVRC2012_val_[0-9]{8})(?:_(n[0-9]{8}))?")
"""Name of an image without its ending; Hugging Face's has its synset behind it."""

MOST = 100_000
"""Largest number of shards of one part."""


def listed(found: Sequence[Path], part: str, cache: Path) -> Listing:
    """List the images of shards, in the order of their labels and names; what is read of the shards is cached.

    Missing shards raise Incomplete. A shard that cannot be read or is not of ImageNet, and an image that is in them twice,
    raise BenchError.

    Args:
        found: The shards of one part of ImageNet, all in one folder.
        part: The part, "train" or "val".
        cache: Folder that keeps the listing.

    Returns:
        The images.
    """
    _check_numbers(found, part)
    folder = found[0].parent
    stamps = [(f"{file.name} {about.st_size}", about.st_mtime_ns) for file in found for about in [file.stat()]]
    rows = listing.remembered(folder / f"shards of {part}", stamps, cache, lambda: _rows(found, part))
    return Listing(
        folder, np.ascontiguousarray(rows["name"]), rows["label"].astype(np.int64), shards=Shards(found, rows)
    )


def without_names(images: Listing) -> str:
    """A remark on images in shards that have lost the names of their files; "" if they have them, or lie in folders."""
    if images.shards is None or np.char.endswith(images.names, b".JPEG").all():
        return ""
    return (
        f"{images.root}: its shards do not say which files their images were; "
        "draws take other images than from the published files"
    )


def _check_numbers(found: Sequence[Path], part: str) -> None:
    """Raise BenchError for shards of several sets, and Incomplete for missing ones."""
    named = [one for file in found if (one := shard_names.NUMBERED.fullmatch(file.name))]
    kinds = {(one["stem"], one["of"], one["kind"]): file for one, file in zip(named, found, strict=True)}
    folder, several = found[0].parent, list(kinds.values())
    if len(kinds) > 1:
        names = f"{several[0].name} and {several[1].name}"
        raise BenchError(f"{folder}: holds shards of {part} of {len(kinds)} sets, such as {names}; leave one set there")
    numbers = {int(one["number"]) for one in named}
    first, count = _expected(numbers, int(named[0]["count"] or 0))
    without = sorted(set(range(first, first + min(count, MOST))) - numbers)
    if without:
        one = named[0]
        name = f"{one['stem'] or ''}{without[0]:0{len(one['number'])}}{one['of'] or ''}.{one['kind']}"
        raise Incomplete(
            f"{folder / name}: no such file, the first of {len(without):,} missing shards of {count:,} of {part}; "
            "copy them there from where the others came"
        )


def _expected(numbers: set[int], count: int) -> tuple[int, int]:
    """The first number and the number of shards, which begin at 0 or 1; `count` is the number in their names, or 0."""
    if count:
        return int(0 not in numbers and count in numbers), count
    first = min(1, *numbers)
    return first, max(numbers) + 1 - first


def _rows(found: Sequence[Path], part: str) -> np.ndarray:
    """Names, labels and places of all images, structured [N], in the order of their names, which begin with the synset."""
    bar = tqdm(total=len(found), desc=f"reading shards of {part} once", unit=" shards", leave=False, delay=1)
    bar.disable = bar.disable or not sys.stderr.isatty()
    parts: list[np.ndarray] = []
    with ThreadPoolExecutor(READERS, thread_name_prefix="shards") as pool, bar:
        for rows in pool.map(_read, range(len(found)), found):
            parts.append(rows)
            bar.update(1)
    rows = np.concatenate(parts)
    if not len(rows):
        raise BenchError(
            f"{found[0].parent}: no images in its {counted(len(found), 'shard')} of {part}; copy them again"
        )
    rows = rows[np.argsort(rows["name"], kind="stable")]
    twice = np.flatnonzero(rows["name"][1:] == rows["name"][:-1])
    if len(twice):
        first, second = (Shards(found, rows).place(int(twice[0]) + i) for i in (0, 1))
        raise BenchError(f"{second}: is the same image as {first}, by its name; leave one set of shards there")
    return rows


def _published(sample: Sample) -> str | None:
    """Path of an image in the published folders; None if its name is another, BenchError for a foreign label."""
    if not 0 <= sample.label < imagenet.CLASSES:
        raise BenchError(
            f"{sample.place}: has label {sample.label}, and ImageNet's are 0 to 999; take ImageNet's shards"
        )
    synset = imagenet.synsets()[sample.label]
    name = PUBLISHED.fullmatch(sample.name)
    if name is None:
        return None
    said = name[3] or name[2] or synset
    if said != synset:
        raise BenchError(
            f"{sample.place}: has label {sample.label}, of {synset}, and a name of {said}; "
            "the labels are not in the order of the synsets"
        )
    return f"{synset}/{name[1]}.JPEG"


def _read(number: int, shard: Path) -> np.ndarray:
    """The images of a shard, structured [N]; unless all have published names, each is called by class, shard and place."""
    samples = shard_index.read(shard)
    names = [_published(sample) for sample in samples]
    if None in names:
        classes = [imagenet.synsets()[sample.label] for sample in samples]
        names = [f"{synset}/{shard.stem}-{place:08}" for place, synset in enumerate(classes)]
    columns = {
        "name": _bytes(name or "" for name in names),
        "label": np.array([sample.label for sample in samples], dtype="<i8"),
        "shard": np.full(len(samples), number, dtype="<i4"),
        "at": np.array([sample.place.at for sample in samples], dtype="<i8"),
        "extent": np.array([sample.place.extent for sample in samples], dtype="<i8"),
        "member": _bytes(sample.place.member for sample in samples),
    }
    rows = np.empty(len(samples), dtype=[(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        rows[name] = column
    return rows


def _bytes(texts: Iterable[str]) -> np.ndarray:
    encoded = [os.fsencode(text) for text in texts]
    return np.array(encoded, dtype=np.bytes_ if any(encoded) else "S1")
