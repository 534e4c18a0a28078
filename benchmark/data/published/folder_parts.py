"""Recognition of the parts of an image folder (train, val, test) by the names and the content of its subfolders.

A folder is divided if two of its subfolders are named as parts, or hold the same class folders. A division that is not surely
understood is refused, because parts that are taken for classes give a number of another problem.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.core.errors import BenchError
from benchmark.data.published import listing

TRAIN, VAL, TEST = "train", "val", "test"

WORDS = {
    "train": TRAIN, "training": TRAIN, "trn": TRAIN,
    "val": VAL, "valid": VAL, "validate": VAL, "validation": VAL, "dev": VAL, "devel": VAL, "development": VAL,
    "test": TEST, "testing": TEST, "tst": TEST, "eval": TEST, "evaluate": TEST, "evaluation": TEST, "holdout": TEST,
}  # fmt: skip
"""Word in the name of a folder -> the part that it means."""

FILLERS = "set|sets|data|dataset|image|images|img|imgs|split|folder|part|picture|pictures|photo|photos|sample|samples"
"""Words that may stand beside such a word or be joined to it, as in "Train_Set" and "testdata"."""

_JOINED = re.compile(rf"({'|'.join(sorted(WORDS, key=len, reverse=True))})(?:{FILLERS})")
_FILLER = re.compile(FILLERS)

HOW = "call the parts train/, val/ (if there is one) and test/"


@dataclass(frozen=True)
class Parts:
    """Subfolders of a divided folder.

    Attributes:
        train: Name of the folder of training images.
        val: Name of the folder of validation images; None if there is none.
        test: Name of the folder of test images.
        rest: Names of further subfolders, which hold no part.
    """

    train: str
    val: str | None
    test: str
    rest: Sequence[str]

    @property
    def words(self) -> str:
        """The folders by part: "from Train/, no folder, Test/"."""
        return "from " + ", ".join(f"{name}/" if name else "no folder" for name in (self.train, self.val, self.test))


def find(root: Path) -> Parts | None:
    """Parts of an image folder.

    Args:
        root: The folder.

    Returns:
        The parts; None for a folder whose subfolders are classes.

    Raises:
        BenchError: if the folder is divided in another way than into one folder a part.
    """
    there = listing.subfolders(root, visible)
    inside = {name: listing.subfolders(root / name, visible) for name in there}
    alike = _alike(inside)
    named = {name: part for name in there if (part := _part(name))}
    if len(set(named.values())) < 2 and not alike:
        _check_undivided(root, inside, named)
        return None
    named |= {name: part for name in alike if (part := _part(name, strict=False))}
    _check_named_once(root, named)
    by_part = {part: name for name, part in named.items()}
    if any(name not in named for name in alike) or TRAIN not in by_part or len(by_part) < 2:
        what = "hold the same class folders" if alike else "are named as parts"
        raise BenchError(
            f"image folder {root}: {_listed(alike or sorted(named))} {what}; {HOW}, "
            "and move elsewhere what is none of them (if they are classes, move their images up)"
        )
    for name in (by_part[part] for part in (TRAIN, VAL, TEST) if part in by_part):
        _check_class_folders(root, name, inside[name])
    val, test = by_part.get(VAL), by_part.get(TEST)
    rest = [name for name in there if name not in named]
    return Parts(by_part[TRAIN], val if test else None, test or by_part[VAL], rest)


def visible(name: str) -> bool:
    """Whether a file or folder is not hidden."""
    return not name.startswith(".")


def _part(name: str, strict: bool = True) -> str | None:
    """The part that a folder's name means, as "seg_train" does; `strict` allows no words but fillers beside it."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold()
    words = [_JOINED.sub(r"\1", word) for word in re.findall(r"[^\W\d_]+", spaced)]
    parts = [WORDS[word] for word in words if word in WORDS]
    others = [word for word in words if word not in WORDS and not _FILLER.fullmatch(word)]
    return parts[0] if len(set(parts)) == 1 and not (strict and others) else None


def _alike(inside: dict[str, list[str]]) -> list[str]:
    """Names of folders that are named as parts and hold folders, or that have two folders, or all, in common with another."""
    sets = {name: set(own) for name, own in inside.items() if own}
    loose = {name: part for name in sets if (part := _part(name, strict=False))}
    found = {*loose} if len(set(loose.values())) > 1 else set()
    for name, own in sets.items():
        for other, theirs in sets.items():
            if name != other and (len(own & theirs) > 1 or own <= theirs or theirs <= own):
                found.add(name)
    return sorted(found)


def _check_class_folders(root: Path, part: str, below: list[str]) -> None:
    """Raise BenchError for a part without class folders, or with one folder in which they are."""
    if not below:
        raise BenchError(f"image folder {root}: {part}/ has no class folders; put its images into a folder a class")
    if len(below) == 1 and listing.subfolders(root / part / below[0], visible):
        raise BenchError(f"image folder {root}: {part}/ holds one folder, {below[0]}/; move its class folders up")


def _check_undivided(root: Path, inside: dict[str, list[str]], named: dict[str, str]) -> None:
    """Raise BenchError for a folder of one part, for parts within class folders, and for a folder in a folder."""
    for name, part in named.items():
        if len(inside[name]) > 1:
            other = "train/" if part != TRAIN else "test/ or val/"
            raise BenchError(
                f"image folder {root}: {name}/ holds class folders and there is no {other} beside it; "
                f"{HOW}, or give folder:{root / name}, which is then divided here"
            )
    if len(inside) == 1:
        (name, below), *_ = inside.items()
        if len(below) > 1:
            raise BenchError(f"image folder {root}: holds one folder; give the one within, folder:{root / name}")
    if len(inside) > 1 and all(below and all(map(_part, below)) for below in inside.values()):
        first = next(iter(inside))
        raise BenchError(
            f"image folder {root}: {first}/{inside[first][0]}/ is a part within a class; "
            f"put the classes into the parts, as in {inside[first][0]}/{first}/"
        )


def _check_named_once(root: Path, named: dict[str, str]) -> None:
    for part in (TRAIN, VAL, TEST):
        names = [name for name, meant in named.items() if meant == part]
        if len(names) > 1:
            raise BenchError(
                f"image folder {root}: {_listed(names)} are all named as the part {part}; keep one of them"
            )


def _listed(names: Sequence[str]) -> str:
    *first, last = [f"{name}/" for name in names]
    return f"{', '.join(first)} and {last}" if first else last
