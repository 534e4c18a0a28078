"""Records on disk: one JSON file a run, named by the run's key, with its per-image correctness beside it.

A record is written to a temporary file, synced and renamed, so that it is there whole or not at all; the JSON file comes
last and is what makes a record. The other is named by what it holds, and the record says its name: whoever dies on the way
leaves the old record with its own answers. Two machines' results merge by copying files. Counts are stored, not percentages.
"""

import hashlib
import json
import os
import re
import secrets
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from benchmark import paths
from benchmark.errors import BenchError
from benchmark.run import digest

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
"""What somebody reads of a record, and of which type it must therefore be."""
COUNTS = {"n": int, "selections": {name: {"correct": int} for name in SELECTIONS}}
OPTIONAL = {
    "metrics": {name: {} for name in SELECTIONS},
    "max_logit": {"low": (int, float), "high": (int, float), "right": list, "wrong": list},
    "licences": {},
    "beta_curve": {"correct": list, "best": {"beta": (int, float), "correct": int}},
    "picked_on": {},
    "answers": str,
}
"""What is read of a record where it is there, shifts besides, each of which has COUNTS."""
DRAWS = "draws"
"""Folder, beside the records, of the lists of images that were drawn."""
SKIPPED = "skipped"
"""Folder, beside the records, of what runs went without."""
LARGEST = 2**53
"""Beyond it a float is no exact count, and nothing that is measured here comes near it."""

Record = dict[str, Any]


