"""The record of a run as a frozen dataclass: its fields, its JSON, and the validation of what is read of it later."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, TypeAlias

from benchmark.core.digest import Json, digest
from benchmark.core.json_part import Part

SCHEMA = 1
SELECTIONS = ("last", "val", "released", "test")
EARLIER = ("last", "val", "test")
"""Selections of every record; the others are missing in records of earlier versions."""

Shape: TypeAlias = "type | tuple[type, ...] | dict[str, Shape]"
"""Required type of a value, or alternative types, or the shapes of an object's fields."""
EVERY = "*"
"""Name that stands for every field of an object, in its shape."""


def _by_selection(shape: "Shape") -> "Shape":
    """Shape of an object with a field for each selection."""
    return dict.fromkeys((*EARLIER, EVERY), shape)


SHAPE: dict[str, Shape] = {
    "asked": {"method": str, "shots": int, "seed": int},
    "n": int,
    "selections": _by_selection({"correct": int}),
    "fingerprints": {EVERY: str},
    "seconds": {"fit": (int, float), "total": (int, float)},
    "peak_memory_mib": int,
    "conditions": {"versions": {}},
}
"""Required fields of a record that are read somewhere, and their types."""
COUNTS: dict[str, Shape] = {name: SHAPE[name] for name in ("n", "selections")}
OPTIONAL: dict[str, Shape] = {
    "metrics": _by_selection({}),
    "max_logit": {"low": (int, float), "high": (int, float), "right": list, "wrong": list},
    "licences": {},
    "differs": {EVERY: str},
    "beta_curve": {"correct": list, "best": {"beta": (int, float), "correct": int}},
    "picked_on": {},
    "n_val": int,
    "measured": str,
    "curves": {EVERY: list},
    "parameters": int,
    "crops": str,
    "draw": str,
    "answers": str,
    "tested": str,
    "support": {"images": int, "fewest": int, "most": int},
    "validation": {"images": int, "fewest": int, "most": int},
    "warnings": list,
}
"""Optional fields of a record and their types, without `shifts`, which maps a shift's name to COUNTS."""
LARGEST = 2**53
"""Largest valid number: a float holds integers exactly up to here."""
WARNINGS, WARNING = 20, 1000
"""Largest number of warnings in a record, and of characters in one."""


@dataclass(frozen=True)
class Selection(Part):
    """The state of a method that one selection picks.

    Attributes:
        correct: Test images classified correctly.
        epoch: Epoch of the state, from 1; 0 for a method without training. None on a shift.
        tuned: Settings that the search after training changed. None on a shift.
        more: Fields of later versions.
    """

    correct: int
    epoch: int | None = None
    tuned: Mapping[str, float] | None = None
    more: Json = field(default_factory=dict)


@dataclass(frozen=True)
class OnShift(Part):
    """Accuracy on a shift of the run's data set.

    Attributes:
        n: Number of test images.
        selections: Selection -> its state's count on the shift.
        statistics: Classes over which the method's statistics ran, "all" or "held".
        more: Fields of later versions.
    """

    tables: ClassVar[Mapping[str, type[Part]]] = {"selections": Selection}

    n: int
    selections: Mapping[str, Selection]
    statistics: str | None = None
    more: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Histogram(Part):
    """Histogram of the largest zero-shot logit of the test images, apart for correct and wrong zero-shot answers.

    Attributes:
        low: Lower edge of the first bin.
        high: Upper edge of the last bin.
        right: Images of each bin that zero-shot CLIP classifies correctly.
        wrong: Images of each bin that it classifies wrongly.
        more: Fields of later versions.
    """

    low: float
    high: float
    right: Sequence[int]
    wrong: Sequence[int]
    more: Json = field(default_factory=dict)

    def side(self, name: str) -> Sequence[int]:
        """The counts called "right" or "wrong"."""
        return {"right": self.right, "wrong": self.wrong}[name]


@dataclass(frozen=True)
class Best(Part):
    """The best point of a curve over beta.

    Attributes:
        beta: Weight of the logit bias.
        correct: Test images classified correctly there.
        more: Fields of later versions.
    """

    beta: float
    correct: int
    more: Json = field(default_factory=dict)


