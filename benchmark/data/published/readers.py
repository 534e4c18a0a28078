"""Readers of the published data sets, named in a suite: `reader = "benchmark.data.published.readers:split"`.

Common options: `key`, such as "caltech101"; `sampler`, "official" (default), "nested", "coop-cache" or "cross-modal"
(benchmark.data.published.sampling); `indices`, the folder of the index files of cross_modal_adaptation, for "cross-modal".
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmark.core.asset import Asset
from benchmark.core.digest import JsonDict
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.names import choose
from benchmark.core.settings import Settings
from benchmark.data.published import cafo, inspection, kept_draws, listing, sampling, sets, shards, splits, unsorted_val
from benchmark.data.published import imagenet as classes
from benchmark.data.published.listing import Listing
from benchmark.data.published.photographs import Photographs, Sampler
from benchmark.data.published.sets import Place, PublishedSet, find, get, part


def read(key: str, settings: Settings, **arguments: str) -> Photographs:
    """Open a published data set by its key; `arguments` are passed to the reader of its kind."""
    kind = get(key).kind
    reader = _READERS[READER[kind]]
    named = {} if kind in ("imagenet", "aircraft") else {"key": key}
    return reader(**named, **arguments, settings=settings)


def imagenet(sampler: str = "official", indices: str = "", *, settings: Settings) -> Photographs:
    """ImageNet from train/ and val/ or from shards of them, tested on its validation images.

    Without training images, the data set can be tested on, but a draw raises Incomplete. A missing or foreign folder raises
    Incomplete or BenchError.

    Args:
        sampler: "official", "nested", "coop-cache" or "cross-modal".
        indices: folder of the index files of cross_modal_adaptation, for "cross-modal".
        settings: data root and folders of single data sets.

    Returns:
        The data set.
    """
    known = get("imagenet")
    place = find(known, settings)
    _check_classnames(place)
    train, test = _training(place, settings.cache), _validation(place, settings.cache)
    return Photographs(
        known.key,
        classes.classnames(),
        known.prompt_templates,
        train=train,
        val=listing.nothing(train.root),
        test=test,
        published=known,
        notes=list(filter(None, map(shards.without_names, (train, test)))),
        settings=settings,
        **_sampling(known, place, sampler, indices, settings),
    )


def shift(key: str, *, settings: Settings) -> Photographs:
    """A shift of ImageNet: test images with labels among ImageNet's 1000 classes; raises BenchError for another data set."""
    known = get(key)
    if known.kind not in ("synsets", "numbers"):
        raise BenchError(f"data set {key!r} is no shift of ImageNet; read it with readers:{READER[known.kind]}")
    place = find(known, settings)
    _check_classnames(place)
    held = classes.subset(key) if known.holds_a_part else tuple(range(classes.CLASSES))
    if known.kind == "synsets":
        test = _synsets(place.folder, {classes.synsets()[label]: label for label in held}, settings.cache)
    else:
        test = _numbered(place.folder, settings.cache)
    nothing = listing.nothing(place.folder)
    return Photographs(
        key,
        classes.classnames(),
        known.prompt_templates,
        train=nothing,
        val=nothing,
        test=test,
        sampler=None,
        classes=held if known.holds_a_part else None,
        settings=settings,
    )


def split(key: str, sampler: str = "official", indices: str = "", *, settings: Settings) -> Photographs:
    """One of the nine data sets with a split file of CoOp."""
    return _listed(get(key), "split", sampler, indices, settings)


def fgvc_aircraft(sampler: str = "official", indices: str = "", *, settings: Settings) -> Photographs:
    """FGVC-Aircraft with the split of its authors."""
    return _listed(get("fgvc_aircraft"), "aircraft", sampler, indices, settings)


def look(
    reader: str,
    key: str = "",
    part: str = "",
    count: int = 0,
    deep: bool = False,
    only_test: bool = False,
    *,
    settings: Settings,
    **_: object,
) -> Asset:
    """Inspect the data set of a reader, for `benchmark.exhibits.inventory`.

    Args:
        reader: name of the reader.
        key: key of the data set, for readers of several.
        part: "generated" or "sentences", for what CaFo publishes for the data set instead of its images.
        count: number of generated images a class.
        deep: whether to decode all images.
        only_test: whether to look at the test images alone, for what trains nothing.
        settings: data root and folders of single data sets.
        **_: further options of the reader, ignored.

    Returns:
        The state of the data set.
    """
    known, opened = get(key or reader), partial(read, settings=settings)
    if part:
        found = inspection.look_at_part(known, settings, part, count, deep, opened)
        name, page, licence, noncommercial = PARTS[part].format(known.key), cafo.PAGE, PART_LICENCES[part], False
    else:
        found = inspection.look(known.key, settings, deep, read=opened, only_test=only_test)
        name, page, licence, noncommercial = f"data set {known.key}", known.page, known.licence, known.noncommercial
    return Asset(name, found.state, found.path, found.says, page, licence, noncommercial, found.usable)


PARTS = {"generated": "generated images of {}", "sentences": "sentences for {}"}
PART_LICENCES = {"generated": "", "sentences": "MIT"}
"""CaFo's repository has the MIT licence; none is stated for the images, which are hosted elsewhere."""

READER = {"imagenet": "imagenet", "synsets": "shift", "numbers": "shift", "split": "split", "aircraft": "fgvc_aircraft"}
"""Kind of a published data set -> name of its reader in this module."""

