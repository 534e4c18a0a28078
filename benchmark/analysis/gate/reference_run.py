"""Our own committed run of a suite, results/reference/<suite>/: what is read of it, and how it is made.

Files: the exhibits' tidy rows, every run's answers image by image under `SELECTION`, what else is read of a run, seconds by
method, the conditions, and the hashes of all these, against which each is held when it is read.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from pathlib import Path

import numpy as np

from benchmark.analysis import pairing, results
from benchmark.analysis.results import Measured
from benchmark.core import array_files, manifest, paths, tidy_csv
from benchmark.core.digest import digest
from benchmark.core.errors import BenchError, Damaged, Incomplete
from benchmark.core.files import written_whole
from benchmark.core.numbers import fixed
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Cell
from benchmark.records import provenance, readings, timings
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
    def remedy(self) -> str:
        """Last words of an error on a damaged file."""
        return f"make it again with {self.update}"

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return paths.reference() / (f"{self.suite}-run" if self.suite == PRINTED else self.suite)

    @property
    def unlisted(self) -> str:
        """A line on a reference run of an earlier version, whose files are held against nothing; "" for others."""
        if manifest.sums(self.folder, self.remedy) is not None:
            return ""
        return f"{self.folder}: has no {manifest.SUMS}, so that a changed file is not found; {self.update} writes one"

    def exhibits(self) -> list[str]:
        """The exhibits that it has; Incomplete where there is none at all, Damaged where a file is not as it was written."""
        manifest.verify(self.folder, self.remedy)
        there = [name for name in exhibit.names() if self.content(f"{name}.csv") is not None]
        if not there:
            raise Incomplete(f"{self.folder}: there is no reference run for suite {self.suite}; {self.update}")
        return there

    def content(self, name: str) -> bytes | None:
        """Content of a file as it was written; None where there is no such file, Damaged for another one."""
        return manifest.read(self.folder, name, self.remedy)

    def cells(self, name: str) -> list[dict[str, str]]:
        """The rows of an exhibit under `SELECTION`; Incomplete where the reference has it not, Damaged for a damaged file."""
        file = f"{name}.csv"
        if self.content(file) is None:
            raise Incomplete(
                f"{self.folder / file}: there is no reference run of {name} for suite {self.suite}; {self.update}"
            )
        with self._parsing(file) as content:
            return [
                row for row in map(_numeric, tidy_csv.rows(content)) if row["selection"] == SELECTION and row["mean"]
            ]

    @cached_property
    def all_answers(self) -> dict[str, np.ndarray]:
        """Question and images, by their hashes -> which images were right, packed. Damaged for a damaged or lacking file."""
        with self._parsing(ANSWERS):
            return array_files.read_npz(self.folder / ANSWERS).found

    def answers(self, record: Record, target: str | None = None) -> np.ndarray | None:
        """Look up which images the reference run classified correctly.

        Answers are stored by a hash of the question and of the test images, so that they are found for equal images only.

        Args:
            record: Record of a run with the question to look up.
            target: Role of the shift whose images are meant, rather than the test images.

        Returns:
            Booleans [N]; None if the reference run has no answers to this question on these images.
        """
        known, run = self.all_answers, readings.under(record, SELECTION)
        packed, (_, _, n) = known.get(_named(run, target or "data")), pairing.images(run, target)
        if packed is None or len(packed) != -(-n // 8):
            return None
        return np.unpackbits(packed, count=n).astype(bool)

    @cached_property
    def all_readings(self) -> dict[str, float]:
        """Question, images, metric -> what was read. Damaged for a damaged or lacking file."""
        with self._parsing(READINGS) as content:
            return {row["run"]: _number(row["value"]) for row in tidy_csv.rows(content)}

    @contextmanager
    def _parsing(self, name: str) -> Iterator[bytes]:
        """The content of a file that every reference run has; Damaged where there is none, or what is done with it fails."""
        content, path = self.content(name), self.folder / name
        if content is None:
            raise Damaged(f"{path}: is not there; {self.remedy}")
        try:
            yield content
        except KeyError as error:
            raise Damaged(f"{path}: cannot be read (has no column {error}); {self.remedy}") from error
        except ValueError as error:
            raise Damaged(f"{path}: cannot be read ({error}); {self.remedy}") from error

    def reading(self, record: Record, cell: Cell) -> float | None:
        """Reading of a cell in the reference's run of the same question; None where it has none."""
        return self.all_readings.get(_reading_named(record, cell))


