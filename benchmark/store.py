"""Records on disk: one JSON file a run, named by the run's key, with its per-image correctness beside it.

A record is written to a temporary file, synced and renamed, so that it is there whole or not at all; the JSON file comes
last and is what makes a record. Two machines' results merge by copying files. Counts are stored, never percentages.
"""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

import numpy as np

from benchmark.errors import BenchError

SCHEMA = 1
SELECTIONS = ("last", "val", "test")

Record = dict[str, Any]


@dataclass
class Store:
    """The records under one folder, usually results/<suite>."""

    root: Path
    problems: dict[str, str] = field(default_factory=dict)
    """File name -> why `records` skipped it."""

    def get(self, key: str) -> Record | None:
        """The record of a run, or None where there is none that can be used."""
        path = self.root / f"{key}.json"
        return self._read(path) if path.is_file() else None

    def records(self) -> dict[str, Record]:
        """Every usable record by its key; the others are named in `problems`."""
        self.problems.clear()
        found = {path.stem: self._read(path) for path in sorted(self.root.glob("*.json"))}
        return {key: record for key, record in found.items() if record is not None}

    def put(self, record: Record, correct: Mapping[str, np.ndarray]) -> None:
        """Write a record, and `correct`: selection -> booleans [N], packed."""
        key = record["key"]
        text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False)
        packed = {name: np.packbits(bits) for name, bits in correct.items()}
        with self._explained():
            self.root.mkdir(parents=True, exist_ok=True)
            _write(self.root / f"{key}.npz", lambda f: np.savez_compressed(f, allow_pickle=False, **packed))
            _write(self.root / f"{key}.json", lambda f: f.write(text.encode()))

    def correct(self, key: str, selection: str) -> np.ndarray:
        """Whether each test image was classified rightly, booleans [N]."""
        record = self.get(key)
        if record is None:
            raise BenchError(f"{self.root / key}.json: no such record; run it first")
        with np.load(self.root / f"{key}.npz", allow_pickle=False) as file:
            return np.unpackbits(file[selection], count=record["n"]).astype(bool)

    def delete(self, key: str) -> None:
        """Forget a run, whether or not it was there."""
        for suffix in (".json", ".npz"):
            (self.root / f"{key}{suffix}").unlink(missing_ok=True)

    def check_writable(self) -> None:
        """BenchError before anything is measured, when nothing could be written afterwards."""
        with self._explained():
            self.root.mkdir(parents=True, exist_ok=True)
            _write(self.root / ".writable", lambda f: f.write(b""))
            (self.root / ".writable").unlink()

    def _explained(self) -> "_Explained":
        return _Explained(self.root)

    def _read(self, path: Path) -> Record | None:
        try:
            record = json.loads(path.read_bytes(), parse_constant=_no_nan)
            complaint = invalid(record, path.stem)
        except (OSError, ValueError, RecursionError) as error:
            complaint = f"not readable as JSON ({error})"
        if complaint:
            self.problems[path.name] = complaint
            return None
        return record


class _Explained:
    """Turns an OSError into the one line that says what to do about it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise BenchError(
                f"results folder {self.root}: cannot be written ({reason}); choose another with --results"
            ) from error


def invalid(record: Any, key: str) -> str:
    """Why this is no record of ours, in a few words; empty when it is one."""
    if not isinstance(record, dict):
        return "not a record: no JSON object"
    if record.get("schema") != SCHEMA:
        return f"not a record of schema {SCHEMA}: schema is {record.get('schema')!r}"
    if record.get("key") != key:
        return f"named {key} but holds the record of {record.get('key')!r}"
    n = record.get("n")
    if not (_count(n) and isinstance(record.get("asked"), dict) and isinstance(record.get("fingerprints"), dict)):
        return "not a record: n, asked or fingerprints is missing"
    selections = record.get("selections")
    for name in SELECTIONS:
        selection = selections.get(name) if isinstance(selections, dict) else None
        correct = selection.get("correct") if isinstance(selection, dict) else None
        if not _count(correct) or correct > n:
            return f"selection {name!r}: correct is no count from 0 to {n}"
    return ""


def _count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _no_nan(name: str) -> None:
    raise ValueError(f"{name} is no number a record may hold")


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
