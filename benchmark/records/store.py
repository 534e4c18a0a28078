"""Records on disk: a JSON file for each run, named by the key of the run, and a file with its per-image correctness.

Files are written atomically (temporary file, sync, rename), and the JSON file last, which makes the record exist. The file of
per-image correctness is named by its content, and the record holds the name: an interrupted update leaves the previous record
with the previous file. Results of several machines are merged by `benchmark.records.merging`. Records hold counts, not
percentages.

A record that cannot be read, or that disagrees with itself or with its per-image correctness, is named and not used.
"""

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmark.core import array_files, files, leases, regular
from benchmark.core.digest import Json, JsonDict, digest
from benchmark.core.errors import BenchError
from benchmark.core.files import writing, written_whole
from benchmark.core.stamps import stamp
from benchmark.records import answers
from benchmark.records.checked import Checked
from benchmark.records.consistency import CHECKSUM, altered, disagreement, sealed, unsealed
from benchmark.records.record import Record, invalid

DRAWS = "draws"
"""Subfolder of the lists of drawn images."""
SKIPPED = "skipped"
"""Subfolder of the notes on assets that were missing when runs were skipped."""
TESTED = "tested"
"""Subfolder of the lists of the classes of test images."""
ASKED = "asked"
"""Subfolder of the notes on exhibits that were asked in other roles."""

LISTED = re.compile("[0-9a-f]{20}")
"""Name of a list in DRAWS or TESTED, the hash of what it holds."""


class Tested(NamedTuple):
    """Names of the classes; class of each test image [N]; its predicted class under `val` [N]."""

    classes: tuple[str, ...]
    labels: np.ndarray
    predicted: np.ndarray

    def fits(self, record: Record) -> bool:
        """Whether these are the images and the count of a record, in classes that are named."""
        if self.labels.shape != self.predicted.shape or not all(isinstance(name, str) for name in self.classes):
            return False
        both = np.concatenate([self.labels, self.predicted])
        right = int((self.labels == self.predicted).sum())
        return 0 <= both.min() <= both.max() < len(self.classes) and right == record.selections["val"].correct


