"""What a cell reads of one record: an accuracy, that of the bias alone, that on a shift, a complementarity.

A reading is in per cent where it counts images, with its counts; else it is a ratio.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.records.record import Record

COUNTED = ("accuracy", "bias_accuracy", "val_accuracy")
"""Metrics that are counts of images, in per cent. The others are ratios: cmy_raw, bias_cmy_centred, …"""


@dataclass(frozen=True)
class Reading:
    """One number of one record; correct and n where it is a count."""

    value: float
    correct: int | None = None
    n: int | None = None


def counted(metric: str) -> bool:
    """Whether a metric counts images, and is therefore in per cent."""
    return metric in COUNTED


class Searched(dict[str, Any]):
    """A record put together of several runs at one seed, the method's own settings first: what a search over them gives.

    `val` picks by the validation images that are right, `test` by the test images, `last` is the method's own run. Ties keep
    the method's own, then the first. Each selection's `tuned` says what became another setting than the method's own.
    """

    def __init__(self, runs: Sequence[Record]) -> None:
        own = runs[0]
        self.picked = {"last": own, "val": _best(runs, "val"), "test": _best(runs, "test")}
        selections = {name: _told(record, own, name) for name, record in self.picked.items()}
        super().__init__({**own, "selections": selections})


def _best(runs: Sequence[Record], name: str) -> Record:
    return max(runs, key=lambda record: record.get("picked_on", {}).get(name, -1))


def _told(record: Record, own: Record, name: str) -> dict[str, Any]:
    before, selection = own["asked"]["settings"], record["selections"][name]
    other = {k: value for k, value in record["asked"]["settings"].items() if value != before.get(k)}
    return {**selection, "tuned": {**other, **selection.get("tuned", {})}}


def runs(record: Record) -> list[Record]:
    """The runs that a cell's record is made of: itself, or those that a search picked under one selection or another."""
    return list({r["key"]: r for r in record.picked.values()}.values()) if isinstance(record, Searched) else [record]


def under(record: Record, selection: str) -> Record:
    """The run that speaks under a selection: the record itself, or the one that a search over several picked."""
    return record.picked[selection] if isinstance(record, Searched) else record


def read(record: Record, said: Mapping[str, Any], selection: str) -> Reading | None:
    """What a cell reads of a record under one selection; None where the record does not have it.

    "accuracy", on the cell's `target` where it names one; "bias_accuracy", of the bias alone; "val_accuracy", on the
    validation images at the selected epoch, before settings are searched; any other metric by its name in the record.
    """
    metric, record = said["metric"], under(record, selection)
    if metric == "accuracy":
        on = record if "target" not in said else record.get("shifts", {}).get(said["target"])
        return None if on is None else _count(on["selections"][selection]["correct"], on["n"])
    if metric == "val_accuracy":
        return _validation(record, selection)
    numbers = record.get("metrics", {}).get(selection, {})
    if metric == "bias_accuracy":
        return _count(numbers["bias_correct"], record["n"]) if "bias_correct" in numbers else None
    return Reading(numbers[metric]) if metric in numbers else None


def _validation(record: Record, selection: str) -> Reading | None:
    curve, epoch = record["curves"].get("val", []), record["selections"][selection]["epoch"]
    return _count(curve[epoch - 1], record["n_val"]) if 0 < epoch <= len(curve) and record["n_val"] else None


def _count(correct: int, n: int) -> Reading:
    return Reading(100 * correct / n, correct, n)
