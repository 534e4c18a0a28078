"""The regression gate: what stands in results/ against a reference, by effect and interval, and one verdict a cell.

A cell differs where it is surely off by more than the margin: the test is against a difference of the margin, adjusted by
Holm over all cells that are compared. It agrees where its whole 95 % interval lies within the margin; else it is open.

golden: our own committed run, results/reference/<suite>/. Where a run was made at the same question as the reference's (same
seed, data, settings), the two are compared image by image, so that the luck of a seed is in neither side. Otherwise the
means are compared, each with its interval over seeds.
paper: the printed numbers, each taken as one run on its test set. For suites whose values may be compared with them.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, nan, sqrt
from pathlib import Path

import numpy as np

from benchmark import exhibit, paths, plan, provenance, readings, reference, stats
from benchmark.errors import BenchError, Incomplete
from benchmark.exhibit import Cell
from benchmark.results import Measured, Row
from benchmark.run import digest
from benchmark.store import Record, Store

AGREES, WORSE, BETTER, OPEN, MISSING = "agrees", "worse", "better", "inconclusive", "missing"
"""The verdicts; `WORSE` and `BETTER` are the two ways to differ."""

MARGIN = 1.0
"""Percentage points that a cell may be off. The same seeds and images on another processor or torch version move it by some
tenths (another order of additions, and from there another path through training); a broken method moves it by more."""

RATIO_MARGIN = 0.02
"""The same for what is no percentage, the complementarities of Eq. 5."""

LEVEL = 1 - stats.LEVEL
ANSWERS = "answers.npz"
SELECTION = "val"
"""The selection whose answers the reference keeps, and that is held against it."""


@dataclass(frozen=True)
class Verdict:
    """One cell. expected, measured, and the effect with its interval, in per cent and points (or the unit of a ratio).

    how: "images" where the same runs were compared image by image, else "means".  p: of a difference no greater than the
    margin; adjusted: by Holm over the family.
    """

    exhibit: str
    row: str
    column: str
    expected: float
    measured: float | None
    effect: float = nan
    error: float = nan
    degrees: float = inf
    how: str = ""
    margin: float = MARGIN
    adjusted: float = 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the effect; without an error there is none, and it has no bounds."""
        if np.isnan(self.error):
            return -inf, inf
        half = self.error * stats.t_quantile(self.degrees)
        return self.effect - half, self.effect + half

    @property
    def p(self) -> float:
        """One-sided, of a difference no greater than the margin."""
        beyond = abs(self.effect) - self.margin
        if np.isnan(self.error):
            return 1.0
        if self.error == 0:
            return 0.0 if beyond > 0 else 1.0
        return stats.t_tail(beyond / self.error, self.degrees)

    @property
    def says(self) -> str:
        """The verdict in a word."""
        if self.measured is None:
            return MISSING
        if self.adjusted <= LEVEL:
            return WORSE if self.effect < 0 else BETTER
        low, high = self.interval
        return AGREES if -self.margin <= low and high <= self.margin else OPEN

    @property
    def place(self) -> str:
        """For people: "table4: CoOp, 16-shot"."""
        return f"{self.exhibit}: {self.row}, {self.column}"

    @property
    def line(self) -> str:
        """The verdict in a line."""
        if self.measured is None:
            return f"{self.says}: {self.place}: reference {self.expected:.2f}"
        low, high = self.interval
        interval = "no interval" if np.isinf(low) else f"{low:+.2f} to {high:+.2f}"
        return (
            f"{self.says}: {self.place}: {self.measured:.2f} against {self.expected:.2f},"
            f" {self.effect:+.2f} ({interval}, by {self.how})"
        )


