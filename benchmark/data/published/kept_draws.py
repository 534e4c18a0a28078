"""Published few-shot draws: the cached splits of CoOp and the index files of cross_modal_adaptation.

Both name images by paths on another machine, so images are identified by the end of their path. CoOp's files are pickles; the
unpickler here knows one inert class and refuses all other globals, so that no code in a pickle runs.
"""

import pickle
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmark.core import pickles, regular
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.files import read_json
from benchmark.core.paths import expanded
from benchmark.core.settings import Settings
from benchmark.data.dataset import Draw
from benchmark.data.published import sampling
from benchmark.data.published.listing import LONGEST, Listing
from benchmark.data.published.photographs import Sampler
from benchmark.data.published.sets import Place, PublishedSet

MOST = 10**6
"""Classes of the largest data set and more, so that a label is a number that can be printed."""

INDICES = "https://github.com/linzhiqiu/cross_modal_adaptation"
OTHER_NAMES = {"flowers102": "oxford_flowers"}
"""Names of data sets in cross_modal_adaptation, where they differ from the keys here."""


class Item(NamedTuple):
    """An image of a published list."""

    path: str
    label: int


Lists = dict[str, list[Item]]
"""Items of "train" and, if the file has them, of "val"."""


def coop_cache(known: PublishedSet, place: Place) -> Sampler:
    """Sampler of CoOp's cached draws: split_fewshot/shot_{K}-seed_{s}.pkl in the data set's folder or one above it."""

    def find(name: str) -> Path:
        file = place.above(f"split_fewshot/{name}.pkl")
        if file is None:
            wanted = place.own / "split_fewshot" / f"{name}.pkl"
            raise Incomplete(
                f'data set {known.key}: {wanted}: no such file; CoOp writes it, sampler = "official" needs none'
            )
        return file

    return _sampler(find, read_cache)


def cross_modal(known: PublishedSet, settings: Settings, indices: str = "") -> Sampler:
    """Sampler of the draws of cross_modal_adaptation: <indices>/<data set>/shot_{K}-seed_{s}.json.

    The sampler raises Incomplete for a missing file.

    Args:
        known: the data set.
        settings: data root and `indices` of [data] paths.
        indices: folder of the index files; "" for `indices` of [data] paths in bench.toml, or else in the data root.

    Returns:
        The sampler.
    """

    def find(name: str) -> Path:
        folder = expanded(indices) if indices else _indices(settings)
        called = [OTHER_NAMES.get(known.key, known.key), known.key]
        files = [folder / key / f"{name}.json" for key in called]
        file = next((file for file in files if file.is_file()), None)
        if file is None:
            raise Incomplete(
                f"data set {known.key}: {files[0]}: no such file; it is published at {INDICES}, folder indices"
            )
        return file

    return _sampler(find, read_indices)


def _indices(settings: Settings) -> Path:
    return settings.data_paths.get("indices") or (settings.data_root or Path()) / "indices"


def _sampler(find: Callable[[str], Path], read: Callable[[Path], Lists]) -> Sampler:
    def draw(train: Listing, val: Listing, shots: int, seed: int) -> Draw:
        if shots == 0:
            return sampling.official(train, val, 0, seed)
        file = find(f"shot_{shots}-seed_{seed}")
        return _matched(file, read(file), train, val, shots, seed)

    return draw


def _matched(file: Path, lists: Lists, train: Listing, val: Listing, shots: int, seed: int) -> Draw:
    """The draw of a published list, matched to the split; validation images missing in the list are drawn from the rest."""
    images = _Images(train, val)
    support = images.ids(file, lists["train"])
    if "val" in lists:
        return sampling.drawn(support, images.ids(file, lists["val"]))
    source = val.labels if len(val) else train.labels
    groups = sampling.by_class(source, len(train) if len(val) else 0).values()
    rest = [group[~np.isin(group, support)] for group in groups]
    return sampling.drawn(support, sampling.validation(random.Random(seed), rest, shots))


