"""What there is of a published data set: enough to begin a run, or, after a deep look, every image."""

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
from benchmark.data.published import cafo, decoding, sets
from benchmark.data.published.listing import Listing
from benchmark.data.published.photographs import Photographs
from benchmark.data.published.sets import Place, PublishedSet

Read = Callable[[str], Photographs]
"""Key of a published data set -> the data set, opened (`benchmark.data.published.readers.read`)."""


@dataclass(frozen=True)
class Found:
    """What there is for a data set: its state (`benchmark.core.asset`), the folder, and what there is to say in one line."""

    known: PublishedSet
    state: str
    path: Path | None
    says: str = ""

    @property
    def usable(self) -> bool:
        """Whether a run can begin."""
        return self.state in USABLE


def look(key: str, deep: bool = False, *, read: Read) -> Found:
    """What there is for a published data set; it raises for nothing but a key that there is not.

    It reads the lists and folders as a run does, and opens the first and the last image of each split. `deep` also
    compares every count with the published one and decodes every image, which takes hours for ImageNet.
    """
    known = sets.get(key)
    try:
        place = sets.find(known)
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
    except Exception as error:  # an examination goes on whatever it meets
        return Found(known, INCOMPLETE, place.folder, f"{place.folder}: {type(error).__name__}: {error}")


def _looked_into(known: PublishedSet, place: Place, deep: bool, read: Read) -> Found:
    dataset = read(known.key)
    splits = {name: getattr(dataset, name) for name in known.counts}
    lacks = _empty(splits) or _unreadable([path for listed in splits.values() for path in _ends(listed)])
    if deep and not lacks:
        lacks = "; ".join(filter(None, [_counts(dataset, known), _decoded(dataset)]))
    if lacks:
        note = f" ({known.note})" if known.note else ""
        return Found(known, INCOMPLETE, place.folder, f"{lacks}; published at {known.page}{note}")
    return Found(known, ALIAS if place.alias else OK, place.folder)


def _empty(splits: dict[str, Listing]) -> str:
    return next((f"{listed.root}: has no images" for listed in splits.values() if not len(listed)), "")


def _ends(listed: Listing) -> list[Path]:
    return [listed.path(0), listed.path(len(listed) - 1)]


def _unreadable(paths: list[Path]) -> str:
    """What the first file that cannot be read says of itself, or "": none."""
    for path in paths:
        try:
            decoding.read(path)
        except BenchError as error:
            return str(error)
    return ""


def _counts(dataset: Photographs, known: PublishedSet) -> str:
    """How a split differs from the published one in size, or its classes from each other; "" where all is as it should."""
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
"""Test images of every class, where all have as many."""


def _decoded(dataset: Photographs) -> str:
    """How many images cannot be read and what the first says; "" where all can."""
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


BLOCK = 256
"""Images that a thread decodes at a time."""


def _broken(listed: Listing, places: range) -> list[str]:
    """What the images that cannot be read say of themselves."""
    says = []
    for place in places:
        try:
            decoding.check(listed.path(place))
        except BenchError as error:
            says.append(str(error))
    return says


def look_at_part(known: PublishedSet, part: str, count: int, deep: bool, read: Read) -> Found:
    """The same of what CaFo publishes beside a data set: "generated", `count` images of each class, or "sentences"."""
    try:
        path = cafo.generated_folder(known) if part == "generated" else cafo.prompts(known)
    except Incomplete as error:
        return Found(known, MISSING, None, str(error))
    if not path.exists():
        return Found(known, MISSING, path, f"{path}: no such folder; CaFo publishes it: {cafo.PAGE}")
    try:
        _looked_into_part(known, part, count, deep, read)
    except Incomplete as error:
        return Found(known, INCOMPLETE, path, str(error))
    except BenchError as error:
        return Found(known, WRONG, path, str(error))
    return Found(known, OK, path)


def _looked_into_part(known: PublishedSet, part: str, count: int, deep: bool, read: Read) -> None:
    """Raises what is wrong with it. Sentences are compared with class names only where the data set is here too."""
    if part == "sentences":
        try:
            classnames = read(known.key).classnames
        except BenchError:
            classnames = ()
        cafo.sentences(known, classnames)
        return
    listed = cafo.first_of_each(cafo.generated_list(known, known.classes), count)
    broken = _broken(listed, range(len(listed))) if deep else [_unreadable(_ends(listed))]
    if any(broken):
        raise Incomplete(broken[0])