@dataclass(frozen=True)
class BetaCurve(Part):
    """Accuracy over the weight of the logit bias (Figure 4a), of the state that `val` picks.

    Attributes:
        correct: Test images classified correctly at each of `benchmark.records.metrics.BETAS`.
        best: The best point of the exact curve.
        more: Fields of later versions.
    """

    parts: ClassVar[Mapping[str, type[Part]]] = {"best": Best}

    correct: Sequence[int]
    best: Best
    more: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Drawn(Part):
    """Number of the images that a run learnt from, or chose on.

    Attributes:
        images: Different images.
        fewest: Different images of the class that has the fewest.
        most: Different images of the class that has the most.
        repeated: Images that were drawn again, where a sampler repeats those of small classes.
        more: Fields of later versions.
    """

    images: int
    fewest: int
    most: int
    repeated: int | None = None
    more: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Record(Part):
    """The record of a run: the question, the counts, and the conditions under which they were measured.

    Attributes:
        key: Name of the run: the hash of `asked`.
        asked: The question with every default spelt out (`benchmark.exhibits.run.Run.asked`).
        n: Number of test images.
        selections: Selection, one of `SELECTIONS` -> the state that it picks; an early record has `EARLIER` only.
        fingerprints: "data", roles of encoders and shifts -> fingerprint on the day of measurement.
        seconds: "load", "fit", "total" -> wall-clock seconds.
        peak_memory_mib: Most memory that the process held, in MiB.
        conditions: Versions, commit, processor, device, threads, and how the features were made.
        n_val: Number of validation images.
        measured: Time of measurement, UTC, ISO 8601.
        picked_on: "val", "test" -> images of that kind classified correctly by the state that it picked.
        metrics: Selection -> name of a metric -> value.
        shifts: Role of a shift -> accuracy there.
        max_logit: Histogram of the largest zero-shot logits.
        beta_curve: Accuracy over beta, for methods that tune it.
        curves: "val", "test" -> images classified correctly after each epoch.
        parameters: Number of trained parameters.
        licences: Asset -> licence, where published data or weights took part.
        noncommercial: Whether one of the licences forbids commercial use.
        differs: Asset -> why its weights are not known to be the published ones, where their hash is another.
        crops: Crops of the support set that the method was trained on: a scale in words, or why there is none.
        draw: Name of the file with the names of the images drawn.
        answers: Name of the file with the answers, image by image.
        tested: Name of the file with the classes of the test images, where these are not balanced.
        support: Number of images in the support set, where there is one.
        validation: Number of validation images by class, where there is a support set.
        warnings: Warnings of libraries during the run, a line for each kind.
        schema: Version of this format.
        more: Fields of later versions.
        picked: Of a search over several runs: selection -> the run that it picks. Not part of the JSON.
    """

    parts: ClassVar[Mapping[str, type[Part]]] = {
        "max_logit": Histogram,
        "beta_curve": BetaCurve,
        "support": Drawn,
        "validation": Drawn,
    }
    tables: ClassVar[Mapping[str, type[Part]]] = {"selections": Selection, "shifts": OnShift}

    key: str
    asked: Json
    n: int
    selections: Mapping[str, Selection]
    fingerprints: Mapping[str, str]
    seconds: Mapping[str, float]
    peak_memory_mib: int
    conditions: Json
    n_val: int | None = None
    measured: str | None = None
    picked_on: Mapping[str, int] | None = None
    metrics: Mapping[str, Mapping[str, float]] | None = None
    shifts: Mapping[str, OnShift] | None = None
    max_logit: Histogram | None = None
    beta_curve: BetaCurve | None = None
    curves: Mapping[str, Sequence[int]] | None = None
    parameters: int | None = None
    licences: Mapping[str, str] | None = None
    noncommercial: bool | None = None
    differs: Mapping[str, str] | None = None
    crops: str | None = None
    draw: str | None = None
    answers: str | None = None
    tested: str | None = None
    support: Drawn | None = None
    validation: Drawn | None = None
    warnings: Sequence[str] | None = None
    schema: int = SCHEMA
    more: Json = field(default_factory=dict)
    picked: Mapping[str, "Record"] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def method(self) -> str:
        """The method's class, "package.module:Class"."""
        return str(self.asked["method"])

    @property
    def shots(self) -> int:
        """Shots of the support set; 0 where the method learns nothing."""
        return int(self.asked["shots"])

    @property
    def seed(self) -> int:
        """Seed of the support set."""
        return int(self.asked["seed"])

    @property
    def dataset(self) -> str:
        """Role of the data set; "" where the question names none."""
        return str(self.asked.get("dataset", ""))

    @property
    def settings(self) -> Json:
        """Every hyper-parameter of the method."""
        settings: Json = self.asked.get("settings", {})
        return settings

    @cached_property
    def cell_key(self) -> str:
        """Hash of the question without its seed: equal for all seeds of a cell."""
        return digest({name: value for name, value in self.asked.items() if name != "seed"})


