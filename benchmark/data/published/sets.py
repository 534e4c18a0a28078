"""The table of the published data sets (sets.toml), and the location of their images on this machine."""

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from benchmark.core.digest import JsonDict
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.names import choose
from benchmark.core.settings import Settings
from benchmark.data.published import imagenet, shard_names

SPLITS = "https://github.com/KaiyangZhou/CoOp/blob/main/DATASETS.md"
"""The page with links to CoOp's split files."""

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
    balanced: bool = False
    generated: str = ""
    generated_list: str = ""
    prompts: str = ""
    note: str = ""

    @cached_property
    def prompt_templates(self) -> tuple[str, ...]:
        """Prompt templates of the data set; for ImageNet and its shifts the seven of open_clip."""
        return self.templates or imagenet.templates()

    @property
    def holds_a_part(self) -> bool:
        """Whether it is a shift with a part of ImageNet's classes."""
        return self.kind == "synsets" and self.classes < imagenet.CLASSES

    @property
    def counts(self) -> dict[str, int]:
        """Published number of images of each split that the data set has."""
        return {name: n for name in ("train", "val", "test") if (n := getattr(self, name))}


def _table() -> dict[str, PublishedSet]:
    text = (files("benchmark.data.published") / "sets.toml").read_text(encoding="utf-8")
    return {key: _entry(key, said) for key, said in tomllib.loads(text).items()}


def _entry(key: str, said: JsonDict) -> PublishedSet:
    lists: JsonDict = {name: tuple(value) for name, value in said.items() if isinstance(value, list)}
    return PublishedSet(key, **{**said, **lists})


SETS = _table()


@dataclass(frozen=True)
class Place:
    """Location of the images of a data set.

    folder: the folder of the images.
    top: the data root, or the folder that the user sets for this data set; files are never searched above it.
    own: the folder of the data set itself, where its lists belong.
    alias: the layout, if it is another than the documented one.
    """

    folder: Path
    top: Path
    own: Path
    alias: str = ""

    def above(self, name: str) -> Path | None:
        """The file `name` in the folder of the images or the nearest one above, up to `top`; None if there is none."""
        folders = [self.folder, *self.folder.parents]
        for folder in folders[: folders.index(self.top) + 1]:
            if (folder / name).is_file():
                return folder / name
        return None


def get(key: str) -> PublishedSet:
    """A published data set by its key; an unknown key raises BenchError with the nearest key."""
    return SETS[choose(key, SETS, "published data set")]


def find(known: PublishedSet, settings: Settings) -> Place:
    """Find the images of a data set: the first of its places with the expected content.

    Args:
        known: the data set.
        settings: data root and folders of single data sets.

    Returns:
        The location.

    Raises:
        BenchError: if a folder exists but has other content.
        Incomplete: if no folder exists.
    """
    wrong: Path | None = None
    for place in [*_candidates(known, settings), *_in_other_letters(known, settings)]:
        if holds(known, place.folder):
            return place
        if place.folder.is_dir() and not wrong and not place.alias:  # "images", an alias, may hold anything
            wrong = place.folder
    if wrong:
        raise BenchError(f"{wrong}: {_lacks(known)}; {known.title} is published at {known.page}")
    raise Incomplete(missing(known, settings))


def missing(known: PublishedSet, settings: Settings) -> str:
    """The message on a missing data set, in one line, with the remedy."""
    terms = f" ({known.licence})" if known.licence else ""
    override, root = settings.data_paths.get(known.key), settings.data_root
    if override:
        return f"data set {known.key}: {override} (bench.toml, [data] paths): no such folder"
    if root and not root.is_dir():
        return f"data set {known.key}: data root {root}: no such folder; {HOW}"
    shape = ", in folders or shards (parquet, tar)" if known.kind == "imagenet" else ""
    where = f"put it into {root / known.places[0]}{shape}" if root else HOW
    if root and known.kind == "imagenet" and holds(known, root):
        where = f"{root} holds train/ or val/ itself; if that is {known.title}, say so in bench.toml, " + (
            f'[data] paths = {{ {known.key} = "{root}" }}, or name the folder above it as the data root'
        )
    return f"data set {known.key} is missing: {where}; it is published at {known.page}{terms}"


