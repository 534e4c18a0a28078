"""The schema of a run's record, and its validation."""

import json
import re
from typing import Any

from benchmark.core.digest import digest

SCHEMA = 1
SELECTIONS = ("last", "val", "test")
SHAPE = {
    "asked": {"method": str, "shots": int, "seed": int},
    "n": int,
    "selections": {name: {"correct": int} for name in SELECTIONS},
    "fingerprints": {},
    "seconds": {"fit": (int, float), "total": (int, float)},
    "peak_memory_mib": int,
    "conditions": {"versions": {}},
}
"""Required fields of a record that are read somewhere, and their types."""
COUNTS = {"n": int, "selections": {name: {"correct": int} for name in SELECTIONS}}
OPTIONAL = {
    "metrics": {name: {} for name in SELECTIONS},
    "max_logit": {"low": (int, float), "high": (int, float), "right": list, "wrong": list},
    "licences": {},
    "beta_curve": {"correct": list, "best": {"beta": (int, float), "correct": int}},
    "picked_on": {},
    "answers": str,
}
"""Optional fields of a record and their types, without `shifts`, which maps a shift's name to COUNTS."""
LARGEST = 2**53
"""Largest valid number: a float holds integers exactly up to here."""

Record = dict[str, Any]


def invalid(record: Any, key: str) -> str:
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
        for name in SELECTIONS:
            if not 0 <= counts["selections"][name]["correct"] <= n or n == 0:
                return f"{place} selection {name!r}: correct is no count from 0 to {n}".strip()
    json.dumps(record, ensure_ascii=False).encode()  # raises ValueError for a text that is no valid UTF-8
    return "" if digest(record["asked"]) == key else "its name is not the hash of what it says was asked"


def _misfit_of_more(record: Record) -> str:
    """Why an optional field of a record is invalid, in a few words, lists and numbers included; "" if all are valid."""
    shape = {name: part for name, part in OPTIONAL.items() if name in record}
    if complaint := _misfit(record, shape, ""):
        return complaint
    if not re.fullmatch("[0-9a-f]{16}", record.get("answers", "0" * 16)):
        return "answers is no name of answers"
    shifts = record.get("shifts", {})
    if complaint := _misfit(shifts, dict.fromkeys(shifts, COUNTS) if isinstance(shifts, dict) else {}, "shifts"):
        return complaint
    numbers = [n for part in record.get("metrics", {}).values() for n in part.values()]
    counts = [*record.get("beta_curve", {}).get("correct", []), *record.get("picked_on", {}).values()]
    counts += [c for side in ("right", "wrong") for c in record.get("max_logit", {}).get(side, [])]
    # For speed, with hundreds of numbers a record: the exact complaint is computed for invalid numbers only.
    misfits = [_misfit(n, (int, float), "a metric") for n in numbers if not _plain(n, int, float)]
    misfits += [_misfit(c, int, "a count") for c in counts if not _plain(c, int)]
    chosen = [selection.get("tuned", {}) for selection in record["selections"].values()]
    misfits += [_misfit(settings, {}, "tuned") for settings in chosen]
    misfits += [_misfit(n, (int, float), "tuned") for s in chosen if isinstance(s, dict) for n in s.values()]
    misfits += [_misfit(text, str, "a licence") for text in record.get("licences", {}).values()]
    return next(filter(None, misfits), "")


def _plain(number: Any, *kinds: type) -> bool:
    return type(number) in kinds and abs(number) <= LARGEST


def _misfit(value: Any, shape: Any, place: str) -> str:
    """Where a value at `place` does not have the required shape, in a few words; "" if it has."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{place} is no object"
        parts = (_misfit(value.get(name), part, f"{place}.{name}".lstrip(".")) for name, part in shape.items())
        return next(filter(None, parts), "")
    if isinstance(value, bool) or not isinstance(value, shape):
        return f"{place} is missing or of another type"
    too_large = isinstance(value, int | float) and abs(value) > LARGEST
    return f"{place} is too large" if too_large else ""