@dataclass
class Store:
    """The records under one folder, usually results/<suite>."""

    root: Path
    problems: dict[str, str] = field(default_factory=dict)
    """File name -> why `records` skipped it."""
    _read_before: dict[str, Record] = field(default_factory=dict, repr=False)

    def get(self, key: str) -> Record | None:
        """The record of a run, or None where there is none that can be used."""
        path = self.root / f"{key}.json"
        return self._read(path) if path.is_file() else None

    def records(self) -> dict[str, Record]:
        """Every usable record by its key; the others are named in `problems`."""
        self.problems.clear()
        found = {path.stem: self._read(path) for path in sorted(self.root.glob("*.json"))}
        self._read_before = {key: record for key, record in found.items() if record is not None}
        return dict(self._read_before)

    def put(self, record: Record, correct: Mapping[str, np.ndarray]) -> Record:
        """Write a record, and `correct`: selection -> booleans [N], packed. ValueError for what `records` would skip.

        Returns it as it was written, with `answers`, the name of what is written of `correct`.
        """
        key = str(record["key"])
        packed = {name: np.packbits(bits) for name, bits in sorted(correct.items())}
        record = {**record, "answers": _content(packed)}
        if complaint := invalid(record, key) or _disagreement(record, correct):
            raise ValueError(complaint)
        text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False)
        before = self.get(key)
        self._read_before.pop(key, None)
        with paths.writing("results", self.root, "--results"):
            self.root.mkdir(parents=True, exist_ok=True)
            _write(self._answers(record), lambda f: np.savez_compressed(f, allow_pickle=False, **packed))
            _write(self.root / f"{key}.json", lambda f: f.write(text.encode()))
            if before is not None and self._answers(before) != self._answers(record):
                self._answers(before).unlink(missing_ok=True)
        return record

    def keep_draw(self, drawn: Mapping[str, list[str]]) -> str:
        """Keep the names of the images of a draw, once for all runs that share it, as draws/<hash>.json; returns the hash."""
        name = digest(drawn)
        with paths.writing("results", self.root, "--results"):
            (self.root / DRAWS).mkdir(parents=True, exist_ok=True)
            text = json.dumps(drawn, indent=0, ensure_ascii=False)
            _write(self.root / DRAWS / f"{name}.json", lambda f: f.write(text.encode("utf-8", "surrogateescape")))
        return name

    def keep_skipped(self, gone: Mapping[str, str], there: Collection[str]) -> None:
        """Note what runs go without, name -> in which state it was, so that a report can say it; and what is there now."""
        folder = self.root / SKIPPED
        with paths.writing("results", self.root, "--results"):
            for name in there:
                (folder / f"{digest({'name': name})}.json").unlink(missing_ok=True)
            for name, state in gone.items():
                folder.mkdir(parents=True, exist_ok=True)
                text = json.dumps({"name": name, "state": state}, ensure_ascii=False).encode()
                _write(folder / f"{digest({'name': name})}.json", lambda f, text=text: f.write(text))  # type: ignore[misc]

    def skipped(self) -> dict[str, str]:
        """What runs went without: name -> its state then. A note that cannot be read is none."""
        found = {}
        for path in sorted((self.root / SKIPPED).glob("*.json")):
            try:
                note = json.loads(path.read_bytes())
                found[str(note["name"])] = str(note["state"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return found

    def correct(self, key: str, selection: str) -> np.ndarray:
        """Whether each test image was classified rightly, booleans [N].

        BenchError where there is no such record, or its bits are gone, damaged, or those of another measurement.
        """
        record = self._read_before.get(key) or self.get(key)
        if record is None:
            raise BenchError(f"{self.root / key}.json: no such record; run it first")
        path = self._answers(record)
        try:
            with np.load(path, allow_pickle=False) as file:
                bits = np.unpackbits(file[selection], count=record["n"]).astype(bool)
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise BenchError(f"{path}: cannot be read ({error}); measure it again with --rerun") from error
        if complaint := _disagreement(record, {selection: bits}):
            raise BenchError(f"{path}: {complaint}; measure it again with --rerun")
        return bits

    def delete(self, key: str) -> None:
        """Forget a run, whether or not it was there."""
        record = self.get(key)
        self._read_before.pop(key, None)
        (self.root / f"{key}.json").unlink(missing_ok=True)
        if record is not None:
            self._answers(record).unlink(missing_ok=True)

    def check_writable(self) -> None:
        """BenchError before anything is measured, when nothing could be written afterwards."""
        paths.check_writable("results", self.root, "--results")

    def _answers(self, record: Record) -> Path:
        """Where a record's answers are; the first records did not say."""
        named = f"-{record['answers']}" if "answers" in record else ""
        return self.root / f"{record['key']}{named}.npz"

    def _read(self, path: Path) -> Record | None:
        try:
            record = json.loads(path.read_bytes(), parse_constant=_no_number, parse_float=_finite)
            complaint = invalid(record, path.stem)
        except (OSError, ValueError, RecursionError) as error:
            complaint = f"not readable as JSON ({error})"
        if complaint:
            self.problems[path.name] = complaint
            return None
        return record


def invalid(record: Any, key: str) -> str:
    """Why this is no record of ours, in a few words; empty when it is one. Whatever is read later is checked here."""
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
    json.dumps(record, ensure_ascii=False).encode()  # raises ValueError for a text that no file could hold
    return "" if digest(record["asked"]) == key else "its name is not the hash of what it says was asked"


def _misfit_of_more(record: Record) -> str:
    """The same of the parts that a record may have, their lists and numbers included."""
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
    # Hundreds a record, nearly all of them good: only the odd ones are asked what is wrong with them.
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
    """Where a value has not the shape wanted, in a few words; empty when it has."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{place} is no object"
        parts = (_misfit(value.get(name), part, f"{place}.{name}".lstrip(".")) for name, part in shape.items())
        return next(filter(None, parts), "")
    if isinstance(value, bool) or not isinstance(value, shape):
        return f"{place} is missing or of another type"
    too_large = isinstance(value, int | float) and abs(value) > LARGEST
    return f"{place} is too large" if too_large else ""


def _disagreement(record: Record, correct: Mapping[str, np.ndarray]) -> str:
    """Whether per-image correctness and the record's counts are of two measurements."""
    for name, bits in correct.items():
        counted = (len(bits), int(bits.sum()))
        said = (record["n"], record["selections"][name]["correct"])
        if counted != said:
            return (
                f"selection {name!r}: {counted[1]} of {counted[0]} images right, the record says {said[1]} of {said[0]}"
            )
    return ""


def _content(packed: Mapping[str, np.ndarray]) -> str:
    """16 hexadecimal digits that name answers by what they are."""
    content = hashlib.sha256()
    for name, bits in packed.items():
        content.update(name.encode() + b"\0" + bits.tobytes())
    return content.hexdigest()[:16]


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number a record may hold")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        _no_number(text)
    return value


def _write(path: Path, fill: Callable[[BinaryIO], Any]) -> None:
    """Fill a temporary file beside `path`, sync it, and rename it into place."""
    temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}.tmp"
    try:
        with temporary.open("xb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
