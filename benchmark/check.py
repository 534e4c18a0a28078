"""The regression gate: what stands in results/ against the reference run in results/reference/<suite>/."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark import exhibit, paths, plan, provenance, readings, render
from benchmark.errors import Incomplete
from benchmark.results import Measured, Row
from benchmark.store import Record

MARGIN = 1.0
"""Percentage points that a cell's mean may move. The same seeds and images on another processor or torch version move it by
some tenths (another order of additions, and from there another path through training); a broken method moves it by more."""

RATIO_MARGIN = 0.02
"""The same for what is no percentage, the complementarities of Eq. 5."""


@dataclass(frozen=True)
class Verdict:
    """One cell under one selection against the reference: "agrees", "regressed", "rose", or "missing"."""

    row: str
    column: str
    selection: str
    expected: float
    measured: float | None
    margin: float = MARGIN

    @property
    def says(self) -> str:
        """The verdict in a word."""
        if self.measured is None:
            return "missing"
        if abs(self.measured - self.expected) <= self.margin:
            return "agrees"
        return "regressed" if self.measured < self.expected else "rose"

    @property
    def line(self) -> str:
        """The verdict in a line."""
        ours = "not measured" if self.measured is None else f"{self.measured:.2f} ({self._difference:+.2f})"
        return f"{self.says}: {self.row}, {self.column}, {self.selection}: {ours}; reference {self.expected:.2f}"

    @property
    def _difference(self) -> float:
        return (self.measured or 0.0) - self.expected


def reference_file(suite: str, exhibit: str) -> Path:
    """Where the reference run of an exhibit lies."""
    return paths.reference() / suite / f"{exhibit}.csv"


def referenced(suite: str) -> list[str]:
    """The exhibits that a suite has a reference run of; Incomplete where there is none at all."""
    there = [name for name in exhibit.names() if reference_file(suite, name).is_file()]
    if not there:
        raise Incomplete(f"{paths.reference() / suite}: there is no reference run for suite {suite}")
    return there


def compare(rows: Iterable[Row], reference: Iterable[Mapping[str, str]]) -> list[Verdict]:
    """Hold each reference cell against ours; one measured with another number of seeds counts as not measured.

    Cells that only we have are no matter of the gate.
    """
    ours = {(r.row, r.column, r.selection, str(r.seeds)): r.mean for r in rows}
    return [
        Verdict(*place, float(cell["mean"]), ours.get((*place, cell["seeds"])), _margin(cell))
        for cell in reference
        if cell["mean"]
        for place in [(cell["row"], cell["column"], cell["selection"])]
    ]


def _margin(cell: Mapping[str, str]) -> float:
    return MARGIN if readings.counted(cell.get("metric", "accuracy")) else RATIO_MARGIN


def read(suite: str, exhibit: str) -> list[dict[str, str]]:
    """The reference rows; Incomplete where there is no reference run."""
    path = reference_file(suite, exhibit)
    if not path.is_file():
        raise Incomplete(f"{path}: there is no reference run of {exhibit} for suite {suite}")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def update(shown: Sequence[Measured], records: Mapping[str, Record]) -> list[Path]:
    """Make what is measured the reference run: the exhibits' tidy rows, the seconds each method took, the conditions."""
    folder = paths.reference() / shown[0].suite.name
    files = {
        **{f"{m.exhibit.id}.csv": render.csv(replace(m, rows=[r for r in m.rows if r.seeds])) for m in shown},
        "seconds.csv": _seconds(records),
        "conditions.json": json.dumps(provenance.summary(records.values()), indent=1, ensure_ascii=False) + "\n",
    }
    with paths.writing("reference", folder, "a checkout of the source"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def _seconds(records: Mapping[str, Record]) -> str:
    timings = sorted(plan.timings(records).items())
    lines = [f"{method},{dataset},{shots},{seconds:.3f}" for (method, dataset, shots), seconds in timings]
    return "\n".join(["method,dataset,shots,seconds", *lines]) + "\n"


def shown(verdicts: list[Verdict]) -> list[Verdict]:
    """What needs saying: everything but agreement and what was not run."""
    return [v for v in verdicts if v.says in ("regressed", "rose")]
