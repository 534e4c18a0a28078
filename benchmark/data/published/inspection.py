"""Inspection of a published data set on disk: quick, to see whether a run can begin, or deep, of every image."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmark.core.asset import ALIAS, INCOMPLETE, LARGER, MISSING, OK, USABLE, WRONG
from benchmark.core.cores import cores
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.settings import Settings
from benchmark.data.published import cafo, counts, decoding, sets
from benchmark.data.published.faults import Unreadable, told
from benchmark.data.published.listing import Listing
from benchmark.data.published.photographs import Photographs
from benchmark.data.published.sets import Place, PublishedSet

Read = Callable[[str], Photographs]
"""A function from the key of a published data set to the data set (`benchmark.data.published.readers.read`)."""


@dataclass(frozen=True)
class Found:
    """Result of an inspection: state (`benchmark.core.asset`), folder, and a message of one line.

    readable: whether a data set in a state of problems can be read nevertheless, as one that lacks some images.
    """

    known: PublishedSet
    state: str
    path: Path | None
    says: str = ""
    readable: bool = False

    @property
    def usable(self) -> bool:
        """Whether a run on the data set can begin."""
        return self.readable or self.state in USABLE


def look(key: str, settings: Settings, deep: bool = False, *, read: Read, only_test: bool = False) -> Found:
    """Inspect a published data set: read its lists and folders as a run does, count, and open two images a split.

    Problems of the data set are reported in the result; an unknown key raises BenchError. A data set of another number of
    images than published is incomplete or larger, and can be read.

    Args:
        key: key of the data set in sets.toml.
        settings: data root and folders of single data sets.
        deep: whether to decode all images, which takes hours for ImageNet.
        read: opens the data set.
        only_test: whether to look at the test images alone, for what trains nothing.

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
        return _looked_into(known, place, deep, read, only_test)
    except Incomplete as error:
        return Found(known, INCOMPLETE, place.folder, str(error))
    except BenchError as error:
        return Found(known, WRONG, place.folder, str(error))
    except Exception as error:  # an inspection continues with the next data set
        return Found(known, INCOMPLETE, place.folder, f"{place.folder}: {type(error).__name__}: {error}")


def _looked_into(known: PublishedSet, place: Place, deep: bool, read: Read, only_test: bool) -> Found:
    dataset = read(known.key)
    names = ["test"] if only_test else list(known.counts)
    lists: dict[str, Listing] = {name: getattr(dataset, name) for name in names}
    ends = [(listed, place) for listed in lists.values() for place in (0, len(listed) - 1)]
    broken = _empty(lists) or next(filter(None, (_unreadable(listed, place) for listed, place in ends)), "")
    if not broken:
        dataset.fingerprint  # noqa: B018 - looks at all files of lists that are identified by their bytes
    if deep and not broken:
        broken = read_all(dataset, list(lists.values()))
    differs = counts.differences(known, {name: listed for name, listed in lists.items() if len(listed)})
    if broken or differs:
        state = LARGER if not broken and counts.larger(known, lists) else INCOMPLETE
        note = f" ({known.note})" if known.note else ""
        says = f"{'; '.join(filter(None, [broken, differs]))}; published at {known.page}{note}"
        return Found(known, state, place.folder, says, readable=not broken)
    elsewhere = place.alias or any(listed.doubled for listed in lists.values())
    return Found(known, ALIAS if elsewhere else OK, place.folder, _in_shards(known, lists.values()))


def _in_shards(known: PublishedSet, lists: Iterable[Listing]) -> str:
    """Number and folders of the shards that a data set is read from, in words; "" for one in folders."""
    said = [f"{len(listed.shards.files)} in {listed.root}" for listed in lists if listed.shards]
    return f"read from shards without unpacking, {', '.join(said)}; {known.page} ({known.licence})" if said else ""


def _empty(lists: Mapping[str, Listing]) -> str:
    """The message on the first split without images; "" if all have some."""
    empty = next((name for name, listed in lists.items() if not len(listed)), None)
    if empty is None:
        return ""
    more = "; what trains nothing (zero-shot rows, bench evaluate-adapter) runs without" if empty == "train" else ""
    return f"{lists[empty].root}: has no images{more}"


def _unreadable(listed: Listing, place: int) -> str:
    """The message on an image that cannot be read; "" if it can."""
    try:
        decoding.read(listed.stored(place))
    except Incomplete as error:
        return _elsewhere(listed.root, listed.name(place)) or str(error)
    except BenchError as error:
        return str(error)
    return ""


def _elsewhere(root: Path, name: str) -> str:
    """The message on a listed file that lies one folder deeper, or has other letters; "" if it lies in neither place."""
    first = Path(name).parts[0]
    if (root / first / name).is_file():
        return f"{root / first}: holds {first}/ once more; move what is in {root / first / first} up into it"
    there = sets.spelled(root, name)
    return f"{root / name}: no such file, but it is listed; rename {there}, which is there" if there else ""


def _decoded(name: str, lists: Sequence[Listing]) -> str:
    """The message on all unreadable images; "" if all are readable."""
    orders = [(listed, listed.order(np.arange(len(listed)))) for listed in lists]
    blocks = [
        (listed, order[first : first + BLOCK].tolist())
        for listed, order in orders
        for first in range(0, len(order), BLOCK)
    ]
    total, broken = sum(len(places) for _, places in blocks), list[Unreadable]()
    bar = tqdm(total=total, desc=name, unit=" images", disable=not sys.stderr.isatty(), leave=False)
    with ThreadPoolExecutor(cores()) as pool, bar:
        for (_, places), says in zip(blocks, pool.map(_broken, *zip(*blocks, strict=True)), strict=True):
            broken += says
            bar.update(len(places))
    return told(broken, total) if broken else ""


def read_all(dataset: Photographs, lists: Sequence[Listing] = ()) -> str:
    """Read and decode every image of a data set.

    Args:
        dataset: The data set.
        lists: Some of its lists, if not all of them.

    Returns:
        One line on files that changed since they were first read and on images that cannot be decoded; "" if there are none.
    """
    lists = lists or (dataset.train, dataset.val, dataset.test)
    changed = [path for listed in lists for path in listed.changed(dataset.settings.cache)]
    says = [
        f"{len(changed):,} files have other content than when they were first read, the first {path}; "
        "bench run --rerun encodes and measures them again"
        for path in changed[:1]
    ]
    return "; ".join(filter(None, [*says, _decoded(dataset.key, lists)]))


BLOCK = 256
"""Images in a unit of work of a thread."""


def _broken(listed: Listing, places: Iterable[int]) -> list[Unreadable]:
    """The faults of the unreadable images among those at `places`."""
    return decoding.faults_of([listed.stored(place) for place in places])


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
    broken = _broken(listed, range(len(listed))) if deep else []
    ends = [] if deep else [_unreadable(listed, place) for place in (0, len(listed) - 1)]
    says = told(broken, len(listed)) if broken else next(filter(None, ends), "")
    if says:
        raise Incomplete(says)
