"""Records on disk: a JSON file for each run, named by the key of the run, and a file with its per-image correctness.

Files are written atomically (temporary file, sync, rename), and the JSON file last, which makes the record exist. The file of
per-image correctness is named by its content, and the record holds the name: an interrupted update leaves the previous record
with the previous file. Results of several machines are merged by copying files. Records hold counts, not percentages.
"""

import hashlib
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from benchmark.core import files
from benchmark.core.digest import Json, JsonDict, digest
from benchmark.core.errors import BenchError
from benchmark.core.files import writing
from benchmark.records.record import Record, invalid

DRAWS = "draws"
"""Subfolder of the lists of drawn images."""
SKIPPED = "skipped"
"""Subfolder of the notes on assets that were missing when runs were skipped."""
ASKED = "asked"
"""Subfolder of the notes on exhibits that were asked in other roles."""


@dataclass
class Store:
    """The records in one folder, usually results/<suite>."""

    root: Path
    problems: dict[str, str] = field(default_factory=dict)
    """File name -> reason, for the invalid records that `records` skipped."""
    _read_before: dict[str, Record] = field(default_factory=dict, repr=False)

    def get(self, key: str) -> Record | None:
        """The record of a run; None if it is missing or invalid."""
        path = self.root / f"{key}.json"
        return self._read(path) if path.is_file() else None

    def records(self) -> dict[str, Record]:
        """All valid records by key; invalid ones are listed in `problems`."""
        self.problems.clear()
        found = {path.stem: self._read(path) for path in files.listed("results", self.root, "*.json", "--results")}
        self._read_before = {key: record for key, record in found.items() if record is not None}
        return dict(self._read_before)

    def put(self, record: Record, correct: Mapping[str, np.ndarray]) -> Record:
        """Write a record and its per-image correctness.

        Args:
            record: the record without `answers`.
            correct: selection -> whether each test image is classified correctly, booleans [N].

        Returns:
            The record as written, with `answers`, the identifier of the file of per-image correctness.

        Raises:
            ValueError: for an invalid record, or for counts that disagree with `correct`.
        """
        key = record.key
        packed = {name: np.packbits(bits) for name, bits in sorted(correct.items())}
        record = replace(record, answers=_content(packed))
        if complaint := invalid(record.to_json(), key) or _disagreement(record, correct):
            raise ValueError(complaint)
        text = json.dumps(record.to_json(), indent=1, sort_keys=True, allow_nan=False)
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
        """Write the names of the images of a draw to draws/<hash>.json, shared by all runs on it; return the hash."""
        name = digest(drawn)
        with writing("results", self.root, "--results"):
            (self.root / DRAWS).mkdir(parents=True, exist_ok=True)
            text = json.dumps(drawn, indent=0, ensure_ascii=False)
            _write(self.root / DRAWS / f"{name}.json", lambda f: f.write(text.encode("utf-8", "surrogateescape")))
        return name

    def keep_skipped(self, gone: Mapping[str, str], there: Collection[str]) -> None:
        """Update the notes on missing assets, which reports print.

        Args:
            gone: name of a missing asset -> its state.
            there: names of assets that exist now; notes on them are deleted.
        """
        folder = self.root / SKIPPED
        with writing("results", self.root, "--results"):
            for name in there:
                (folder / f"{digest({'name': name})}.json").unlink(missing_ok=True)
            for name, state in gone.items():
                folder.mkdir(parents=True, exist_ok=True)
                text = json.dumps({"name": name, "state": state}, ensure_ascii=False).encode()
                _write(folder / f"{digest({'name': name})}.json", lambda f, text=text: f.write(text))  # type: ignore[misc]

    def skipped(self) -> dict[str, str]:
        """Assets that were missing when runs were skipped: name -> state. Unreadable notes are ignored."""
        notes = self._notes(SKIPPED)
        return {str(note["name"]): str(note["state"]) for note in notes if {"name", "state"} <= note.keys()}

    def keep_asked(self, note: Json) -> None:
        """Note an exhibit that was asked in other roles than its own (`benchmark.exhibits.recalled.Note`), for reports."""
        with writing("results", self.root, "--results"):
            (self.root / ASKED).mkdir(parents=True, exist_ok=True)
            text = json.dumps(note).encode()
            _write(self.root / ASKED / f"{digest(note)}.json", lambda f: f.write(text))

    def asked(self) -> list[JsonDict]:
        """The notes of `keep_asked`, as far as they are JSON objects."""
        return self._notes(ASKED)

    def _notes(self, kind: str) -> list[JsonDict]:
        """The notes in a subfolder, without unreadable ones."""
        found = []
        for path in files.listed("results", self.root / kind, "*.json", "--results"):
            try:
                found.append(json.loads(path.read_bytes()))
            except (OSError, ValueError, RecursionError):
                continue
        return [note for note in found if isinstance(note, dict)]

    def correct(self, key: str, selection: str) -> np.ndarray:
        """Per-image correctness of a run.

        Args:
            key: key of the run.
            selection: one of `record.SELECTIONS`.

        Returns:
            Whether each test image is classified correctly, booleans [N].

        Raises:
            BenchError: if the record is missing or without this selection, or its file of per-image correctness is missing,
                damaged, or from another measurement.
        """
        record = self._read_before.get(key) or self.get(key)
        if record is None:
            raise BenchError(f"{self.root / key}.json: no such record; run it first")
        if selection not in record.selections:
            raise BenchError(f"{self.root / key}.json: has no selection {selection!r}; measure it again with --rerun")
        path = self._answers(record)
        try:
            with np.load(path, allow_pickle=False) as file:
                bits = np.unpackbits(file[selection], count=record.n).astype(bool)
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise BenchError(f"{path}: cannot be read ({error}); measure it again with --rerun") from error
        if complaint := _disagreement(record, {selection: bits}):
            raise BenchError(f"{path}: {complaint}; measure it again with --rerun")
        return bits

    def delete(self, key: str) -> None:
        """Delete the files of a run, if there are any."""
        record = self.get(key)
        self._read_before.pop(key, None)
        (self.root / f"{key}.json").unlink(missing_ok=True)
        if record is not None:
            self._answers(record).unlink(missing_ok=True)

    def check_writable(self) -> None:
        """Raise BenchError if the folder is not writable; called before runs begin."""
        files.check_writable("results", self.root, "--results")

    def _answers(self, record: Record) -> Path:
        """Path of the file of per-image correctness; early records have no `answers` in its name."""
        named = f"-{record.answers}" if record.answers is not None else ""
        return self.root / f"{record.key}{named}.npz"

    def _read(self, path: Path) -> Record | None:
        try:
            said = json.loads(path.read_bytes(), parse_constant=_no_number, parse_float=_finite)
            complaint = invalid(said, path.stem)
        except (OSError, ValueError, RecursionError) as error:
            complaint = f"not readable as JSON ({error})"
        if complaint:
            self.problems[path.name] = complaint
            return None
        return Record.from_json(said)


def _disagreement(record: Record, correct: Mapping[str, np.ndarray]) -> str:
    """How per-image correctness and the counts of a record disagree, in a few words; "" if they agree."""
    for name, bits in correct.items():
        if name not in record.selections:
            return f"selection {name!r}: per-image correctness of a selection that the record does not have"
        counted = (len(bits), int(bits.sum()))
        said = (record.n, record.selections[name].correct)
        if counted != said:
            return (
                f"selection {name!r}: {counted[1]} of {counted[0]} images right, the record says {said[1]} of {said[0]}"
            )
    return ""


def _content(packed: Mapping[str, np.ndarray]) -> str:
    """Identifier of packed per-image correctness: 16 hexadecimal digits of the sha256 of its content."""
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


def _write(path: Path, fill: Callable[[BinaryIO], object]) -> None:
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
