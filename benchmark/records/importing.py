"""Records of a results.jsonl, taken into a store as those of another folder are; and results.csv, held against its schema.

A line is read alone, whatever the others hold: one that is cut or altered is left out, and the others are taken. Of a line
nothing but its record, its answers and its lists is taken. The other fields say the same again for programs, and are held
against the record.
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmark.core import files, regular, tidy_csv
from benchmark.core.digest import Json, JsonDict, digest
from benchmark.core.errors import BenchError, Incomplete
from benchmark.records import answers, lines, merging
from benchmark.records.consistency import disagreement
from benchmark.records.exporting import CARRIER
from benchmark.records.merging import Merged
from benchmark.records.record import Record
from benchmark.records.store import DRAWS, TESTED, Store, parsed_record

LINE = 16 << 20
"""Bytes of the longest line; a record of 50,000 images and four shifts, with 16,000 names of drawn images, has a million."""
LARGEST = 1 << 30
"""Bytes of the largest results.jsonl. A larger one can be cut between any two lines."""
LARGEST_CSV = 256 << 20
"""Bytes of the largest results.csv, which is read at once."""
GZIP = b"\x1f\x8b"
DIGITS = re.compile("-?[0-9]{1,16}")

_UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError)
"""Exceptions that content of others may raise on its way into arrays and records."""


@dataclass
class Imported(Merged):
    """The lines of one file, and what became of its records.

    Attributes:
        lines: Number of valid lines.
        whole: Keys of the runs whose record is in the file and valid, in its order.
    """

    lines: int = 0
    whole: list[str] = field(default_factory=list)


def read(file: Path, suite: str, store: Store | None) -> Imported:
    """Read a results.jsonl or results.csv, and take its records into a store.

    A file that cannot be read is a BenchError, one that is not there an Incomplete.

    Args:
        file: The file; one whose name ends in .csv is CSV.
        suite: Name of the suite; a record that names another is left out.
        store: The store that takes them; None to hold the file against its schema and its records alone.

    Returns:
        What became of each line and record.
    """
    found, waiting = Imported(str(file)), _Waiting()
    for number, said in _said(file):
        place = f"line {number}"
        if complaint := said if isinstance(said, str) else lines.complaint(said):
            found.left_out[place] = complaint
            continue
        assert isinstance(said, dict)
        try:
            if said.get("record") is None:
                waiting.add(place, said)
            else:
                _take(found, waiting, said, suite, store)
            found.lines += 1
        except (OSError, *_UNREADABLE) as error:
            found.left_out[place] = str(error)
            waiting.broken.add(said["key"])
    if not is_csv(file):
        found.left_out.update(waiting.complaints())
        found.lines -= len(waiting.complaints())
    return found


def is_csv(file: Path) -> bool:
    """Whether a file is CSV by its name."""
    return file.suffix.lower() == ".csv"


def check(file: Path) -> None:
    """Refuse a file whose first line is none of this schema, before anything is taken.

    Args:
        file: The file.

    Raises:
        Incomplete: No such file, or one without a line.
        BenchError: A file that cannot be read, or is of another kind or schema.
    """
    for number, said in _said(file):
        wrong = said if isinstance(said, str) else ""
        if isinstance(said, dict) and said.get("schema") != lines.SCHEMA["$id"]:
            wrong = lines.complaint(said)
        if wrong:
            raise BenchError(f"{file}: line {number}: {wrong}; name a file that bench results export wrote")
        return
    raise Incomplete(f"{file}: holds no line; write one with bench results export")


@dataclass
class _Waiting:
    """Lines without a record, until the record of their run is known, wherever it stands in the file.

    Attributes:
        lines: Place and line of each.
        records: Key -> its records; several where files were joined.
        broken: Keys of records that were left out.
    """

    lines: list[tuple[str, Json]] = field(default_factory=list)
    records: dict[str, list[Record]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def add(self, place: str, said: Json) -> None:
        """Keep a line."""
        self.lines.append((place, said))

    def complaints(self) -> dict[str, str]:
        """Place of a line -> why it is not valid: its run has no record, or all that it has say something else."""
        found = {}
        for place, said in self.lines:
            if said["key"] in self.broken:
                continue
            said_by = [lines.unlike(said, record) for record in self.records.get(said["key"], [])]
            if not said_by:
                found[place] = f"run {said['key']} has no line with its record, that of selection {CARRIER!r}"
            elif all(said_by):
                found[place] = said_by[0]
        return found


def _take(found: Imported, waiting: _Waiting, said: JsonDict, suite: str, store: Store | None) -> None:
    """Read the record of a line, and take it; ValueError and others of `_UNREADABLE` for one that is damaged."""
    record, checked = parsed_record(said["record"], said["key"])
    arrays = _arrays(said["answers"], record)
    complaint = ("" if checked else disagreement(record)) or answers.damage(record, checked, arrays)
    if complaint := complaint or lines.unlike(said, record):
        raise ValueError(complaint)
    lists = {(DRAWS, record.draw): _listed(said["draw"]), (TESTED, record.tested): _listed(said["tested"])}
    for (kind, name), listed in lists.items():
        if listed is not None and digest(listed) != name:
            raise ValueError(f"{kind}: the list is not the one that the record names")
    if store is not None:
        merging.take(found, store, suite, record, lambda: arrays, lambda kind, name: lists.get((kind, name)))
    waiting.records.setdefault(record.key, []).append(record)
    found.whole.append(record.key)


def _arrays(text: str, record: Record) -> Mapping[str, np.ndarray]:
    """The answers of a line, as `answers.packed` has them."""
    content = {name: b64decode(part, validate=True) for name, part in json.loads(text).items()}
    found = {name: np.frombuffer(part, np.uint8) for name, part in content.items()}
    if (predicted := content.get(answers.PREDICTED)) is not None:
        width = 2 if len(predicted) == 2 * record.n else 4
        found[answers.PREDICTED] = np.frombuffer(predicted, f"<u{width}").astype(f"u{width}")
    return found


def _listed(text: str | None) -> JsonDict | None:
    return None if text is None else files.parsed_finite(text)


def _said(file: Path) -> Iterator[tuple[int, JsonDict | str]]:
    """Number and content of each line; what is wrong with it, in a few words, where it is none."""
    try:
        yield from _rows(file) if is_csv(file) else _lines(file)
    except FileNotFoundError as error:
        raise Incomplete(f"{file}: no such file; write one with bench results export") from error
    except OSError as error:
        raise BenchError(f"{file}: cannot be read ({error.strerror or error}); name a results.jsonl") from error


def _lines(file: Path) -> Iterator[tuple[int, JsonDict | str]]:
    with regular.opened(file, LARGEST) as stream:
        number = 0
        while content := stream.readline(LINE + 1):
            number += 1
            if number == 1 and content.startswith(GZIP):
                raise BenchError(f"{file}: is compressed; unpack it first, with gunzip")
            if len(content) > LINE:
                while not content.endswith(b"\n") and (content := stream.readline(LINE)):
                    pass
                yield number, f"longer than {LINE:,} bytes, the most that is read"
            elif content.strip():
                yield number, _parsed(content)


def _parsed(content: bytes) -> JsonDict | str:
    try:
        said = files.parsed_finite(content.decode("utf-8"))
    except UnicodeDecodeError:
        return "no UTF-8 text"
    except ValueError as error:
        return f"no JSON ({error})" if content.endswith(b"\n") else f"no JSON ({error}); the file may have been cut"
    return said if isinstance(said, dict) else "no JSON object"


def _rows(file: Path) -> Iterator[tuple[int, JsonDict | str]]:
    try:
        found = tidy_csv.rows(regular.read_bytes(file, LARGEST_CSV))
    except ValueError as error:
        raise BenchError(f"{file}: {error}; name a file that bench results export wrote") from error
    for number, row in enumerate(found, 2):
        yield number, {name: _value(name, cell) for name, cell in row.items()}


def _value(name: str, cell: str) -> object:
    """The value of a cell, of the type that the schema gives its field; the text itself where it is of none."""
    kinds = lines.SCHEMA["properties"].get(name, {}).get("type", "string")
    if cell == "" and "null" in kinds:
        return None
    if "boolean" in kinds:
        return {"true": True, "false": False}.get(cell, cell)
    if "integer" in kinds:
        return int(cell) if DIGITS.fullmatch(cell) else cell
    if "number" in kinds:
        return _number(cell)
    return cell


def _number(cell: str) -> object:
    try:
        value = files.parsed_finite(cell)
    except ValueError:
        return cell
    return value if isinstance(value, int | float) else cell
