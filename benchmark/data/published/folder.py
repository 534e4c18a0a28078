"""Data sets from a user's folder of class folders, with a split or split here.

images/train/cat/1.jpg  images/test/cat/7.jpg       with a split; images/val/ is optional
images/cat/1.jpg                                     split here: 50 % train, 20 % val, 30 % test of each class
"""

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.names import choose
from benchmark.data.published import listing, sampling
from benchmark.data.published.listing import Listing
from benchmark.data.published.photographs import Photographs
from benchmark.data.published.splits import Split

TRAIN, VAL, TEST = ("train", "training"), ("val", "valid", "validation"), ("test", "testing")
"""Accepted names of the folders of the parts."""

SHARES = (0.5, 0.2)
"""Shares of training and validation images of each class; the rest is for testing, as in the splits of CoOp."""


class ImageFolder(Photographs):
    """A folder of images with a subfolder for each class, named by the class, with underscores for blanks.

    A folder with train and val but without test is tested on val, as ImageNet is. A missing folder raises Incomplete, an
    invalid one BenchError.

    path: the folder.
    template: a prompt template with {} for the class name, or a list of templates.
    sampler: "nested" (default) or "official".
    split_seed: seed of the split, for a folder without one.
    """

    def __init__(
        self,
        path: str,
        template: str | Sequence[str] = "a photo of a {}.",
        sampler: str = "nested",
        split_seed: int = 1,
    ) -> None:
        root = Path(path).expanduser()
        templates = _templates(template)
        choose(sampler, ("nested", "official"), "sampler of a folder")
        split = _parts(root, split_seed)
        super().__init__(
            f"folder-{root.resolve().name}",
            split.classnames,
            templates,
            split.train,
            split.val,
            split.test,
            sampler=sampling.nested if sampler == "nested" else sampling.official,
            nested=sampler == "nested",
            content=_sizes([split.train, split.val, split.test]),
        )


def _templates(template: str | Sequence[str]) -> tuple[str, ...]:
    templates = (template,) if isinstance(template, str) else tuple(template)
    for text in templates:
        try:
            fits = text.format("NAME") == text.replace("{}", "NAME") and text.count("{}") == 1
        except (ValueError, IndexError, KeyError):
            fits = False
        if not fits:
            raise BenchError(f'template {text!r} needs {{}} once, for the class name, as in "a photo of a {{}}."')
    return templates


def _parts(root: Path, seed: int) -> Split:
    if not root.is_dir():
        raise Incomplete(f"image folder {root}: no such folder")
    there = _subfolders(root)
    train, val, test = (next((name for name in there if name.lower() in names), None) for names in (TRAIN, VAL, TEST))
    if train and (val or test):
        return _divided(root, train, val, test)
    return _to_divide(root, there, seed)


def _subfolders(root: Path) -> list[str]:
    return listing.subfolders(root, lambda name: not name.startswith("."))


def _divided(root: Path, train: str, val: str | None, test: str | None) -> Split:
    if test is None:
        val, test = None, val
    assert test is not None
    classnames = _classes(root / train)
    for part in filter(None, (val, test)):
        foreign = next((name for name in _subfolders(root / part) if name not in classnames), None)
        if foreign:
            raise BenchError(f"image folder {root}: class {foreign!r} is in {part}/ but not in {train}/")
    found = [_images(root / part, classnames) if part else listing.nothing(root) for part in (train, val, test)]
    for part, listed in ((train, found[0]), (test, found[2])):
        _check_classes(root / part, classnames if part == train else (), listed)
    return Split(tuple(classnames), *found)


def _classes(folder: Path) -> list[str]:
    classes = _subfolders(folder)
    if len(classes) < 2:
        raise BenchError(f"image folder {folder}: has {len(classes)} class folders; it takes two classes at least")
    return classes


def _images(folder: Path, classnames: Sequence[str]) -> Listing:
    """Images of the classes that have a folder in `folder`."""
    held = [(name, label) for label, name in enumerate(classnames) if (folder / name).is_dir()]
    named = [(f"{name}/{file}", label) for name, label in held for file in listing.files(folder / name)]
    return listing.of(folder, [name for name, _ in named], [label for _, label in named])


def _check_classes(folder: Path, classnames: Sequence[str], listed: Listing) -> None:
    """Raise BenchError if there are no images at all, or a class has none."""
    if not len(listed):
        raise BenchError(f"image folder {folder}: has no images in class folders")
    held = set(listed.labels.tolist())
    empty = next((name for label, name in enumerate(classnames) if label not in held), None)
    if empty:
        raise BenchError(f"image folder {folder}: class {empty!r} has no images; put some there or remove the folder")


def _to_divide(root: Path, there: Sequence[str], seed: int) -> Split:
    classnames = _classes(root)
    listed = _images(root, classnames)
    _check_classes(root, classnames, listed)
    generator = random.Random(seed)
    parts: list[list[np.ndarray]] = [[], [], []]
    for label, places in sampling.by_class(listed.labels).items():
        if len(places) < 2:
            raise BenchError(
                f"image folder {root}: class {classnames[label]!r} has one image, too few to train and test"
            )
        for part, share in zip(parts, _shares(places, generator), strict=True):
            part.append(share)
    train, val, test = (np.sort(np.concatenate(part)) for part in parts)
    return Split(tuple(classnames), *(Listing(root, listed.names[p], listed.labels[p]) for p in (train, val, test)))


def _shares(places: np.ndarray, generator: random.Random) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random training, validation and test images of a class; at least one to train and one to test on."""
    shuffled = places[generator.sample(range(len(places)), len(places))]
    train = max(1, round(len(places) * SHARES[0]))
    val = min(round(len(places) * SHARES[1]), len(places) - train - 1)
    return shuffled[:train], shuffled[train:][:val], shuffled[train + val :]


def _sizes(parts: Sequence[Listing]) -> str:
    """The sha256 of the sizes of all files, because an edit of an image almost always changes its size."""
    content = hashlib.sha256()
    for listed in parts:
        content.update(repr([listed.path(i).stat().st_size for i in range(len(listed))]).encode())
    return content.hexdigest()
