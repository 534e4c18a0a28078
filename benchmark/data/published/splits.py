"""Split files: lists of training, validation and test images with the labels of the file, which are never renumbered."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.files import read_json, read_lines
from benchmark.data.published import listing
from benchmark.data.published.listing import Listing
from benchmark.data.published.sets import SPLITS, Place, PublishedSet

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Split:
    """The content of the lists of a data set: class names in the order of labels, and the images of each part."""

    classnames: tuple[str, ...]
    train: Listing
    val: Listing
    test: Listing


def read(known: PublishedSet, place: Place) -> Split:
    """Read the split of a data set of kind "split" or "aircraft"; raises Incomplete or BenchError for a bad list."""
    file = place.above(known.split)
    if file is None:
        page = known.page if known.kind == "aircraft" else SPLITS
        raise Incomplete(f"data set {known.key}: {place.own / known.split}: no such file; it is published at {page}")
    found = aircraft(file, place.folder) if known.kind == "aircraft" else zhou(file, place.folder)
    if len(found.classnames) != known.classes:
        raise BenchError(
            f"{file}: lists {len(found.classnames)} classes, {known.title} has {known.classes}; "
            f"take the file of {known.page if known.kind == 'aircraft' else SPLITS}"
        )
    return found


def zhou(file: Path, root: Path) -> Split:
    """Read a split file of CoOp; raises BenchError for a file of another form.

    Args:
        file: JSON, {"train": [[path, label, class name], ...], "val": ..., "test": ...}.
        root: the folder that the paths are relative to.

    Returns:
        The split.

    Raises:
        BenchError: if the file lacks a list.
    """
    said = read_json(file, "take the published file")
    if not isinstance(said, dict) or any(not isinstance(said.get(part), list) for part in PARTS):
        raise BenchError(f"{file}: has no lists train, val and test; take the file of {SPLITS}")
    names: dict[int, str] = {}
    most = sum(len(said[part]) for part in PARTS)
    found = {part: _entries(file, part, said[part], root, names, most) for part in PARTS}
    return Split(_in_order(file, names), **found)


def _entries(file: Path, part: str, entries: list[Any], root: Path, names: dict[int, str], most: int) -> Listing:
    """The images of one part; adds the class names of the part to `names`, by label; labels are below `most`, the images."""
    for number, entry in enumerate(entries):
        match entry:
            case [str(), int(label), str(name)] if 0 <= label < most and not isinstance(label, bool) and _is_text(name):
                if names.setdefault(label, name) != name:
                    raise BenchError(f"{file}: class {label} is called both {names[label]!r} and {name!r}")
            case [str(), int(label), str()] if label >= most:
                raise BenchError(
                    f"{file}: {part}[{number}] has the label {label:.4g}, and there are {most:,} images in all"
                )
            case _:
                raise BenchError(f"{file}: {part}[{number}] is {_brief(entry)}, not [path, label, class name]")
    paths = [path.replace("\\", "/") for path, _, _ in entries]  # as lists written on Windows have them
    try:
        return listing.of(root, paths, [label for _, label, _ in entries])
    except BenchError as error:
        raise BenchError(f"{file}: {error}") from error


def _brief(entry: object) -> str:
    """The first 80 letters of JSON data."""
    try:
        return json.dumps(entry)[:80]
    except RecursionError:
        return "nested too deep"


def _in_order(file: Path, names: Mapping[int, str]) -> tuple[str, ...]:
    """Class names in the order of labels; raises BenchError for a label without images."""
    left_out = next((label for label in range(len(names)) if label not in names), None)
    if left_out is not None:
        raise BenchError(f"{file}: has {len(names)} classes up to label {max(names)}, but none of label {left_out}")
    return tuple(names[label] for label in range(len(names)))


def aircraft(file: Path, images: Path) -> Split:
    """Read the lists of FGVC-Aircraft, with an image number and a variant a line; bad lines raise BenchError.

    Args:
        file: images_variant_train.txt; the lists of the other parts and variants.txt are in its folder.
        images: the folder of the images.

    Returns:
        The split, labels in the order of variants.txt.
    """
    classnames = tuple(lines(file.with_name("variants.txt")))
    labels = {name: label for label, name in enumerate(classnames)}
    return Split(
        classnames, *(_variants(file.with_name(f"images_variant_{part}.txt"), images, labels) for part in PARTS)
    )


def _variants(file: Path, images: Path, labels: Mapping[str, int]) -> Listing:
    pairs = []
    for number, line in enumerate(lines(file), 1):
        image, _, variant = line.partition(" ")
        if variant not in labels:
            raise BenchError(
                f"{file}: line {number} is {line[:60]!r}, not an image's number and a variant of variants.txt"
            )
        pairs.append((f"{image}.jpg", labels[variant]))
    return listing.of(images, [name for name, _ in pairs], [label for _, label in pairs])


def lines(file: Path) -> list[str]:
    """Non-blank lines of a text file; raises Incomplete for a missing file and BenchError for one that is no text."""
    if not file.exists():
        raise Incomplete(f"{file}: no such file; it comes with the published archive")
    return read_lines(file)


def _is_text(name: str) -> bool:
    """Whether a text can be written in UTF-8; JSON may hold halves of letters."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)
