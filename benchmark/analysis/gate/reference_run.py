"""Our own committed run of a suite, results/reference/<suite>/: what is read of it, and how it is made.

Files: the exhibits' tidy rows, every run's answers image by image under `SELECTION`, what else is read of a run, seconds by
method, and the conditions.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmark.analysis.results import Measured
from benchmark.core import paths
from benchmark.core.digest import digest
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.files import writing
from benchmark.core.numbers import fixed
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Cell
from benchmark.records import provenance, readings
from benchmark.records import timings as timings_module
from benchmark.records.record import Record
from benchmark.records.store import Store

ANSWERS = "answers.npz"
PRINTED = "paper"
"""The folder of the paper's printed numbers, beside those of reference runs."""
READINGS = "readings.csv"
AS_WRITTEN = 1e-4
"""Tidy rows have four decimals; what differs by no more has not changed."""
SELECTION = "val"
"""The selection whose answers the reference keeps, and that is held against it."""


@dataclass(frozen=True)
class Golden:
    """Our own committed run of a suite.

    Attributes:
        suite: Name of the suite.
        option: Option that selects the suite, for the commands in errors (`Suite.option`).
    """

    suite: str
    option: str = ""

    @property
    def update(self) -> str:
        """The command that makes our records the reference run."""
        return f"bench check --update{self.option}"

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return paths.reference() / (f"{self.suite}-run" if self.suite == PRINTED else self.suite)

    def exhibits(self) -> list[str]:
        """The exhibits that it has; Incomplete where there is none at all."""
        there = [name for name in exhibit.names() if (self.folder / f"{name}.csv").is_file()]
        if not there:
            raise Incomplete(f"{self.folder}: there is no reference run for suite {self.suite}; {self.update}")
        return there

    def cells(self, name: str) -> list[dict[str, str]]:
        """The rows of an exhibit under `SELECTION`; Incomplete where the reference has it not."""
        path = self.folder / f"{name}.csv"
        if not path.is_file():
            raise Incomplete(f"{path}: there is no reference run of {name} for suite {self.suite}")
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [row for row in csv.DictReader(file) if row["selection"] == SELECTION and row["mean"]]

    @cached_property
    def all_answers(self) -> dict[str, np.ndarray]:
        """Question and images, by their hashes -> which images were right, packed. BenchError for a damaged file."""
        path = self.folder / ANSWERS
        if not path.is_file():
            return {}
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise BenchError(f"{path}: cannot be read ({error}); make it again with {self.update}") from error

    def answers(self, record: Record) -> np.ndarray | None:
        """Look up which images the reference run classified correctly.

        Answers are stored by a hash of the question and of the test images, so that they are found for equal images only.

        Args:
            record: Record of a run with the question to look up.

        Returns:
            Booleans [N]; None if the reference run has no answers to this question on these images.
        """
        packed = self.all_answers.get(_named(readings.under(record, SELECTION)))
        if packed is None or len(packed) != -(-record.n // 8):
            return None
        return np.unpackbits(packed, count=record.n).astype(bool)

    @cached_property
    def all_readings(self) -> dict[str, float]:
        """Question, images, metric -> what was read. BenchError for a damaged file."""
        path = self.folder / READINGS
        if not path.is_file():
            return {}
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                return {row["run"]: float(row["value"]) for row in csv.DictReader(file)}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BenchError(f"{path}: cannot be read ({error}); make it again with {self.update}") from error

    def reading(self, record: Record, cell: Cell) -> float | None:
        """What the reference's run of the same question has where a cell reads; None where it has none such."""
        return self.all_readings.get(_reading_named(record, cell))


def update(shown: Sequence[Measured], records: Mapping[str, Record], store: Store) -> tuple[list[Path], list[str]]:
    """Make the measured exhibits the reference run; exhibits that are not in `shown` keep their part of it.

    Args:
        shown: Measured exhibits of one suite, at least one.
        records: Key -> record, for the seconds and the conditions.
        store: Store of the records, which holds the answers of their runs.

    Returns:
        The files written, and a line for each change of a number in them.
    """
    from benchmark.analysis import results  # with what it draws by, which comparing does without

    golden = Golden(shown[0].suite.name, shown[0].suite.option)
    changes = [line for measured in shown for line in _changes(measured, golden)]
    kept = _has_others(golden, shown)
    files: dict[str, bytes] = {
        **{f"{m.exhibit.id}.csv": results.csv(replace(m, rows=[r for r in m.rows if r.seeds])).encode() for m in shown},
        ANSWERS: _packed(
            (readings.under(r, SELECTION) for m in shown for found in m.records.values() for r in found),
            store,
            golden.all_answers if kept else {},
        ),
        READINGS: _read(shown, golden.all_readings if kept else {}).encode(),
        "seconds.csv": _seconds(records).encode(),
        "conditions.json": (
            json.dumps(provenance.summary(records.values()), indent=1, ensure_ascii=False) + "\n"
        ).encode(),
    }
    with writing("reference", golden.folder, "a checkout of the source"):
        golden.folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (golden.folder / name).write_bytes(content)
    return [golden.folder / name for name in files], changes


def _changes(measured: Measured, golden: Golden) -> list[str]:
    """Cells whose mean in the reference becomes another one, and how many there are more or fewer."""
    try:
        before = {(c["row"], c["column"]): float(c["mean"]) for c in golden.cells(measured.exhibit.id)}
    except Incomplete:
        return [f"{measured.exhibit.id}: new"]
    rows = [r for r in measured.rows if r.selection == SELECTION and r.mean is not None]
    after = {(r.row, r.column): r.mean for r in rows if r.mean is not None}
    lines = [
        f"{measured.exhibit.id}: {', '.join(p)}: {b:.4g} -> {after[p]:.4g}"
        for p, b in before.items()
        if p in after and abs(after[p] - b) > AS_WRITTEN
    ]
    gone, new = len(before.keys() - after.keys()), len(after.keys() - before.keys())
    return lines + ([f"{measured.exhibit.id}: {new} cells more, {gone} fewer"] if gone or new else [])


def keeps_answers(cell: Cell) -> bool:
    """Whether what a cell reads of a record is an accuracy on images whose answers are kept one by one."""
    return cell.question.metric == "accuracy" and cell.question.target is None


def _named(record: Record, on: str = "data") -> str:
    """What an answer is of: a question, and the images it was asked of (those of a shift, by its role)."""
    return f"{record.key}-{digest({'data': record.fingerprints.get(on)})}"


def _reading_named(record: Record, cell: Cell) -> str:
    target = cell.question.target or "data"
    return f"{_named(readings.under(record, SELECTION), target)} {cell.question.metric} {target}"


def _has_others(golden: Golden, shown: Sequence[Measured]) -> bool:
    """Whether the reference has exhibits that are not made anew."""
    try:
        return bool(set(golden.exhibits()) - {measured.exhibit.id for measured in shown})
    except Incomplete:
        return False


def _read(shown: Iterable[Measured], others: Mapping[str, float]) -> str:
    """What cells read of runs where it is not answers of images, and other readings that stay, as CSV."""
    ours = {
        _reading_named(record, cell): reading.value
        for measured in shown
        for cell in measured.exhibit.cells()
        if not keeps_answers(cell)
        for record in measured.records.get((cell.row, cell.column), [])
        if (reading := readings.read(record, cell.question, SELECTION)) is not None
    }
    lines = [f"{name},{fixed(value, 6)}" for name, value in sorted({**others, **ours}.items())]
    return "\n".join(["run,value", *lines]) + "\n"


def _packed(records: Iterable[Record], store: Store, others: Mapping[str, np.ndarray]) -> bytes:
    """The answers of every run, packed eight images a byte, and others that stay."""
    ours = {_named(record): np.packbits(store.correct(record.key, SELECTION)) for record in records}
    packed = dict(sorted({**others, **ours}.items()))
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **packed)
    return stream.getvalue()


def _seconds(records: Mapping[str, Record]) -> str:
    timings = sorted(timings_module.timings(records).items())
    lines = [f"{method},{dataset},{shots},{seconds:.3f}" for (method, dataset, shots), seconds in timings]
    return "\n".join(["method,dataset,shots,seconds", *lines]) + "\n"
