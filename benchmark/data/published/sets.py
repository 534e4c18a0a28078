"""The published data sets as data (sets.toml), and where on this machine the images of one lie."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from benchmark.core import settings
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.names import choose
from benchmark.data.published import imagenet

SPLITS = "https://github.com/KaiyangZhou/CoOp/blob/main/DATASETS.md"
"""The page that says where CoOp's split files are."""

HOW = 'say where with --data-root, BENCH_DATA or bench.toml ([data] root = "/data")'


@dataclass(frozen=True)
class PublishedSet:
    """One published data set; sets.toml explains the fields."""

    key: str
    title: str
    kind: str
    places: tuple[str, ...]
    classes: int
    test: int
    page: str
    licence: str
    train: int = 0
    val: int = 0
    split: str = ""
    templates: tuple[str, ...] = ()
    noncommercial: bool = False
    generated: str = ""
    generated_list: str = ""
    prompts: str = ""
    note: str = ""

    @cached_property
    def prompt_templates(self) -> tuple[str, ...]:
        """Its templates; ImageNet's and its shifts' are open_clip's seven."""
        return self.templates or imagenet.templates()

    @property
    def counts(self) -> dict[str, int]:
        """Images as published, by split; only the splits that it has."""
        return {name: n for name in ("train", "val", "test") if (n := getattr(self, name))}


def _table() -> dict[str, PublishedSet]:
    text = (files("benchmark.data.published") / "sets.toml").read_text(encoding="utf-8")
    return {key: _entry(key, said) for key, said in tomllib.loads(text).items()}


def _entry(key: str, said: dict[str, Any]) -> PublishedSet:
    lists: dict[str, Any] = {name: tuple(value) for name, value in said.items() if isinstance(value, list)}
    return PublishedSet(key, **{**said, **lists})


SETS = _table()


@dataclass(frozen=True)
class Place:
    """Where the images of a data set lie. alias: its name for people, where it is not the layout meant."""

    folder: Path
    top: Path
    """The data root, or the folder that the user names for this data set: nothing above it is looked at."""
    alias: str = ""

    def above(self, name: str) -> Path | None:
        """The file of this name in the images' folder or in one above it, up to the top."""
        folders = [self.folder, *self.folder.parents]
        for folder in folders[: folders.index(self.top) + 1]:
            if (folder / name).is_file():
                return folder / name
        return None


def get(key: str) -> PublishedSet:
    """A published data set by its key. BenchError with the nearest key where there is none."""
    return SETS[choose(key, SETS, "published data set")]


def find(known: PublishedSet) -> Place:
    """Where its images lie: the first of its places that holds what it should.

    Incomplete names what was looked for, BenchError a folder that is there and holds something else.
    """
    wrong: Path | None = None
    for place in _candidates(known):
        if holds(known, place.folder):
            return place
        if place.folder.is_dir() and not wrong and not place.alias:  # a folder called "images" may be anything
            wrong = place.folder
    if wrong:
        raise BenchError(f"{wrong}: {_lacks(known)}; {known.title} is published at {known.page}")
    raise Incomplete(missing(known))


def missing(known: PublishedSet) -> str:
    """What to do about a data set that is not here, in one line."""
    terms = f" ({known.licence})" if known.licence else ""
    override, root = settings.dataset_override(known.key), settings.data_root()
    if override:
        return f"data set {known.key}: {override} (bench.toml, [data] paths): no such folder"
    if root and not root.is_dir():
        return f"data set {known.key}: data root {root}: no such folder; {HOW}"
    where = f"put it into {root / known.places[0]}" if root else HOW
    return f"data set {known.key} is missing: {where}; it is published at {known.page}{terms}"


def _candidates(known: PublishedSet) -> Iterator[Place]:
    override, root = settings.dataset_override(known.key), settings.data_root()
    if override:
        yield from _inside(known, override)
    elif root:
        for name in known.places:
            yield Place(root / name, root, "" if name == known.places[0] else name)


def _inside(known: PublishedSet, override: Path) -> Iterator[Place]:
    """The user names the data set's own folder, or one that holds it, or that of its images."""
    for name in known.places:
        yield Place(override / name, override)
    for name in known.places:
        parts = Path(name).parts
        for first in range(1, len(parts)):
            yield Place(override.joinpath(*parts[first:]), override)
    yield Place(override, override)


def holds(known: PublishedSet, folder: Path) -> bool:
    """Whether a folder holds what the data set's images lie in: folders of the right names, or anything at all."""
    if not folder.is_dir():
        return False
    if known.kind == "imagenet":
        return any((folder / part).is_dir() for part in ("train", "val"))
    if known.key == "stanford_cars":
        return (folder / "cars_train").is_dir()
    if known.kind in ("split", "aircraft"):
        return not (folder / folder.name).is_dir()  # an archive that was unpacked into a folder of its own name
    fits = imagenet.is_synset if known.kind == "synsets" else str.isdecimal
    return any(fits(path.name) for path in folder.iterdir() if path.is_dir())


def _lacks(known: PublishedSet) -> str:
    wanted = {
        "imagenet": "holds neither train/ nor val/",
        "synsets": "holds no folders named by synsets, such as n01440764",
        "numbers": "holds no folders named 0 to 999",
    }
    other = "holds no cars_train/" if known.key == "stanford_cars" else "holds a folder of its own name; move that up"
    return wanted.get(known.kind, other)
