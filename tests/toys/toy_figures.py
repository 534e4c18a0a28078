"""Small measured exhibits for the figures: cells with a mean and an interval that a test names, and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toy_world import table, toy

from benchmark.analysis.results import Measured, Row
from benchmark.reporting.figures import style

Cells = Mapping[tuple[str, str], float | tuple[float, float, float]]
"""(row, column) -> mean without an interval, or mean, low and high."""

TIP = "baselines.tip_adapter:TipAdapter"


def shown(rows: Sequence[str], columns: Sequence[Mapping[str, Any]], cells: Cells, **changes: Any) -> Measured:
    """An exhibit of rows by name, measured in the named cells alone."""
    exhibit = table(rows=[{"name": name, "method": TIP} for name in rows], columns=list(columns), **changes)
    return of(exhibit, cells)


def of(exhibit: Any, cells: Cells) -> Measured:
    """An exhibit, measured in the named cells alone."""
    found = []
    for row in exhibit.rows:
        for column in exhibit.columns:
            value = cells.get((row["name"], column["name"]))
            mean, low, high = value if isinstance(value, tuple) else (value, None, None)
            place = (exhibit.id, row["name"], column["name"], "toy", "val", "accuracy")
            found.append(Row(*place, mean, low, high, 1, None, None, None))
    return Measured(exhibit, toy(), found, {})


def as_drawn() -> Iterator[None]:
    """Matplotlib's settings as `draw` has them during a test; the body of a fixture."""
    with style.settings():
        yield


def points(axes: Any) -> dict[str, list[tuple[float, float]]]:
    """Label of a line -> its points, of the labelled lines of axes."""
    lines = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_")]
    return {line.get_label(): [(float(x), float(y)) for x, y in line.get_xydata()] for line in lines}
