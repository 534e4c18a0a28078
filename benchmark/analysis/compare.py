"""Two rows of an exhibit against each other, column by column: the same seeds, and where there are any the same images."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isinf, nan

import numpy as np

from benchmark.analysis.pairing import Paired, pair, stored
from benchmark.analysis.results import Measured
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.names import choose
from benchmark.exhibits.exhibit import Exhibit
from benchmark.numerics import stats
from benchmark.numerics.stats import Scatter
from benchmark.records import readings
from benchmark.records.record import Record
from benchmark.records.store import Store

LEFT, RIGHT, ALIKE, OPEN = "better", "worse", "alike", "no difference shown"
"""What a comparison says of the left row: `ALIKE` where the whole interval lies within the margin."""

LEVEL = 1 - stats.LEVEL


@dataclass(frozen=True)
class Compared:
    """One column. effect, low, high: left less right in points (or in the unit of a ratio), with the 95 % interval.

    p: of no difference; adjusted: by Holm over the columns.  mcnemar: the exact p of each seed by itself, where there is
    every image's answer.  over: what the interval is over.  scatter: what the effect varies by.  seeds_needed: for a
    difference of this size to be found four times in five among as many columns, inf where more seeds alone would not do,
    None where it is found already or nothing tells.
    """

    column: str
    effect: float
    low: float | None
    high: float | None
    p: float
    adjusted: float
    mcnemar: Sequence[float]
    seeds: int
    over: str
    margin: float
    scatter: Scatter | None = None
    seeds_needed: float | None = None

    @property
    def says(self) -> str:
        """The verdict, by the adjusted p."""
        if self.adjusted <= LEVEL and self.effect:
            return LEFT if self.effect > 0 else RIGHT
        inside = (
            self.low is not None and self.high is not None and -self.margin <= self.low and self.high <= self.margin
        )
        return ALIKE if inside else OPEN


def row_named(exhibit: Exhibit, name: str) -> str:
    """The row of that name, or the only one of that class (module:Class, or Class alone). BenchError names the nearest."""
    rows = [row["name"] for row in exhibit.rows]
    if name in rows:
        return name
    classes: dict[str, list[str]] = {}
    for row in exhibit.rows:
        for alias in {row.get("method", ""), row.get("method", "").partition(":")[2]} - {""}:
            classes.setdefault(alias, []).append(row["name"])
    found = classes[choose(name, [*rows, *classes], f"row of {exhibit.id}")]
    if len(found) > 1:
        raise BenchError(f"{name} has {len(found)} rows in {exhibit.id}: {', '.join(found)}; name one of them")
    return found[0]


def compare(
    measured: Measured, left: str, right: str, store: Store, selection: str, margin: float, columns: Iterable[str] = ()
) -> list[Compared]:
    """Every column (or the named ones) in which both rows are measured; Incomplete where there is none.

    margin: points within which two rows count as alike.
    """
    wanted = list(columns) or [column["name"] for column in measured.exhibit.columns]
    found = [_column(measured, left, right, name, store, selection, margin) for name in wanted]
    known = [c for c in found if c is not None]
    if not known:
        raise Incomplete(
            f"{measured.exhibit.id}: no column has both {left!r} and {right!r} measured at the same seeds;"
            f" {measured.command} measures them"
        )
    adjusted = stats.holm([1.0 if np.isnan(c.p) else c.p for c in known])
    return [_settled(c, p, LEVEL / len(known)) for c, p in zip(known, adjusted, strict=True)]


def _settled(compared: Compared, adjusted: float, level: float) -> Compared:
    settled = replace(compared, adjusted=adjusted)
    if settled.says != OPEN or settled.scatter is None:
        return settled
    return replace(settled, seeds_needed=stats.seeds_needed(settled.effect, settled.scatter, level))


def _column(
    measured: Measured, left: str, right: str, column: str, store: Store, selection: str, margin: float
) -> Compared | None:
    paired = pair(*(measured.records.get((row, column), []) for row in (left, right)))
    if not paired.seeds:
        return None
    said = {cell.column: cell.said for cell in measured.exhibit.cells() if cell.row == left}[column]
    if said["metric"] == "accuracy" and not {"target", "mean_over"} & set(said):
        kept = stored(store, selection)
        answers = paired.answers(kept, kept)
        if answers is not None:
            return _by_image(column, answers, margin)
    return _by_seed(column, paired, said, selection, margin)


def _by_image(column: str, bits: Sequence[Sequence[np.ndarray]], margin: float) -> Compared:
    left, right = bits
    found = stats.paired(left, right)
    exact = [stats.mcnemar(*pair) for pair in zip(left, right, strict=True)]
    over = "seeds and images" if found.seeds > 1 else "images"
    interval = found.effect, found.low, found.high
    return Compared(column, *interval, found.p, found.p, exact, found.seeds, over, margin, found.scatter)


def _by_seed(column: str, paired: Paired, said: Mapping[str, object], selection: str, margin: float) -> Compared | None:
    """Differences seed by seed, for what has no image of its own: a shift, a mean of data sets, a ratio."""
    values = [[_value(records, said, selection) for records in side] for side in paired.sides]
    if any(value is None for row in values for value in row):
        return None
    differences = [a - b for a, b in zip(*values, strict=True)]
    if len(differences) == 1:
        return Compared(column, differences[0], None, None, nan, 1.0, (), 1, "one seed", margin)
    interval, p = stats.spread(differences), stats.student(differences)
    scatter = Scatter(float(np.std(differences, ddof=1)), 0.0, 0.0, 1)
    return Compared(column, *interval, p, p, (), len(differences), "seeds", margin, scatter)


def _value(records: Sequence[Record], said: Mapping[str, object], selection: str) -> float | None:
    read = [readings.read(record, said, selection) for record in records]
    known = [reading.value for reading in read if reading is not None]
    return sum(known) / len(known) if known and len(known) == len(read) else None


def needs(compared: Compared) -> str:
    """How many seeds would decide, in words; empty where that is no question."""
    if compared.seeds_needed is None:
        return ""
    if isinf(compared.seeds_needed):
        return "more seeds alone would not decide"
    return f"about {compared.seeds_needed:.0f} seeds would decide"