@dataclass(frozen=True)
class Golden:
    """Our own committed run of a suite."""

    suite: str

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return paths.reference() / self.suite

    def exhibits(self) -> list[str]:
        """The exhibits that it has; Incomplete where there is none at all."""
        there = [name for name in exhibit.names() if (self.folder / f"{name}.csv").is_file()]
        if not there:
            raise Incomplete(f"{self.folder}: there is no reference run for suite {self.suite}; bench check --update")
        return there

    def cells(self, name: str) -> list[dict[str, str]]:
        """The rows of an exhibit under `SELECTION`; Incomplete where the reference has it not."""
        path = self.folder / f"{name}.csv"
        if not path.is_file():
            raise Incomplete(f"{path}: there is no reference run of {name} for suite {self.suite}")
        with path.open(encoding="utf-8", newline="") as file:
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
            raise BenchError(f"{path}: cannot be read ({error}); make it again with bench check --update") from error

    def answers(self, record: Record) -> np.ndarray | None:
        """Which images the reference's run of the same question had right, booleans [N]; None where it has none such.

        Nor has it where the images were others then: what they were is part of an answer's name.
        """
        packed = self.all_answers.get(_answer_name(readings.under(record, SELECTION)))
        if packed is None or len(packed) != -(-record["n"] // 8):
            return None
        return np.unpackbits(packed, count=record["n"]).astype(bool)


def against_golden(measured: Measured, golden: Golden, store: Store) -> list[Verdict]:
    """Every cell of the reference, whether or not it is measured; cells that only we have are no matter of the gate."""
    found = []
    cells = {(cell.row, cell.column): cell for cell in measured.exhibit.cells()}
    for cell in golden.cells(measured.exhibit.id):
        place, expected = (cell["row"], cell["column"]), float(cell["mean"])
        said = (measured.exhibit.id, *place, expected)
        margin = MARGIN if readings.counted(cell.get("metric", "accuracy")) else RATIO_MARGIN
        ours = _row(measured, *place)
        if ours is None or ours.mean is None:
            found.append(Verdict(*said, None, margin=margin))
            continue
        paired = _by_image(measured, cells[place], golden, store)
        if paired is not None:
            effect, error = paired
            found.append(Verdict(*said[:3], ours.mean - effect, ours.mean, effect, error, inf, "images", margin))
            continue
        theirs = Row(**{**vars(ours), **_interval_of(cell)})
        found.append(_by_means(said[:3], ours, theirs, margin))
    return adjusted(found)


def against_paper(measured: Measured) -> list[Verdict]:
    """Every cell that the paper prints a number for and that is measured."""
    found = []
    cells = {(cell.row, cell.column): cell for cell in measured.exhibit.cells()}
    for row in measured.rows:
        if row.selection != SELECTION or row.paper is None or row.mean is None:
            continue
        said = cells[row.row, row.column].said
        images = 0 if "mean_over" in said else reference.images(said.get("target", said["dataset"]))
        half = 196 * sqrt(row.paper / 100 * (1 - row.paper / 100) / images) if images else nan
        printed = replace(row, mean=row.paper, ci_low=row.paper - half, ci_high=row.paper + half, seeds=1)
        found.append(_by_means((measured.exhibit.id, row.row, row.column), row, printed, MARGIN))
    return adjusted(found)


def adjusted(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The same with Holm's adjustment over all that are measured."""
    p_values = stats.holm([v.p for v in verdicts if v.measured is not None])
    numbers = iter(p_values)
    return [v if v.measured is None else replace(v, adjusted=next(numbers)) for v in verdicts]


def _row(measured: Measured, row: str, column: str) -> Row | None:
    try:
        return measured.at(row, column, SELECTION)
    except KeyError:
        return None


def _interval_of(cell: Mapping[str, str]) -> dict[str, float | int | None]:
    bounds = {name: float(cell[name]) if cell.get(name) else None for name in ("ci_low", "ci_high")}
    return {"mean": float(cell["mean"]), "seeds": int(cell["seeds"]), **bounds}


def _by_image(measured: Measured, cell: Cell, golden: Golden, store: Store) -> tuple[float, float] | None:
    """Effect and standard error over images, in points, of exactly the runs that both sides have; None where one has not all.

    The seeds are the same on both sides, so only the images are drawn. A cell that is a mean over data sets has the
    mean of their effects.
    """
    if cell.said["metric"] != "accuracy" or "target" in cell.said:
        return None
    differences: dict[str, list[np.ndarray]] = {}
    for record in measured.records[cell.row, cell.column]:
        theirs = golden.answers(record)
        if theirs is None:
            return None
        try:
            ours = store.correct(readings.under(record, SELECTION)["key"], SELECTION)
        except BenchError:
            return None
        difference = ours.astype(np.int8) - theirs.astype(np.int8)
        differences.setdefault(record["asked"]["dataset"], []).append(difference)
    by_image = [np.mean(several, axis=0) for several in differences.values()]
    effect = float(np.mean([d.mean() for d in by_image]))
    variance = sum(float(d.var(ddof=1)) / len(d) for d in by_image if len(d) > 1) / len(by_image) ** 2
    return 100 * effect, 100 * sqrt(variance)


def _by_means(place: tuple[str, str, str], ours: Row, theirs: Row, margin: float) -> Verdict:
    """Two means with their intervals (Welch)."""
    parts = [_error(row) for row in (ours, theirs)]
    variance = sum(error**2 for error, _ in parts)
    spread = sum(error**4 / degrees for error, degrees in parts)
    degrees = variance**2 / spread if spread else inf
    assert ours.mean is not None
    assert theirs.mean is not None
    effect = ours.mean - theirs.mean
    return Verdict(*place, theirs.mean, ours.mean, effect, sqrt(variance), degrees, "means", margin)


def _error(row: Row) -> tuple[float, float]:
    """Standard error of a mean and its degrees of freedom, from its interval; nan where it has none."""
    if row.ci_low is None or row.ci_high is None:
        return nan, inf
    degrees = row.seeds - 1 if row.seeds > 1 else inf
    return (row.ci_high - row.ci_low) / 2 / stats.t_quantile(degrees), degrees


# --- making a reference


def update(shown: Sequence[Measured], records: Mapping[str, Record], store: Store) -> tuple[list[Path], list[str]]:
    """Make what is measured the reference run; returns the files written, and what changed in a line each.

    Files: the exhibits' tidy rows, every run's answers under `SELECTION`, seconds by method, and the conditions.
    """
    from benchmark import render  # with what it draws by, which comparing does without

    golden = Golden(shown[0].suite.name)
    changes = [line for measured in shown for line in _changes(measured, golden)]
    files: dict[str, bytes] = {
        **{f"{m.exhibit.id}.csv": render.csv(replace(m, rows=[r for r in m.rows if r.seeds])).encode() for m in shown},
        ANSWERS: _packed(
            (readings.under(r, SELECTION) for m in shown for found in m.records.values() for r in found),
            store,
            _of_others(golden, shown),
        ),
        "seconds.csv": _seconds(records).encode(),
        "conditions.json": (
            json.dumps(provenance.summary(records.values()), indent=1, ensure_ascii=False) + "\n"
        ).encode(),
    }
    with paths.writing("reference", golden.folder, "a checkout of the source"):
        golden.folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (golden.folder / name).write_bytes(content)
    return [golden.folder / name for name in files], changes


def _changes(measured: Measured, golden: Golden) -> list[str]:
    """Cells whose mean in the reference becomes another one, and how many there are more or fewer."""
    try:
        before = {(c["row"], c["column"]): f"{float(c['mean']):.2f}" for c in golden.cells(measured.exhibit.id)}
    except Incomplete:
        return [f"{measured.exhibit.id}: new"]
    rows = [r for r in measured.rows if r.selection == SELECTION and r.mean is not None]
    after = {(r.row, r.column): f"{r.mean:.2f}" for r in rows}
    lines = [
        f"{measured.exhibit.id}: {', '.join(p)}: {b} -> {after[p]}" for p, b in before.items() if after.get(p, b) != b
    ]
    gone, new = len(before.keys() - after.keys()), len(after.keys() - before.keys())
    return lines + ([f"{measured.exhibit.id}: {new} cells more, {gone} fewer"] if gone or new else [])


def _answer_name(record: Record) -> str:
    """What an answer is of: a question, and the images it was asked of."""
    return f"{record['key']}-{digest({'data': record['fingerprints'].get('data')})}"


def _of_others(golden: Golden, shown: Sequence[Measured]) -> Mapping[str, np.ndarray]:
    """The answers that the reference has already, where it has exhibits that are not made anew."""
    try:
        others = set(golden.exhibits()) - {measured.exhibit.id for measured in shown}
    except Incomplete:
        return {}
    return golden.all_answers if others else {}


def _packed(records: Iterable[Record], store: Store, others: Mapping[str, np.ndarray]) -> bytes:
    """The answers of every run, packed eight images a byte, and others that stay."""
    ours = {_answer_name(record): np.packbits(store.correct(record["key"], SELECTION)) for record in records}
    packed = dict(sorted({**others, **ours}.items()))
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **packed)
    return stream.getvalue()


def _seconds(records: Mapping[str, Record]) -> str:
    timings = sorted(plan.timings(records).items())
    lines = [f"{method},{dataset},{shots},{seconds:.3f}" for (method, dataset, shots), seconds in timings]
    return "\n".join(["method,dataset,shots,seconds", *lines]) + "\n"


def counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Verdict -> how many cells."""
    said = [v.says for v in verdicts]
    return {word: said.count(word) for word in (AGREES, WORSE, BETTER, OPEN, MISSING)}
