"""The regression gate: what stands in results/ against the reference run in results/reference/<suite>/."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark import paths
from benchmark.errors import Incomplete
from benchmark.results import Row

MARGIN = 1.0
"""Percentage points that a cell's mean may move. The same seeds and images on another processor or torch version move it by
some tenths (another order of additions, and from there another path through training); a broken method moves it by more."""


@dataclass(frozen=True)
class Verdict:
    """One cell under one selection against the reference: "agrees", "regressed", "rose", or "missing"."""

    row: str
    column: str
    selection: str
    expected: float
    measured: float | None

    @property
    def says(self) -> str:
        """The verdict in a word."""
        if self.measured is None:
            return "missing"
        if abs(self.measured - self.expected) <= MARGIN:
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


def compare(rows: Iterable[Row], reference: Iterable[Mapping[str, str]]) -> list[Verdict]:
    """Hold each reference cell against ours. Cells that only we have are no matter of the gate."""
    ours = {(r.row, r.column, r.selection): r.mean for r in rows}
    return [
        Verdict(*place, float(cell["mean"]), ours.get(place))
        for cell in reference
        if cell["mean"]
        for place in [(cell["row"], cell["column"], cell["selection"])]
    ]


def read(suite: str, exhibit: str) -> list[dict[str, str]]:
    """The reference rows; Incomplete where there is no reference run."""
    path = reference_file(suite, exhibit)
    if not path.is_file():
        raise Incomplete(f"{path}: there is no reference run of {exhibit} for suite {suite}")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def shown(verdicts: list[Verdict]) -> list[Verdict]:
    """What needs saying: everything but agreement and what was not run."""
    return [v for v in verdicts if v.says in ("regressed", "rose")]