@dataclass
class Store:
    """The records in one folder, usually results/<suite>."""

    root: Path
    problems: dict[str, str] = field(default_factory=dict)
    """File name -> reason, for the records that `records` skipped."""
    cache: Path | None = None
    """Cache folder, where records that agree with their answers are remembered; without one all are compared each time."""
    _read_before: dict[str, Record] = field(default_factory=dict, repr=False)
    _checked: Checked | None = field(default=None, repr=False)

    def get(self, key: str) -> Record | None:
        """The record of a run; None if it is missing or skipped."""
        return self._read(self.place(key), Checked())

    def place(self, key: str) -> Path:
        """Path of the record of a run."""
        return self.root / f"{key}.json"

    def stamp(self, key: str) -> tuple[int, ...] | None:
        """Stamp of the record of a run, which changes when it is written; None if it is missing."""
        try:
            return stamp(self.place(key))
        except OSError:
            return None

    def records(self) -> dict[str, Record]:
        """All usable records by key; the others are listed in `problems`."""
        self.problems.clear()
        known = self._checked = self._checked or Checked.of(self.root, self.cache)
        there = files.listed("results", self.root, "*.json", "--results")
        found = {path.stem: self._read(path, known) for path in there}
        known.save({path.name for path in there})
        self._read_before = {key: record for key, record in found.items() if record is not None}
        return dict(self._read_before)

    def with_late(self, keys: Iterable[str]) -> dict[str, Record]:
        """All usable records by key, those of `keys` also where a network file system does not list them yet."""
        found = self.records()
        late = {key: record for key in keys if key not in found and (record := self.get(key))}
        self._read_before |= late
        return found | late

    def put(self, record: Record, correct: Mapping[str, np.ndarray], predicted: np.ndarray | None = None) -> Record:
        """Write a record and its per-image correctness.

        Args:
            record: the record without `answers`.
            correct: name of answers (`answers.on`) -> whether each image is classified correctly, booleans [N].
            predicted: predicted classes of the test images under `val`, [N], for a test set that is not balanced.

        Returns:
            The record as written, with `answers`, the identifier of the file of per-image correctness.

        Raises:
            ValueError: for an invalid record, or for counts that disagree with `correct`.
        """
        said = json.loads(json.dumps(record.to_json(), allow_nan=False))
        packed = answers.packed(correct, predicted)
        said["answers"] = answers.named(packed)
        if complaint := invalid(said, record.key):
            raise ValueError(complaint)
        record = Record.from_json(said)
        if complaint := answers.disagreement(record, correct):
            raise ValueError(complaint)
        before = self._answers_before(record.key) - {self._answers(record)}
        self._read_before.pop(record.key, None)
        self._write(self._answers(record), array_files.packed(packed))
        self._write(self.root / f"{record.key}.json", json.dumps(sealed(said), indent=1, sort_keys=True).encode())
        self._remove(before)
        return record

    def keep_draw(self, drawn: Mapping[str, list[str]]) -> str:
        """Write the names of the images of a draw to draws/<hash>.json, shared by all runs on it; return the hash."""
        name = digest(drawn)
        text = json.dumps(drawn, indent=0, ensure_ascii=False)
        self._write(self.root / DRAWS / f"{name}.json", text.encode("utf-8", "surrogateescape"))
        return name

    def keep_tested(self, classnames: Sequence[str], labels: np.ndarray) -> str:
        """Write the classes of test images to tested/<hash>.json, shared by all runs on these.

        Args:
            classnames: names of the classes.
            labels: class of each test image, [N].

        Returns:
            The hash.
        """
        said = {"classes": list(classnames), "labels": labels.tolist()}
        name = digest(said)
        self._write(self.root / TESTED / f"{name}.json", json.dumps(said).encode())
        return name

    def answers_of(self, record: Record) -> dict[str, np.ndarray]:
        """The arrays of a record's file of per-image correctness (`answers.packed`); OSError or ValueError on failure."""
        return answers.read(self._answers(record))

    def listed(self, kind: str, name: str | None) -> JsonDict | None:
        """A list that records share, in the subfolder DRAWS or TESTED, by its hash; None unless it is as it was written."""
        if name is None or not LISTED.fullmatch(name):
            return None
        try:
            content = regular.read_bytes(self.root / kind / f"{name}.json")
            said = files.parsed(content.decode("utf-8", "surrogateescape"))
            return said if isinstance(said, dict) and digest(said) == name else None
        except (OSError, ValueError):
            return None

    def lists(self, kind: str, name: str | None) -> bool:
        """Whether a list that records share is here, whatever is in its file."""
        return name is not None and bool(LISTED.fullmatch(name)) and (self.root / kind / f"{name}.json").is_file()

    def tested(self, record: Record) -> Tested | None:
        """What a run predicted of each test image, and its class; None where that is not kept, or not as it was written."""
        said = self.listed(TESTED, record.tested)
        if said is None:
            return None
        try:
            predicted = answers.predicted(answers.read(self._answers(record), [answers.PREDICTED]), record.n)
            found = Tested(tuple(said["classes"]), np.array(said["labels"], np.int64), predicted.astype(np.int64))
        except (OSError, ValueError, TypeError, KeyError, OverflowError):
            return None
        return found if found.fits(record) else None

    def keep_skipped(self, gone: Mapping[str, str], there: Collection[str]) -> None:
        """Update the notes on missing assets, which reports print.

        Args:
            gone: name of a missing asset -> its state.
            there: names of assets that exist now; notes on them are deleted.
        """
        folder = self.root / SKIPPED
        self._remove(folder / f"{digest({'name': name})}.json" for name in there)
        for name, state in gone.items():
            text = json.dumps({"name": name, "state": state}, ensure_ascii=False)
            self._write(folder / f"{digest({'name': name})}.json", text.encode())

    def skipped(self) -> dict[str, str]:
        """Assets that were missing when runs were skipped: name -> state. Unreadable notes are ignored."""
        notes = self._notes(SKIPPED)
        return {str(note["name"]): str(note["state"]) for note in notes if {"name", "state"} <= note.keys()}

    def keep_asked(self, note: Json) -> None:
        """Note an exhibit that was asked in other roles than its own (`benchmark.exhibits.recalled.Note`), for reports."""
        self._write(self.root / ASKED / f"{digest(note)}.json", json.dumps(note).encode())

    def asked(self) -> list[JsonDict]:
        """The notes of `keep_asked`, as far as they are JSON objects."""
        return self._notes(ASKED)

    def _notes(self, kind: str) -> list[JsonDict]:
        """The notes in a subfolder, without unreadable ones."""
        found = []
        for path in files.listed("results", self.root / kind, "*.json", "--results"):
            try:
                found.append(files.parsed(regular.read_bytes(path)))
            except (OSError, ValueError):
                continue
        return [note for note in found if isinstance(note, dict)]

    def correct(self, key: str, selection: str, target: str | None = None) -> np.ndarray:
        """Per-image correctness of a run.

        Args:
            key: key of the run.
            selection: one of `record.SELECTIONS`.
            target: role of the shift whose images are asked for, rather than the test images.

        Returns:
            Whether each image is classified correctly, booleans [N].

        Raises:
            BenchError: if the record is missing or without this selection, or its file of per-image correctness is missing,
                damaged, or from another measurement.
        """
        record = self._read_before.get(key) or self._present(key)
        if record is None:
            raise BenchError(f"{self.root / key}.json: no such record; run it first")
        if selection not in record.selections:
            raise BenchError(f"{self.root / key}.json: has no selection {selection!r}; measure it again with --rerun")
        path, name = self._answers(record), answers.on(selection, target)
        try:
            bits = answers.right(answers.read(path, [name]), name, answers.counted(record, name)[1])
        except (OSError, ValueError) as error:
            raise BenchError(f"{path}: cannot be read ({_reason(error)}); measure it again with --rerun") from error
        if complaint := answers.disagreement(record, {name: bits}):
            raise BenchError(f"{path}: {complaint}; measure it again with --rerun")
        return bits

    def delete(self, key: str) -> None:
        """Delete the files of a run, if there are any."""
        gone = self._answers_before(key)
        self._read_before.pop(key, None)
        self._remove([self.root / f"{key}.json", *gone])

    def check_writable(self) -> None:
        """Raise BenchError if the folder is not writable; called before runs begin. Leftovers of killed writers go."""
        files.check_writable("results", self.root, "--results")
        for folder in (self.root, *(self.root / part for part in (DRAWS, SKIPPED, TESTED, ASKED))):
            files.tidy(folder)
        leases.tidy(self.root)

    def _answers(self, record: Record) -> Path:
        """Path of the file of per-image correctness; early records have no `answers` in its name."""
        named = f"-{record.answers}" if record.answers is not None else ""
        return self.root / f"{record.key}{named}.npz"

    def _present(self, key: str) -> Record | None:
        """The record of a run, whatever its answers are; None if it is missing or invalid."""
        path = self.root / f"{key}.json"
        try:
            return parsed_record(regular.read_bytes(path), path.stem)[0]
        except (OSError, ValueError):
            return None

    def _answers_before(self, key: str) -> set[Path]:
        """Files of per-image correctness of the record of a run; of an invalid record, which may not name its own, all."""
        there, record = (self.root / f"{key}.json").is_file(), self._present(key)
        if record is not None:
            return {self._answers(record)}
        return set(self.root.glob(f"{escape(key)}*.npz")) if there else set()

    def _write(self, path: Path, content: bytes) -> None:
        with written_whole("results", path, "--results") as file:
            file.write(content)

    def _remove(self, paths: Iterable[Path]) -> None:
        with writing("results", self.root, "--results"):
            for path in paths:
                path.unlink(missing_ok=True)

    def _read(self, path: Path, known: Checked) -> Record | None:
        """Read a record; None for one that is not there, or that is skipped and listed in `problems`."""
        content: bytes | None = None
        while True:
            before = content
            try:
                content = regular.read_bytes(path)
            except OSError as error:
                if os.path.lexists(path):  # a link to nothing is no absent record
                    self.problems[path.name] = f"cannot be read ({_reason(error)})"
                return None
            found = self._held(path, content, known)
            if isinstance(found, Record):
                return found
            if content == before:  # or else it was measured again meanwhile, and these are no more its answers
                self.problems[path.name] = found
                return None

    def _held(self, path: Path, content: bytes, known: Checked) -> Record | str:
        """The record in the content of a file, held against itself and its answers; or else what is wrong, in a few words."""
        try:
            if known.knows(path):
                return Record.from_json(unsealed(json.loads(content)))
            record, checked = parsed_record(content, path.stem)
        except ValueError as error:
            return str(error)
        if complaint := ("" if checked else disagreement(record)) or self._unlike_answers(record, checked):
            return complaint
        known.add(path, self._answers(record))
        return record

    def _unlike_answers(self, record: Record, checked: bool) -> str:
        """How a record, with or without a checksum, and its answers disagree, in a few words; "" if they agree."""
        path = self._answers(record)
        try:
            return answers.damage(record, checked, answers.read(path))
        except (OSError, ValueError) as error:
            return f"its answers, {path.name}, cannot be read ({_reason(error)})"


def parsed_record(content: str | bytes, key: str) -> tuple[Record, bool]:
    """Parse a record as its file holds it.

    Args:
        content: The JSON.
        key: The key by the name of the file.

    Returns:
        The record, and whether it had a checksum.

    Raises:
        ValueError: For anything but a valid record, in a few words.
    """
    try:
        said = files.parsed_finite(content)
        complaint = invalid(said, key) or altered(said)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not readable as JSON ({error})") from error
    if complaint:
        raise ValueError(complaint)
    return Record.from_json(unsealed(said)), CHECKSUM in said


def _reason(error: OSError | ValueError) -> str:
    return str((error.strerror if isinstance(error, OSError) else "") or error)