def _candidates(known: PublishedSet, settings: Settings) -> Iterator[Place]:
    override, root = settings.data_paths.get(known.key), settings.data_root
    if override:
        yield from _inside(known, override)
    elif root:
        for name in known.places:
            yield Place(root / name, root, root / Path(name).parts[0], "" if name == known.places[0] else name)


def _inside(known: PublishedSet, override: Path) -> Iterator[Place]:
    """Candidates for a folder set by the user: the data set's folder, one that contains it, or the folder of the images."""
    for name in known.places:
        yield Place(override / name, override, override)
    for name in known.places:
        parts = Path(name).parts
        for first in range(1, len(parts)):
            yield Place(override.joinpath(*parts[first:]), override, override)
    yield Place(override, override, override)


def _in_other_letters(known: PublishedSet, settings: Settings) -> Iterator[Place]:
    """The candidates whose folders are there in another case of the letters, such as "Imagenet/Images"."""
    for place in _candidates(known, settings):
        name = spelled(place.top, place.folder.relative_to(place.top).as_posix())
        if name and place.top / name != place.folder:
            own = place.top if place.own == place.top else place.top / Path(name).parts[0]
            yield Place(place.top / name, place.top, own, name)


def spelled(root: Path, name: str) -> str:
    """A path below a folder in the letters that it has there; "" if it is not there, or twice in different letters."""
    found = root
    for part in Path(name).parts:
        if not (found / part).exists():
            inside = os.listdir(found) if found.is_dir() else []
            like = [entry for entry in inside if entry.casefold() == part.casefold()]
            if len(like) != 1:
                return ""
            part = like[0]
        found /= part
    return found.relative_to(root).as_posix()


PARTS = {"train": ("train", "training"), "val": ("val", "valid", "validation")}
"""Folder of a part of ImageNet -> names that it may have, in any case of the letters."""


def part(folder: Path, name: str) -> Path | None:
    """The folder of a part of ImageNet, "train" or "val"; None if there is none, BenchError if several may be meant."""
    if (folder / name).is_dir():
        return folder / name
    inside = sorted(entry for entry in os.listdir(folder) if entry.casefold() in PARTS[name])
    found = [folder / entry for entry in inside if (folder / entry).is_dir()]
    if len(found) > 1:
        raise BenchError(f"{folder}: holds {found[0].name}/ and {found[1].name}/; call the one that is meant {name}/")
    return found[0] if found else None


def shards(folder: Path, name: str) -> list[Path]:
    """Shards of a part of ImageNet: in its folder, or by their names in that of the data set or its data/, as on the hub."""
    own = part(folder, name)
    if own:
        return shard_names.files(own)
    return next(filter(None, (shard_names.files(where, PARTS[name]) for where in (folder, folder / "data"))), [])


def holds(known: PublishedSet, folder: Path) -> bool:
    """Whether a folder has the content of a data set, judged by the names of its subfolders."""
    if not folder.is_dir():
        return False
    if known.kind == "imagenet":
        return any(part(folder, name) or shards(folder, name) for name in PARTS)
    if known.key == "stanford_cars":
        return (folder / "cars_train").is_dir()
    if known.kind in ("split", "aircraft"):
        return not (folder / folder.name).is_dir()  # an archive that was unpacked into a folder of its own name
    fits = imagenet.is_synset if known.kind == "synsets" else str.isdecimal
    return any(fits(path.name) for path in folder.iterdir() if path.is_dir())


def _lacks(known: PublishedSet) -> str:
    wanted = {
        "imagenet": "holds neither train/ nor val/, nor shards of them (train-*.parquet, *-train-*.tar)",
        "synsets": "holds no folders named by synsets, such as n01440764",
        "numbers": "holds no folders named 0 to 999",
    }
    other = "holds no cars_train/" if known.key == "stanford_cars" else "holds a folder of its own name; move that up"
    return wanted.get(known.kind, other)