_READERS: dict[str, Callable[..., Photographs]] = {
    reader.__name__: reader for reader in (imagenet, shift, split, fgvc_aircraft)
}


def _listed(known: PublishedSet, kind: str, sampler: str, indices: str, settings: Settings) -> Photographs:
    if known.kind != kind:
        raise BenchError(f"data set {known.key!r} has no split file; read it with readers:{READER[known.kind]}")
    place = find(known, settings)
    said = splits.read(known, place)
    return Photographs(
        known.key,
        said.classnames,
        known.prompt_templates,
        train=listing.as_it_lies(said.train),
        val=listing.as_it_lies(said.val),
        test=listing.as_it_lies(said.test),
        published=known,
        settings=settings,
        **_sampling(known, place, sampler, indices, settings),
    )


def _sampling(known: PublishedSet, place: Place, sampler: str, indices: str, settings: Settings) -> JsonDict:
    samplers: dict[str, Callable[[], Sampler]] = {
        "official": lambda: sampling.official,
        "nested": lambda: sampling.nested,
        "coop-cache": lambda: kept_draws.coop_cache(known, place),
        "cross-modal": lambda: kept_draws.cross_modal(known, settings, indices),
    }
    return {"sampler": samplers[choose(sampler, samplers, "sampler")](), "nested": sampler == "nested"}


# --- ImageNet's folders and shards


def _training(place: Place, cache: Path) -> Listing:
    """ImageNet's training images, in a folder for each synset or in shards; none if there are none."""
    if found := sets.shards(place.folder, "train"):
        return shards.listed(found, "train", cache)
    folder = part(place.folder, "train")
    return _synsets(folder, classes.labels(), cache) if folder else listing.nothing(place.folder / "train")


def _validation(place: Place, cache: Path) -> Listing:
    """ImageNet's validation images, in a folder for each synset, in one heap with a file of their labels, or in shards."""
    if found := sets.shards(place.folder, "val"):
        return shards.listed(found, "val", cache)
    folder = part(place.folder, "val")
    if folder is None:
        raise Incomplete(
            f"{place.folder / 'val'}: no such folder; ImageNet's images lie in train/ and val/, a folder for each synset"
        )
    if listing.heap(folder) and not listing.subfolders(folder, classes.is_synset):
        return unsorted_val.listed(folder, place)
    return _synsets(folder, classes.labels(), cache)


def _synsets(root: Path, wanted: dict[str, int], cache: Path) -> Listing:
    """Images of synset folders; raises Incomplete for missing folders and BenchError for foreign ones."""
    there = listing.subfolders(root, classes.is_synset)
    without = [synset for synset in wanted if synset not in set(there)]
    if without:
        raise Incomplete(
            f"{root}: {len(without)} of {len(wanted)} class folders are missing, the first {without[0]}; "
            + _remedy(root, without[0], "a folder for each synset")
        )
    foreign = [synset for synset in there if synset not in wanted]
    if foreign:
        raise BenchError(
            f"{root}: {foreign[0]} is none of the {len(wanted)} classes; this is another data set's folder"
        )
    return listing.folders(root, {synset: wanted[synset] for synset in there}, cache)


def _numbered(root: Path, cache: Path) -> Listing:
    """Images of folders named by their labels 0 to 999, with or without leading zeros, in numerical order.

    Args:
        root: the folder that holds the class folders.
        cache: folder that keeps the listing.

    Returns:
        The images.

    Raises:
        BenchError: if a label has two folders, such as 7 and 007.
        Incomplete: if folders are missing, or there are others.
    """
    there: dict[int, str] = {}
    for name in listing.subfolders(root, str.isdecimal):
        if there.setdefault(int(name), name) != name:
            raise BenchError(
                f"{root}: holds {there[int(name)]}/ and {name}/ for one class; remove the one that is not meant"
            )
    without = sorted(set(range(classes.CLASSES)) - set(there))
    if without:
        raise Incomplete(
            f"{root}: {len(without)} of 1000 class folders are missing, the first {without[0]}; "
            + _remedy(root, str(without[0]), "folders 0 to 999")
        )
    if max(there) >= classes.CLASSES:
        raise Incomplete(f"{root}: holds {there[max(there)]}/, and classes are 0 to 999; unpack the archive there anew")
    return listing.folders(root, {there[label]: label for label in sorted(there)}, cache)


def _remedy(root: Path, first: str, layout: str) -> str:
    """Remedy for a folder without class folders, of which `first` is the first that is missing."""
    if (root / root.name).is_dir():
        return f"it holds {root.name}/ once more: move what is in that up"
    if (root / f"{first}.tar").is_file():
        return f"it holds {first}.tar: unpack each of these archives into a folder of its name"
    if listing.heap(root):
        return f"its images lie in one heap: sort them into {layout}"
    return f"unpack the whole archive there, {layout}"


def _check_classnames(place: Place) -> None:
    """Raise BenchError if a file classnames.txt differs from the 1000 synsets and names in use."""
    file = place.above("classnames.txt")
    if file is None:
        return
    said = [tuple(line.split(" ", 1)) for line in splits.lines(file)]
    used = list(zip(classes.synsets(), classes.classnames(), strict=True))
    if said != used:
        first = next((s for s, u in zip(said, used, strict=False) if s != u), None)
        what = f"line {said.index(first) + 1} is {' '.join(first)!r}" if first else f"has {len(said)} lines"
        raise BenchError(f"{file}: {what}, which is not CLIP's list of 1000 names; remove the file or take CoOp's")
