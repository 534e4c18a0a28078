"""Records -> the tidy rows of an exhibit: one row for each cell and selection. Starts at the store, never fits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

from benchmark import reference, stats
from benchmark.exhibit import Cell, Exhibit
from benchmark.run import cell_key
from benchmark.store import SELECTIONS, Record
from benchmark.suite import Suite


@dataclass(frozen=True)
class Row:
    """A cell under one selection. Accuracies in per cent; correct and n summed over seeds; seeds = 0: not run.

    paper: the paper's printed value, in a suite whose values may be compared with it, else None.
    """

    exhibit: str
    row: str
    column: str
    suite: str
    selection: str
    metric: str
    mean: float | None
    ci_low: float | None
    ci_high: float | None
    seeds: int
    correct: int | None
    n: int | None
    paper: float | None


COLUMNS = [f.name for f in fields(Row)]


@dataclass(frozen=True)
class Measured:
    """An exhibit with what the store knows of it. `records`: (row, column) -> the records of its seeds."""

    exhibit: Exhibit
    suite: Suite
    rows: list[Row]
    records: dict[tuple[str, str], list[Record]]
    missing: dict[tuple[str, str], str] = field(default_factory=dict)

    def at(self, row: str, column: str, selection: str = "val") -> Row:
        """One row by its place."""
        return next(r for r in self.rows if (r.row, r.column, r.selection) == (row, column, selection))

    def tidy(self) -> list[dict[str, object]]:
        """Plain dictionaries, for a data frame."""
        return [asdict(row) for row in self.rows]


def gather(exhibit: Exhibit, suite: Suite, records: Mapping[str, Record]) -> Measured:
    """Everything the records say about an exhibit. A cell counts with all the seeds that are there."""
    by_cell: dict[str, list[Record]] = {}
    for record in sorted(records.values(), key=lambda r: r["asked"].get("seed", 0)):
        by_cell.setdefault(cell_key(record["asked"]), []).append(record)
    measured = Measured(exhibit, suite, [], {})
    for cell in exhibit.cells():
        found = [record for run in cell.runs(suite)[:1] for record in by_cell.get(run.cell_key, [])]
        measured.records[cell.row, cell.column] = found
        if not found:
            measured.missing[cell.row, cell.column] = str(cell.said.get("missing", "not yet run"))
        measured.rows.extend(_row(exhibit, cell, suite, selection, found) for selection in SELECTIONS)
    return measured


def _row(exhibit: Exhibit, cell: Cell, suite: Suite, selection: str, found: Sequence[Record]) -> Row:
    place = (exhibit.id, cell.row, cell.column, suite.name, selection, exhibit.metric)
    paper = reference.printed(exhibit.reference, cell.said["cite"]) if suite.comparable else None
    if not found:
        return Row(*place, None, None, None, 0, None, None, paper)
    correct = [record["selections"][selection]["correct"] for record in found]
    n = [record["n"] for record in found]
    mean, low, high = stats.interval(correct, n)
    return Row(*place, mean, low, high, len(found), sum(correct), sum(n), paper)