class _Images:
    """Index of the training and validation images by label and the end of the path."""

    def __init__(self, train: Listing, val: Listing) -> None:
        self.parts = [(train, sampling.by_class(train.labels), 0), (val, sampling.by_class(val.labels), len(train))]
        self.named: dict[int, dict[str, int]] = {}

    def ids(self, file: Path, items: Iterable[Item]) -> np.ndarray:
        """Ids of items, int64 [N]; raises BenchError for an item that matches no image of its class."""
        return np.array([self._id(file, item) for item in items], dtype=np.int64)

    def _id(self, file: Path, item: Item) -> int:
        names = self._names(item.label)
        parts = item.path.replace("\\", "/").split("/")
        tails = ("/".join(parts[first:]) for first in range(len(parts)))
        found = next((names[tail] for tail in tails if tail in names), None)
        if found is None:
            raise BenchError(
                f"{file}: {item.path} is no image of class {item.label} in the split; "
                'the list was drawn from another one: remove it, or take sampler = "official"'
            )
        return found

    def _names(self, label: int) -> dict[str, int]:
        if label not in self.named:
            self.named[label] = {
                part.name(i): first + i
                for part, groups, first in self.parts
                if label in groups
                for i in groups[label].tolist()
            }
        return self.named[label]


# --- CoOp's pickles


class _Datum:
    """Inert stand-in for the class Datum of Dassl, which keeps its attributes."""


class _Unpickler(pickle.Unpickler):
    """An unpickler that refuses all globals except Datum, so that a pickle cannot call a function."""

    def find_class(self, module: str, name: str) -> Any:
        if name == "Datum":
            return _Datum
        raise _ForeignError(f"{module}.{name}")


class _ForeignError(Exception):
    """A pickle needs a global other than Datum."""


def read_cache(file: Path) -> Lists:
    """Items of a pickle of CoOp, read without running code in it; raises BenchError for any other file."""
    try:
        with regular.opened(file) as stream:
            said = _Unpickler(pickles.check(pickles.whole(stream))).load()
    except _ForeignError as error:
        raise BenchError(
            f"{file}: asks for {error}, so it is no list of CoOp's; nothing of it was run: remove it"
        ) from error
    except Exception as error:  # a broken pickle raises exceptions of many types
        raise BenchError(f"{file}: cannot be read as one of CoOp's pickles ({error}); remove it") from error
    return _lists(file, said, _of_datum)


def _of_datum(datum: object) -> Item | None:
    kept = vars(datum) if isinstance(datum, _Datum) else {}
    match kept:
        case {"_impath": str(path), "_label": int(label)}:
            return _item(path, label)
    return None


# --- cross_modal_adaptation's index files


def read_indices(file: Path) -> Lists:
    """Items of an index file of cross_modal_adaptation; raises BenchError for any other file.

    Args:
        file: JSON, {"train": {"data": [{"impath", "label", "classname"}], "indices": [...]}, "val": ...}.

    Returns:
        The items of "train" and, if the file has them, of "val".
    """
    said = read_json(file, f"take the file of {INDICES}")
    parts = said.items() if isinstance(said, dict) else ()
    return _lists(file, {name: part.get("data") for name, part in parts if isinstance(part, dict)}, _of_entry)


def _of_entry(entry: object) -> Item | None:
    match entry:
        case {"impath": str(path), "label": int(label)}:
            return _item(path, label)
    return None


def _item(path: str, label: int) -> Item | None:
    """An image of a list; None for a path or a label that no image has."""
    return Item(path, label) if len(path) <= LONGEST and 0 <= label < MOST else None


def _lists(file: Path, said: object, item: Callable[[object], Item | None]) -> Lists:
    """Items of the lists "train" and "val" of a parsed file; raises BenchError if they are no lists of images."""
    found: Lists = {}
    for part in ("train", "val"):
        entries: Sequence[object] | None = said.get(part) if isinstance(said, dict) else None
        if entries is None and part == "val":
            continue
        items = [item(entry) for entry in entries] if isinstance(entries, list) else [None]
        if None in items or (part == "train" and not items):
            raise BenchError(f"{file}: {part} is no list of images and labels; remove the file")
        found[part] = [one for one in items if one]
    return found