def invalid(record: object, key: str) -> str:
    """Validate a record and everything that is read of it later.

    A text that cannot be encoded as UTF-8 raises ValueError.

    Args:
        record: the parsed JSON file.
        key: the key by the name of the file.

    Returns:
        The reason why the record is invalid, in a few words; "" for a valid record.
    """
    if not isinstance(record, dict):
        return "not a record: no JSON object"
    if record.get("schema") != SCHEMA:
        return f"not a record of schema {SCHEMA}: schema is {record.get('schema')!r}"
    if record.get("key") != key:
        return f"named {key} but holds the record of {record.get('key')!r}"
    if complaint := _misfit(record, SHAPE, ""):
        return f"not a record: {complaint}"
    if complaint := _misfit_of_more(record):
        return f"not a record: {complaint}"
    for place, counts in {"": record, **record.get("shifts", {})}.items():
        n = counts["n"]
        for name in counts["selections"]:
            if not 0 <= counts["selections"][name]["correct"] <= n or n == 0:
                return f"{place} selection {name!r}: correct is no count from 0 to {n}".strip()
    json.dumps(record, ensure_ascii=False).encode()  # raises ValueError for a text that is no valid UTF-8
    return "" if digest(record["asked"]) == key else "its name is not the hash of what it says was asked"


def _misfit_of_more(record: Json) -> str:
    """Why an optional field of a record is invalid, in a few words, lists and numbers included; "" if all are valid."""
    shape = {name: part for name, part in OPTIONAL.items() if name in record}
    if complaint := _misfit(record, shape, ""):
        return complaint
    if not re.fullmatch("[0-9a-f]{16}", record.get("answers", "0" * 16)):
        return "answers is no name of answers"
    if not re.fullmatch("[0-9a-f]{20}", record.get("tested", "0" * 20)):
        return "tested is no name of a list of classes"
    if complaint := next(filter(None, map(_miscount, ("support", "validation"), [record] * 2)), ""):
        return complaint
    texts = record.get("warnings", [])
    if len(texts) > WARNINGS or not all(isinstance(text, str) and len(text) <= WARNING for text in texts):
        return f"warnings are not at most {WARNINGS} texts of at most {WARNING} characters"
    shifts = record.get("shifts", {})
    if complaint := _misfit(shifts, dict.fromkeys(shifts, COUNTS) if isinstance(shifts, dict) else {}, "shifts"):
        return complaint
    numbers = [n for part in record.get("metrics", {}).values() for n in part.values()]
    counts = [*record.get("beta_curve", {}).get("correct", []), *record.get("picked_on", {}).values()]
    counts += [c for curve in record.get("curves", {}).values() for c in curve]
    counts += [s["epoch"] for s in record["selections"].values() if "epoch" in s]
    counts += [c for side in ("right", "wrong") for c in record.get("max_logit", {}).get(side, [])]
    # For speed, with hundreds of numbers a record: the exact complaint is computed for invalid numbers only.
    misfits = [_misfit(n, (int, float), "a metric") for n in numbers if not _plain(n, int, float)]
    misfits += [_misfit(c, int, "a count") for c in counts if not _plain(c, int)]
    chosen = [selection.get("tuned", {}) for selection in record["selections"].values()]
    misfits += [_misfit(settings, {}, "tuned") for settings in chosen]
    misfits += [_misfit(n, (int, float), "tuned") for s in chosen if isinstance(s, dict) for n in s.values()]
    misfits += [_misfit(text, str, "a licence") for text in record.get("licences", {}).values()]
    return next(filter(None, misfits), "")


def _miscount(name: str, record: Json) -> str:
    """Why the number of images "support" or "validation" of a record is impossible; "" if it is not."""
    said = record.get(name, {"fewest": 0, "most": 0, "images": 0})
    return "" if 0 <= said["fewest"] <= said["most"] <= said["images"] else f"{name} is no count of images by class"


def _plain(number: object, *kinds: type) -> bool:
    return type(number) in kinds and isinstance(number, int | float) and abs(number) <= LARGEST


def _misfit(value: object, shape: Shape, place: str) -> str:
    """Where a value at `place` does not have the required shape, in a few words; "" if it has."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{place} is no object"
        named = {name: part for name, part in shape.items() if name != EVERY}
        every = dict.fromkeys(value, shape[EVERY]) if EVERY in shape else {}
        parts = (_misfit(value.get(n), part, f"{place}.{n}".lstrip(".")) for n, part in {**every, **named}.items())
        return next(filter(None, parts), "")
    if isinstance(value, bool) or not isinstance(value, shape):
        return f"{place} is missing or of another type"
    too_large = isinstance(value, int | float) and abs(value) > LARGEST
    return f"{place} is too large" if too_large else ""
