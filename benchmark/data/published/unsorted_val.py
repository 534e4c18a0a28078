"""ImageNet's validation images in one folder, as the official archive unpacks, with their labels from a file beside it.

Kaggle publishes the labels in LOC_val_solution.csv (image, then synset and boxes). The development kit of ILSVRC 2012 has an
identifier for each image in order, and its meta.mat has the synset of each identifier.
"""

import csv
import os
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np

from benchmark.core import regular
from benchmark.core.errors import BenchError, Incomplete
from benchmark.data.published import imagenet, listing, splits
from benchmark.data.published.listing import Listing
from benchmark.data.published.sets import Place

SOLUTION = "LOC_val_solution.csv"
TRUTH = "ILSVRC2012_validation_ground_truth.txt"
DEVKIT = "ILSVRC2012_devkit_t12"
LARGEST = 1 << 19
"""Bytes of the largest meta.mat, which is compressed and may unpack to a thousand times as many."""

IMAGE = "ILSVRC2012_val_{:08}"
"""Name of a validation image by its number from 1, without its ending."""


def listed(folder: Path, place: Place) -> Listing:
    """List the images of a folder in the order of their labels, as class folders would be.

    A file of labels that does not fit the images raises BenchError.

    Args:
        folder: the folder of the images.
        place: location of ImageNet; a file of labels is searched in the folder and above it.

    Returns:
        The images with their labels.

    Raises:
        Incomplete: if there is no file of labels.
    """
    names = listing.files(folder)
    file, read = _file(folder, place)
    if file is None:
        raise Incomplete(
            f"{folder}: its {len(names):,} images lie in one heap, and nothing says of which class they are; put Kaggle's "
            f"{SOLUTION} or the folder {DEVKIT}/ of https://image-net.org into {place.own}, or sort them into a folder for "
            "each synset (torchvision.datasets.ImageNet does, and valprep.sh)"
        )
    synsets = read(file)
    labels = np.array([_label(folder / name, synsets, file) for name in names], dtype=np.int64)
    order = np.argsort(labels, kind="stable")
    return Listing(folder, np.array([os.fsencode(names[place]) for place in order]), labels[order])


def _file(folder: Path, place: Place) -> tuple[Path | None, Callable[[Path], dict[str, str]]]:
    """The file of labels, and the function that reads it: name of an image without its ending -> synset."""
    for name, read in ((SOLUTION, solution), (TRUTH, truth), (f"{DEVKIT}/data/{TRUTH}", truth)):
        file = folder / name if (folder / name).is_file() else place.above(name)
        if file:
            return file, read
    return None, solution


def _label(image: Path, synsets: Mapping[str, str], file: Path) -> int:
    synset = synsets.get(image.stem)
    if synset is None:
        raise BenchError(f"{image}: {file} does not have it; remove what is no validation image of ImageNet")
    if synset not in imagenet.labels():
        raise BenchError(f"{file}: {image.stem} is of class {synset[:40]!r}, which is no synset of ImageNet's")
    return imagenet.labels()[synset]


def solution(file: Path) -> dict[str, str]:
    """Name of an image -> synset, from LOC_val_solution.csv; raises BenchError for another file."""
    try:
        rows = list(csv.reader(splits.lines(file)))
    except csv.Error as error:
        raise BenchError(f"{file}: cannot be read as CSV ({error}); take the file of Kaggle's challenge") from error
    if not rows or [name.strip() for name in rows[0]] != ["ImageId", "PredictionString"]:
        raise BenchError(f"{file}: does not begin with ImageId,PredictionString; take the file of Kaggle's challenge")
    return {row[0]: row[1].split()[0] for row in rows[1:] if len(row) > 1 and row[1].strip()}


def truth(file: Path) -> dict[str, str]:
    """Name of an image -> synset, from the development kit; raises Incomplete without its meta.mat."""
    meta = file.with_name("meta.mat")
    if not meta.is_file():
        raise Incomplete(f"{meta}: no such file; {file.name} is read with it, both come with {DEVKIT}")
    synsets = _synsets(meta)
    numbered = {IMAGE.format(number): line for number, line in enumerate(splits.lines(file), 1)}
    return {image: synsets.get(said, said) for image, said in numbered.items()}


def _synsets(meta: Path) -> dict[str, str]:
    """Identifier in ILSVRC 2012 -> synset, for classes and their superclasses, from meta.mat."""
    from scipy.io import loadmat

    try:
        content = BytesIO(regular.read_bytes(meta, LARGEST))
        table = loadmat(content, squeeze_me=True)["synsets"]
        return {str(int(row["ILSVRC2012_ID"])): str(row["WNID"]) for row in table}
    except Exception as error:  # a file of another kind may raise any exception
        reason = " ".join(str(error).split())[:100]
        raise BenchError(
            f"{meta}: cannot be read as the table of {DEVKIT} ({reason}); take the published file"
        ) from error
