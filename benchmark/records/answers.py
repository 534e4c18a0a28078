"""Answers of a run, image by image, and the file that keeps them.

The file is an npz with an array for each selection on the test images and for each on a shift, uint8 [⌈N / 8⌉], and `HELD`;
where the test set is not balanced, also `PREDICTED`.
It is named by its content. The record holds this name and a checksum of itself, and `HELD` says that it does, so that a
checksum that was taken away is missed.
"""

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from benchmark.core import array_files
from benchmark.records.record import Record

HELD = "held"
"""Name of an array without elements, in the files of records that have a checksum."""
PREDICTED = "predicted"
"""Name of the array of the predicted classes of the test images under the selection `val`, uint16 or uint32 [N]."""
ON = " on "
"""Between a selection and a shift, in the name of the answers to the images of the shift."""


def on(selection: str, target: str | None = None) -> str:
    """Name of the answers under a selection: to the test images, or to those of the shift `target`."""
    return selection if target is None else f"{selection}{ON}{target}"


def counted(record: Record, name: str) -> tuple[int, int]:
    """The count of a record that answers of this name must have, and the number of images; ValueError if it has none."""
    selection, _, target = name.partition(ON)
    part = (record.shifts or {}).get(target) if target else record
    if part is None or selection not in part.selections:
        raise ValueError(f"selection {name!r}: per-image correctness of a selection that the record does not have")
    return part.selections[selection].correct, part.n


def packed(correct: Mapping[str, np.ndarray], predicted: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The arrays of the file, by name.

    Args:
        correct: Name of answers -> whether each image is classified correctly, booleans [N].
        predicted: Predicted classes of the test images [N]; None where they are not kept.

    Returns:
        `HELD`, and the arrays of the answers; `PREDICTED` where it is given.
    """
    found = {name: np.packbits(bits) for name, bits in correct.items()}
    if predicted is not None:
        found[PREDICTED] = predicted.astype(np.uint16 if predicted.max() < 2**16 else np.uint32)
    return dict(sorted({**found, HELD: np.empty(0, np.uint8)}.items()))


def named(found: Mapping[str, np.ndarray]) -> str:
    """Name of a file with these arrays: 16 hexadecimal digits of the sha256 of their content."""
    content = hashlib.sha256()
    for name, bits in sorted(found.items()):
        content.update(name.encode() + b"\0" + bits.tobytes())
    return content.hexdigest()[:16]


def read(path: Path, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Read the arrays of the file, all or some; OSError or ValueError where that fails."""
    return array_files.read_npz(path, lambda name: names is None or name in names).found


def right(found: Mapping[str, np.ndarray], name: str, n: int) -> np.ndarray:
    """Which of `n` images are classified correctly by answers of a name, booleans [n]; ValueError where that is not known."""
    bits = found.get(name)
    if bits is None:
        raise ValueError(f"no answers under selection {name!r}")
    if bits.dtype != np.uint8 or bits.shape != (-(-n // 8),):
        raise ValueError(f"selection {name!r}: answers are no bits of {n} images")
    return np.unpackbits(bits, count=n).astype(bool)


def predicted(found: Mapping[str, np.ndarray], n: int) -> np.ndarray:
    """Predicted classes of `n` test images, [n]; ValueError where they are not kept."""
    classes = found.get(PREDICTED)
    if classes is None:
        raise ValueError("no predicted classes")
    if classes.dtype.kind != "u" or classes.shape != (n,):
        raise ValueError(f"predicted classes are no classes of {n} images")
    return classes


def disagreement(record: Record, correct: Mapping[str, np.ndarray]) -> str:
    """How answers and the counts of a record disagree, in a few words; "" if they agree.

    Args:
        record: The record.
        correct: Name of answers (`on`) -> whether each image is classified correctly, booleans [N].

    Returns:
        The first disagreement.
    """
    for name, bits in correct.items():
        try:
            said, n = counted(record, name)
        except ValueError as error:
            return str(error)
        found = int(bits.sum())
        if (found, len(bits)) != (said, n):
            return f"selection {name!r}: {found} of {len(bits)} images right, the record says {said} of {n}"
    return ""


def damage(record: Record, checked: bool, found: Mapping[str, np.ndarray]) -> str:
    """How the file of a record's answers and the record disagree, in a few words; "" if they agree.

    Args:
        record: The record.
        checked: Whether it had a checksum.
        found: The arrays of the file.

    Returns:
        The first disagreement.
    """
    written = record.selections if record.answers is None else found.keys() - {HELD, PREDICTED}
    try:
        correct = {name: right(found, name, counted(record, name)[1]) for name in sorted(written)}
    except ValueError as error:
        return f"its answers: {error}"
    if complaint := disagreement(record, correct):
        return f"its answers: {complaint}"
    if record.answers is not None and named(found) != record.answers:
        return "its answers are not those that it was written with"
    return "its checksum is gone" if HELD in found and not checked else ""
