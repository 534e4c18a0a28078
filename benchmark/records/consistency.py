"""Redundancy of a record: its checksum, and counts, curves and choices that its own fields hold against each other.

A record with a checksum is held as a whole. Those of earlier versions have none: what is edited in them is found as far as
other fields tell it.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

from benchmark.core.digest import Json, JsonDict, digest
from benchmark.exhibits.run import PROTOCOL
from benchmark.records.record import Record

CHECKSUM = "checksum"
"""Field of a record's file, and not of the record."""
SHARES = ("cmy_", "bias_cmy_")
"""Beginnings of metrics that are 1 - cos, from 0 to 2."""
ROUNDED = 1e-5
"""Single precision and six decimals may put 1 - cos out of its range by so much."""
CURVES = ("val", "test")
"""Images on which an epoch is chosen, each with a curve and a selection of its name."""

Count = tuple[str, float, int]
"""A number of images in words, its value, and the number of all images."""


def sealed(said: Json) -> JsonDict:
    """A record as JSON with its checksum, the hash of all its fields."""
    return {**said, CHECKSUM: digest(said)}


def unsealed(said: Json) -> JsonDict:
    """A record as JSON without its checksum."""
    return {name: part for name, part in said.items() if name != CHECKSUM}


def altered(said: Json) -> str:
    """Whether a record as JSON has the checksum of another content, in a few words; "" if not, or without a checksum."""
    if CHECKSUM not in said or said[CHECKSUM] == digest(unsealed(said)):
        return ""
    return "it was changed after it was written: its checksum is of another content"


def disagreement(record: Record) -> str:
    """How the fields of a valid record disagree with each other, in a few words; "" if they agree."""
    complaints = (
        _counts(record),
        _names(record),
        _shares(record),
        _histogram(record),
        _sweep(record),
        _choices(record),
    )
    return next(chain.from_iterable(complaints), "")


def _counts(record: Record) -> Iterator[str]:
    """Numbers of images outside of 0 to all."""
    for what, count, of in chain(_of_curves(record), _of_test_images(record)):
        if count != int(count) or not 0 <= count <= of:
            yield f"{what}: {count} is no count from 0 to {of}"


def _of_curves(record: Record) -> Iterator[Count]:
    sizes = {"test": record.n, "val": record.n_val}
    for name, of in sizes.items():
        if of is not None:
            yield from (("curves", count, of) for count in (record.curves or {}).get(name, ()))
            yield from (("picked_on", count, of) for count in [(record.picked_on or {}).get(name, 0)])


def _of_test_images(record: Record) -> Iterator[Count]:
    if record.beta_curve is not None:
        yield from (("beta_curve", c, record.n) for c in [*record.beta_curve.correct, record.beta_curve.best.correct])
    for numbers in (record.metrics or {}).values():
        yield "bias_correct", numbers.get("bias_correct", 0), record.n


def _names(record: Record) -> Iterator[str]:
    """Selections that a part of the record has, and the record has not."""
    parts = {"metrics": (record.metrics or {}).keys()}
    parts |= {f"shift {role}": on.selections.keys() for role, on in (record.shifts or {}).items()}
    for what, names in parts.items():
        if others := names - record.selections.keys():
            yield f"{what}: of selection {min(others)!r}, which the record does not have"


def _shares(record: Record) -> Iterator[str]:
    for numbers in (record.metrics or {}).values():
        for name, value in numbers.items():
            if name.startswith(SHARES) and not -ROUNDED <= value <= 2 + ROUNDED:
                yield f"{name}: {value} is not from 0 to 2"


def _histogram(record: Record) -> Iterator[str]:
    if (found := record.max_logit) is None:
        return
    if min([0, *found.right, *found.wrong]) < 0 or sum(found.right) + sum(found.wrong) != record.n:
        yield f"max_logit: its bins do not hold {record.n} images"
    if found.low > found.high or len(found.right) != len(found.wrong):
        yield "max_logit: its bins have no order"


def _sweep(record: Record) -> Iterator[str]:
    if (curve := record.beta_curve) is None:
        return
    if curve.best.beta < 0 or curve.best.correct < max(curve.correct, default=0):
        yield "beta_curve: its best point is not the best of the curve"


def _choices(record: Record) -> Iterator[str]:
    """Epochs that no curve has, or that are not the best of the curve that they were chosen on."""
    curves = record.curves or {}
    epochs = len(curves.get("test", ()))
    if curves and any(len(curve) != epochs for curve in curves.values()):
        yield "curves: of different numbers of epochs"
    for name, selection in record.selections.items():
        if curves and not 0 <= (selection.epoch or 0) <= epochs:
            yield f"selection {name!r}: epoch {selection.epoch} of {epochs}"
    for name in CURVES if record.asked.get("protocol") == PROTOCOL else ():
        epoch = record.selections[name].epoch or 0
        if 0 < epoch <= len(curves.get(name, ())):
            yield from _choice(record, name, curves[name], epoch)


def _choice(record: Record, name: str, curve: Sequence[int], epoch: int) -> Iterator[str]:
    """A choice on images: the best epoch of their curve, and of the settings searched there the best."""
    if curve[epoch - 1] != max(curve):
        yield f"selection {name!r}: epoch {epoch} is not the best of its curve"
    picked = (record.picked_on or {}).get(name, curve[epoch - 1])
    if picked < curve[epoch - 1]:
        yield f"picked_on: {picked} images of {name}, fewer than before the search"
