"""Cells by class on a test set that is not balanced, for the reports: tables, lines for a terminal, tidy rows.

The table by class and the picture are of one column, the last that is measured; the picture is of its row with the highest
balanced accuracy.
"""

from collections.abc import Sequence

from benchmark.analysis.by_class import ByClass, OneClass
from benchmark.analysis.results import Measured
from benchmark.core import tidy_csv
from benchmark.core.digest import JsonDict
from benchmark.core.numbers import fixed, with_interval
from benchmark.core.text import counted
from benchmark.exhibits.naming import column_named

WORST = 3
"""Number of classes that a line names."""
COLUMNS = (
    "exhibit",
    "row",
    "column",
    "suite",
    "selection",
    "class",
    "n",
    "seeds",
    "recall",
    "taken_for",
    "taken_share",
)
NOT_BALANCED = (
    "The test set has more images of some classes than of others. Balanced accuracy: the mean of the recalls of the classes"
    " (%), so that each counts alike; `val` selection."
)


def rows(measured: Measured) -> list[str]:
    """Rows of the exhibit with a cell by class, in their order."""
    return [row["name"] for row in measured.exhibit.rows if any(row["name"] == name for name, _ in measured.by_class)]


def columns(measured: Measured) -> list[str]:
    """Names of the columns with a cell by class, in their order, of those that are shown."""
    there = {name for _, name in measured.by_class}
    return [column["name"] for column in measured.part().exhibit.columns if column["name"] in there]


def last(measured: Measured) -> tuple[str, dict[str, ByClass]]:
    """The last column with a cell by class, and the rows that have one there, best first; "" and none without one."""
    if not measured.by_class:
        return "", {}
    column = columns(measured)[-1]
    found = {row: measured.by_class[row, column] for row in rows(measured) if (row, column) in measured.by_class}
    return column, dict(sorted(found.items(), key=lambda pair: -pair[1].balanced[0]))


def tables(measured: Measured) -> list[JsonDict]:
    """Two tables for the reports, each with title, words, header and rows; none where no cell is looked at by class."""
    return [_balanced(measured), _classes(measured)] if measured.by_class else []


def lines(measured: Measured) -> list[str]:
    """A sentence for each row, in the last column: its balanced accuracy and its worst classes."""
    _, found = last(measured)
    return [sentence(measured, row) for row in rows(measured) if row in found]


def sentence(measured: Measured, row: str) -> str:
    """The balanced accuracy and the worst classes of a row in the last column, without a full stop."""
    column, found = last(measured)
    return f"{row} at {measured.column(column)}: balanced accuracy {value(found[row])}; {_worst(found[row])}"


def csv(measured: Measured) -> str:
    """Tidy rows: one for each cell and class, percentages."""
    tidy = [
        (measured.exhibit.id, row, measured.column(column), measured.suite.name, "val", *_told(one, len(cell.seeds)))
        for (row, column), cell in measured.by_class.items()
        if column in columns(measured)
        for one in cell.classes
    ]
    return tidy_csv.text(COLUMNS, (dict(zip(COLUMNS, row, strict=True)) for row in tidy))


def _told(one: OneClass, seeds: int) -> Sequence[object]:
    return one.name, one.n, seeds, one.recall, one.taken_for, one.share


def _balanced(measured: Measured) -> JsonDict:
    shown = columns(measured)
    names = [column_named(c, measured.suite) for c in measured.exhibit.columns if c["name"] in shown]
    body = []
    for row in rows(measured):
        cells = (measured.by_class.get((row, column)) for column in shown)
        body.append([row, *("–" if cell is None else value(cell) for cell in cells)])
    header = [measured.exhibit.row_header, *names]
    return {"title": "Balanced accuracy", "words": NOT_BALANCED, "header": header, "rows": body}


def _classes(measured: Measured) -> JsonDict:
    column, found = last(measured)
    best = next(iter(found))
    shown = [row for row in rows(measured) if row in found]
    by_name = {row: {one.name: one for one in cell.classes} for row, cell in found.items()}
    return {
        "title": f"By class, {measured.column(column)}",
        "words": f"Recall (%) of each class, lowest of {best} first; what its images are most often taken for by {best}.",
        "header": ["class", "test images", *shown, f"taken for by {best}"],
        "rows": [
            [one.name, str(one.n), *(fixed(by_name[row][one.name].recall, 1) for row in shown), _confused(one)]
            for one in found[best].worst
        ],
    }


def value(cell: ByClass) -> str:
    """The balanced accuracy of a cell with its interval: "61.2 ± 2.0"."""
    return with_interval(*cell.balanced, 1)


def _worst(cell: ByClass) -> str:
    """The classes with the lowest recalls in words: "worst of 3 classes: crow 20.0 % (10 images, taken for owl 60.0 %)"."""
    worst = cell.worst
    named = (f"{one.name} {fixed(one.recall, 1)} % ({_images(one)})" for one in worst[:WORST])
    return f"worst of {counted(len(worst), 'class')}: {', '.join(named)}"


def _images(one: OneClass) -> str:
    return counted(one.n, "image") + (f", taken for {_confused(one)} %" if one.share else "")


def _confused(one: OneClass) -> str:
    return f"{one.taken_for} {fixed(one.share, 1)}" if one.share else "–"