def update(
    shown: Sequence[Measured],
    records: Mapping[str, Record],
    store: Store,
    pace: float = 0.0,
    images: Mapping[str, float] | None = None,
) -> tuple[list[Path], list[str]]:
    """Make the measured exhibits the reference run; exhibits that are not in `shown` keep their part of it.

    Nothing is read of the old reference where all its exhibits are in `shown`, except to say what changes.

    Args:
        shown: Measured exhibits of one suite, at least one.
        records: Key -> record, for the seconds and the conditions.
        store: Store of the records, which holds the answers of their runs.
        pace: Seconds of the piece of work of `benchmark.core.pace` on this machine; 0 if it was not done.
        images: Group of encoders -> seconds of an image (`benchmark.features.costs`).

    Returns:
        The files written, and a line for each change of a number in them.

    Raises:
        BenchError: If the reference run belongs to an installed package.
    """
    golden = Golden(shown[0].suite.name, shown[0].suite.option)
    if golden.folder.is_relative_to(paths.INSTALLED):
        raise BenchError(
            f"{golden.folder}: belongs to the installed package and stays as published; make a reference run in a checkout"
            " of the source (git clone, pip install -e .)"
        )
    changes = [line for measured in shown for line in _changes(measured, golden)]
    kept = _kept(golden, [measured.exhibit.id for measured in shown])
    files: dict[str, bytes] = {
        **{f"{m.exhibit.id}.csv": _rows(m).encode() for m in shown},
        ANSWERS: _packed(
            (readings.under(r, SELECTION) for m in shown for found in m.records.values() for r in found),
            store,
            golden.all_answers if kept else {},
        ),
        READINGS: _read(shown, golden.all_readings if kept else {}).encode(),
        "seconds.csv": timings.lines(records, pace, images or {}).encode(),
        "conditions.json": (
            json.dumps(provenance.summary(records.values()), indent=1, ensure_ascii=False) + "\n"
        ).encode(),
    }
    files[manifest.SUMS] = manifest.text(
        {**kept, **files}
    ).encode()  # the last, so that it never lists what is not written
    for name, content in files.items():
        with written_whole("reference", golden.folder / name, "a checkout of the source") as file:
            file.write(content)
    return [golden.folder / name for name in files], changes


def _rows(measured: Measured) -> str:
    """The tidy rows of measured cells as CSV, with columns by the exhibit's own names."""
    return results.csv(replace(measured, rows=[row for row in measured.rows if row.seeds]), named=False)


def _changes(measured: Measured, golden: Golden) -> list[str]:
    """Cells whose mean in the reference becomes another one, and how many there are more or fewer."""
    try:
        before = {(c["row"], c["column"]): float(c["mean"]) for c in golden.cells(measured.exhibit.id)}
    except Incomplete:
        return [f"{measured.exhibit.id}: new"]
    except Damaged:
        return [f"{measured.exhibit.id}: new, for the old one is damaged"]
    rows = [r for r in measured.rows if r.selection == SELECTION and r.mean is not None]
    after = {(r.row, r.column): r.mean for r in rows if r.mean is not None}
    lines = [
        f"{measured.exhibit.id}: {', '.join(p)}: {b:.4g} -> {after[p]:.4g}"
        for p, b in before.items()
        if p in after and abs(after[p] - b) > AS_WRITTEN
    ]
    gone, new = len(before.keys() - after.keys()), len(after.keys() - before.keys())
    return lines + ([f"{measured.exhibit.id}: {new} cells more, {gone} fewer"] if gone or new else [])


def _kept(golden: Golden, shown: Collection[str]) -> dict[str, bytes]:
    """Files of the exhibits that are not made anew, by name; Damaged where these, or what they rest on, are damaged."""
    others = [name for name in exhibit.names() if name not in shown and _there(golden, name)]
    if not others:
        return {}
    try:
        _ = golden.all_answers, golden.all_readings, [golden.cells(name) for name in others]
        found = {name: golden.content(name) for name in (f"{other}.csv" for other in others)}
    except Damaged as error:
        raise Damaged(
            f"{error} once all of it is measured: {', '.join(others)} would be kept from the old one"
        ) from error
    return {name: content for name, content in found.items() if content is not None}


def _there(golden: Golden, name: str) -> bool:
    """Whether the reference has an exhibit, damaged or not."""
    try:
        return golden.content(f"{name}.csv") is not None
    except Damaged:
        return True


def keeps_answers(cell: Cell) -> bool:
    """Whether a cell reads an accuracy of a record, on images whose answers are kept one by one."""
    return cell.question.metric == "accuracy"


def _numeric(row: dict[str, str]) -> dict[str, str]:
    """A row of an exhibit, as it is; ValueError where a number of it is none, KeyError where a column lacks."""
    for name in ("mean", "ci_low", "ci_high"):
        if row[name]:
            _number(row[name])
    int(row["seeds"])
    return row


def _number(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


def _named(record: Record, on: str = "data") -> str:
    """Name of answers: the run's question and the fingerprint of its images (those of a shift, by its role)."""
    return f"{record.key}-{digest({'data': record.fingerprints.get(on)})}"


def _reading_named(record: Record, cell: Cell) -> str:
    target = cell.question.target or "data"
    return f"{_named(readings.under(record, SELECTION), target)} {cell.question.metric} {target}"


def _read(shown: Iterable[Measured], others: Mapping[str, float]) -> str:
    """Readings of cells that no answers of images give, and the other readings that stay, as CSV."""
    ours = {
        _reading_named(record, cell): reading.value
        for measured in shown
        for cell in measured.exhibit.cells()
        if not keeps_answers(cell) or cell.question.target is not None  # early records keep no answers to shifts
        for record in measured.records.get((cell.row, cell.column), [])
        if (reading := readings.read(record, cell.question, SELECTION)) is not None
    }
    lines = [f"{name},{fixed(value, 6)}" for name, value in sorted({**others, **ours}.items())]
    return "\n".join(["run,value", *lines]) + "\n"


def _packed(records: Iterable[Record], store: Store, others: Mapping[str, np.ndarray]) -> bytes:
    """The answers of every run, packed eight images a byte, and others that stay."""
    ours = {
        _named(record, target or "data"): np.packbits(right)
        for record in records
        for target in (None, *(record.shifts or {}))
        if (right := pairing.stored(store, SELECTION, target)(record)) is not None
    }
    return array_files.packed(dict(sorted({**others, **ours}.items())))
