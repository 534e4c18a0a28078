"""Records on disk: one JSON file a run, named by the run's key, with its per-image correctness beside it.

A record is written to a temporary file, synced and renamed, so that it is there whole or not at all; the JSON file comes
last and is what makes a record. The other is named by what it holds, and the record says its name: whoever dies on the way
leaves the old record with its own answers. Two machines' results merge by copying files. Counts are stored, not percentages.
"""

import hashlib
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from benchmark.core import files
from benchmark.core.digest import digest
from benchmark.core.errors import BenchError
from benchmark.core.files import writing
from benchmark.records.record import Record, invalid

DRAWS = "draws"
"""Folder, beside the records, of the lists of images that were drawn."""
SKIPPED = "skipped"
"""Folder, beside the records, of what runs went without."""


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
        with writing("results", self.root, "--results"):
            self.root.mkdir(parents=True, exist_ok=True)
            _write(self._answers(record), lambda f: np.savez_compressed(f, allow_pickle=False, **packed))
            _write(self.root / f"{key}.json", lambda f: f.write(text.encode()))
            if before is not None and self._answers(before) != self._answers(record):
                self._answers(before).unlink(missing_ok=True)
        return record

    def keep_draw(self, drawn: Mapping[str, list[str]]) -> str:
        """Keep the names of the images of a draw, once for all runs that share it, as draws/<hash>.json; returns the hash."""
        name = digest(drawn)
        with writing("results", self.root, "--results"):
            (self.root / DRAWS).mkdir(parents=True, exist_ok=True)
            text = json.dumps(drawn, indent=0, ensure_ascii=False)
            _write(self.root / DRAWS / f"{name}.json", lambda f: f.write(text.encode("utf-8", "surrogateescape")))
        return name

    def keep_skipped(self, gone: Mapping[str, str], there: Collection[str]) -> None:
        """Note what runs go without, name -> in which state it was, so that a report can say it; and what is there now."""
        folder = self.root / SKIPPED
        with writing("results", self.root, "--results"):
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
        files.check_writable("results", self.root, "--results")

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
