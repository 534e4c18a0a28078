"""Data sets from a user's folder of class folders, with a split or split here.

images/train/cat/1.jpg  images/test/cat/7.jpg       with a split; images/val/ is optional
images/cat/1.jpg                                     split here: 50 % train, 20 % val, 30 % test of each class
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.names import choose
from benchmark.core.paths import expanded
from benchmark.core.settings import Settings
from benchmark.core.text import counted
from benchmark.data.published import class_names, folder_parts, listing, sampling
from benchmark.data.published.folder_parts import Parts, visible
from benchmark.data.published.listing import Listing
from benchmark.data.published.photographs import Photographs

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
    classnames: file with the names of the classes (`benchmark.data.published.class_names`); by default classnames.txt in the
        folder, or the names of the class folders.
    """

    def __init__(
        self,
        path: str,
        template: str | Sequence[str] = "a photo of a {}.",
        sampler: str = "nested",
        split_seed: int = 1,
        classnames: str = "",
        *,
        settings: Settings | None = None,
    ) -> None:
        root = expanded(path)
        templates = _templates(template)
        choose(sampler, ("nested", "official"), "sampler of a folder")
        found = _read(root, split_seed)
        names = class_names.of_folders(root, found.folders, classnames)
        super().__init__(
            f"folder-{root.resolve().name}",
            names,
            templates,
            found.train,
            found.val,
            found.test,
            sampler=sampling.nested if sampler == "nested" else sampling.official,
            nested=sampler == "nested",
            settings=settings or Settings(),
            notes=[*found.notes(root), *class_names.notes(names)],
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


@dataclass
class _Found:
    """Content of an image folder.

    folders: names of the class folders.
    others: files in class folders that are no images, by ending.  heap: images outside of class folders.
    rest: folders beside the parts -> number of their images.  parts: None for a folder that is divided here.
    """

    folders: Sequence[str]
    train: Listing
    val: Listing
    test: Listing
    others: Counter[str]
    heap: int = 0
    rest: Mapping[str, int] = field(default_factory=dict)
    parts: Parts | None = None

    def notes(self, root: Path) -> list[str]:
        """Lines on what is read and what is left out."""
        sizes = f"{len(self.train):,} training, {len(self.val):,} validation and {len(self.test):,} test images"
        found = [
            f"{counted(len(self.folders), 'class')}, {sizes}, {self.parts.words if self.parts else 'divided here'}"
        ]
        if self.others:
            endings = ", ".join(f"{number} {ending}" for ending, number in sorted(self.others.items()))
            kinds = " ".join(listing.ENDINGS)
            found.append(
                f"{counted(self.others.total(), 'file')} left out for their endings ({endings}); images end in {kinds}"
            )
        if self.heap:
            found.append(f"{counted(self.heap, 'image')} left out, in no class folder")
        for name, images in self.rest.items():
            found.append(f"{name}/ left out ({counted(images, 'image')}), which is none of the parts")
        untested = [name for label, name in enumerate(self.folders) if label not in set(self.test.labels.tolist())]
        if untested:
            found.append(
                f"{len(untested)} of {len(self.folders)} classes have no test images, the first {untested[0]!r}"
            )
        return [f"image folder {root}: {line}" for line in found]


def _read(root: Path, seed: int) -> _Found:
    if root.is_file():
        raise BenchError(f"image folder {root}: is a file; unpack it, and give the folder")
    if not root.is_dir():
        raise Incomplete(f"image folder {root}: no such folder")
    parts = folder_parts.find(root)
    return _to_divide(root, seed) if parts is None else _divided(root, parts)


def _divided(root: Path, parts: Parts) -> _Found:
    folders = _classes(root / parts.train)
    others: Counter[str] = Counter()
    train, val, test = (
        _images(root / part, _class_folders(root, part, parts.train, folders), others)
        if part
        else listing.nothing(root)
        for part in (parts.train, parts.val, parts.test)
    )
    _check_classes(root / parts.train, folders, train, others)
    _check_classes(root / parts.test, (), test, others)
    heap = sum(map(listing.heap, [root, *(root / part for part in (parts.train, parts.val, parts.test) if part)]))
    rest = {name: len(listing.files(root / name)) for name in parts.rest}
    return _Found(folders, train, val, test, others, heap, rest, parts)


def _class_folders(root: Path, part: str, train: str, folders: Sequence[str]) -> dict[str, int]:
    """Folders of the classes in a part -> label; BenchError for a class that the training part lacks."""
    labels = {class_names.same(name): label for label, name in enumerate(folders)}
    found: dict[str, int] = {}
    for name in listing.subfolders(root / part, visible):
        label = labels.get(class_names.same(name))
        if label is None:
            raise BenchError(f"image folder {root}: class {name!r} is in {part}/ but not in {train}/")
        if label in found.values():
            raise BenchError(f"image folder {root}: class {name!r} has two folders in {part}/; put them together")
        found[name] = label
    return found


def _classes(folder: Path) -> list[str]:
    classes = listing.subfolders(folder, visible)
    if len(classes) < 2:
        raise BenchError(f"image folder {folder}: has {len(classes)} class folders; it takes two classes at least")
    return classes


def _images(folder: Path, labels: Mapping[str, int], others: Counter[str]) -> Listing:
    """Images of class folders, in the order of their labels; files that are none are counted in `others`."""
    names, found = [], []
    for name, label in sorted(labels.items(), key=lambda one: one[1]):
        walked = listing.walk(folder / name)
        others.update(walked.others)
        names += [f"{name}/{file}" for file in walked.images]
        found += [label] * len(walked.images)
    return listing.of(folder, names, found)


def _check_classes(folder: Path, classes: Sequence[str], listed: Listing, others: Counter[str]) -> None:
    """Raise BenchError if there are no images at all, or a class has none."""
    left_out = f" ({others.total()} files have other endings: {' '.join(sorted(others))})" if others else ""
    if not len(listed):
        raise BenchError(f"image folder {folder}: has no images in class folders{left_out}")
    held = set(listed.labels.tolist())
    empty = next((name for label, name in enumerate(classes) if label not in held), None)
    if empty:
        raise BenchError(
            f"image folder {folder}: class {empty!r} has no images{left_out}; put some there or remove the folder"
        )


def _to_divide(root: Path, seed: int) -> _Found:
    folders, others = _classes(root), Counter[str]()
    listed = _images(root, _class_folders(root, ".", ".", folders), others)
    _check_classes(root, folders, listed, others)
    generator = random.Random(seed)
    parts: list[list[np.ndarray]] = [[], [], []]
    for label, places in sampling.by_class(listed.labels).items():
        if len(places) < 2:
            raise BenchError(f"image folder {root}: class {folders[label]!r} has one image, too few to train and test")
        for part, share in zip(parts, _shares(places, generator), strict=True):
            part.append(share)
    train, val, test = (_taken(listed, np.sort(np.concatenate(part))) for part in parts)
    return _Found(folders, train, val, test, others, listing.heap(root))


def _taken(listed: Listing, places: np.ndarray) -> Listing:
    return Listing(listed.root, listed.names[places], listed.labels[places])


def _shares(places: np.ndarray, generator: random.Random) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random training, validation and test images of a class; at least one to train and one to test on."""
    shuffled = places[generator.sample(range(len(places)), len(places))]
    train = max(1, round(len(places) * SHARES[0]))
    val = min(round(len(places) * SHARES[1]), len(places) - train - 1)
    return shuffled[:train], shuffled[train:][:val], shuffled[train + val :]
