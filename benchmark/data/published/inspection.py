"""Inspection of a published data set on disk: quick, to see whether a run can begin, or deep, of every image."""

import os
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from benchmark.core.asset import ALIAS, INCOMPLETE, MISSING, OK, USABLE, WRONG
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.settings import Settings
from benchmark.data.published import cafo, decoding, sets
from benchmark.data.published.listing import Listing
from benchmark.data.published.photographs import Photographs
from benchmark.data.published.sets import Place, PublishedSet

Read = Callable[[str], Photographs]
"""A function from the key of a published data set to the data set (`benchmark.data.published.readers.read`)."""


@dataclass(frozen=True)
class Found:
    """Result of an inspection: state (`benchmark.core.asset`), folder, and a message of one line."""

    known: PublishedSet
    state: str
    path: Path | None
    says: str = ""

    @property
    def usable(self) -> bool:
        """Whether a run on the data set can begin."""
        return self.state in USABLE


def look(key: str, settings: Settings, deep: bool = False, *, read: Read) -> Found:
    """Inspect a published data set: read its lists and folders as a run does, and open the first and last image a split.

    Problems of the data set are reported in the result; an unknown key raises BenchError.

    Args:
        key: key of the data set in sets.toml.
        settings: data root and folders of single data sets.
        deep: whether to compare all counts with the published ones and decode all images, which takes hours for ImageNet.
        read: opens the data set.

    Returns:
        The result.
    """
    known = sets.get(key)
    try:
        place = sets.find(known, settings)
    except Incomplete as error:
        return Found(known, MISSING, None, str(error))
    except BenchError as error:
        return Found(known, WRONG, None, str(error))
    except OSError as error:
        return Found(known, INCOMPLETE, None, f"data set {key}: {error}")
    try:
        return _looked_into(known, place, deep, read)
    except Incomplete as error:
        return Found(known, INCOMPLETE, place.folder, str(error))
    except BenchError as error:
        return Found(known, WRONG, place.folder, str(error))
    except Exception as error:  # an inspection continues with the next data set
        return Found(known, INCOMPLETE, place.folder, f"{place.folder}: {type(error).__name__}: {error}")


def _looked_into(known: PublishedSet, place: Place, deep: bool, read: Read) -> Found:
    dataset = read(known.key)
    splits = {name: getattr(dataset, name) for name in known.counts}
    lacks = _empty(splits) or _unreadable([path for listed in splits.values() for path in _ends(listed)])
    dataset.fingerprint  # noqa: B018 - looks at all files of lists that are identified by their bytes
    if deep and not lacks:
        lacks = "; ".join(filter(None, [_counts(dataset, known), read_all(dataset)]))
    if lacks:
        note = f" ({known.note})" if known.note else ""
        return Found(known, INCOMPLETE, place.folder, f"{lacks}; published at {known.page}{note}")
    return Found(known, ALIAS if place.alias else OK, place.folder)


def _empty(splits: dict[str, Listing]) -> str:
    return next((f"{listed.root}: has no images" for listed in splits.values() if not len(listed)), "")


def _ends(listed: Listing) -> list[Path]:
    return [listed.path(0), listed.path(len(listed) - 1)]


def _unreadable(paths: list[Path]) -> str:
    """The message on the first unreadable file; "" if all are readable."""
    for path in paths:
        try:
            decoding.read(path)
        except BenchError as error:
            return str(error)
    return ""


def _counts(dataset: Photographs, known: PublishedSet) -> str:
    """The message on a split or class with another number of images than published; "" if all numbers agree."""
    for name, published in known.counts.items():
        listed: Listing = getattr(dataset, name)
        if len(listed) != published:
            return f"{listed.root}: {name} has {len(listed):,} images, published are {published:,}"
    if known.key in EQUAL:
        label, count = Counter(dataset.test.labels.tolist()).most_common()[-1]
        if count != EQUAL[known.key]:
            return f"{dataset.test.root}: class {label} has {count} images, published are {EQUAL[known.key]}"
    return ""


EQUAL = {"imagenet": 50, "imagenetv2": 10}
"""Test images a class, for data sets with equal numbers in all classes."""


def _decoded(dataset: Photographs) -> str:
    """The number of unreadable images and the message on the first; "" if all are readable."""
    blocks = [
        (listed, range(first, min(first + BLOCK, len(listed))))
        for listed in (dataset.train, dataset.val, dataset.test)
        for first in range(0, len(listed), BLOCK)
    ]
    total, broken = sum(len(places) for _, places in blocks), []
    bar = tqdm(total=total, desc=dataset.key, unit=" images", disable=not sys.stderr.isatty(), leave=False)
    with ThreadPoolExecutor(os.cpu_count()) as pool, bar:
        for (_, places), says in zip(blocks, pool.map(_broken, *zip(*blocks, strict=True)), strict=True):
            broken += says
            bar.update(len(places))
    return f"{len(broken):,} of {total:,} images cannot be read, the first {broken[0]}" if broken else ""


def read_all(dataset: Photographs) -> str:
    """Read and decode every image of a data set.

    Args:
        dataset: The data set.

    Returns:
        One line on files that changed since they were first read and on images that cannot be decoded; "" if there are none.
    """
    lists = (dataset.train, dataset.val, dataset.test)
    changed = [path for listed in lists for path in listed.changed(dataset.settings.cache)]
    says = [
        f"{len(changed):,} files have other content than when they were first read, the first {path}; "
        "bench run --rerun encodes and measures them again"
        for path in changed[:1]
    ]
    return "; ".join(filter(None, [*says, _decoded(dataset)]))


BLOCK = 256
"""Images in a unit of work of a thread."""


def _broken(listed: Listing, places: range) -> list[str]:
    """Messages on the unreadable images among those at `places`."""
    says = []
    for place in places:
        try:
            decoding.check(listed.path(place))
        except BenchError as error:
            says.append(str(error))
    return says


def look_at_part(known: PublishedSet, settings: Settings, part: str, count: int, deep: bool, read: Read) -> Found:
    """Inspect the generated images (`count` a class) or the sentences that CaFo publishes for a data set."""
    try:
        path = cafo.generated_folder(known, settings) if part == "generated" else cafo.prompts(known, settings)
    except Incomplete as error:
        return Found(known, MISSING, None, str(error))
    if not path.exists():
        return Found(known, MISSING, path, f"{path}: no such folder; CaFo publishes it: {cafo.PAGE}")
    try:
        _looked_into_part(known, settings, part, count, deep, read)
    except Incomplete as error:
        return Found(known, INCOMPLETE, path, str(error))
    except BenchError as error:
        return Found(known, WRONG, path, str(error))
    return Found(known, OK, path)


def _looked_into_part(known: PublishedSet, settings: Settings, part: str, count: int, deep: bool, read: Read) -> None:
    """Raise Incomplete or BenchError for a problem; sentences are compared with class names if the data set is here."""
    if part == "sentences":
        try:
            classnames = read(known.key).classnames
        except BenchError:
            classnames = ()
        cafo.sentences(known, classnames, settings)
        return
    listed = cafo.first_of_each(cafo.generated_list(known, known.classes, settings), count)
    broken = _broken(listed, range(len(listed))) if deep else [_unreadable(_ends(listed))]
    if any(broken):
        raise Incomplete(broken[0])
