"""A claim that is typed, "A is better than B", on rows of the table of methods: the paper's, or own ones with records."""

import re
from collections.abc import Mapping

from benchmark.analysis.claims import effects, model
from benchmark.analysis.claims.model import Claim, Contrast, Operand
from benchmark.analysis.compare import row_named
from benchmark.analysis.results import Measured, gather
from benchmark.exhibits import exhibit
from benchmark.exhibits.naming import METHODS
from benchmark.records.record import Record
from benchmark.suites.suite import Suite

FORM = re.compile(r"\s*(.+?)\s+is\s+better\s+than\s+(.+?)\s*")


def is_statement(text: str) -> bool:
    """Whether a text has the form "A is better than B", rather than being the id of a claim."""
    return FORM.fullmatch(text) is not None


def claim(text: str, suite: Suite, records: Mapping[str, Record]) -> Claim:
    """The claim of a statement; BenchError with the nearest row for one that the table of methods has not.

    Args:
        text: Statement of the form "A is better than B".
        suite: Suite of the records.
        records: Key -> record.

    Returns:
        The claim that A is more accurate than B at every number of shots that both are measured at.
    """
    form = FORM.fullmatch(text)
    assert form is not None
    measured = gather(exhibit.load(METHODS), suite, records)
    left, right = (row_named(measured.exhibit, name) for name in form.groups())
    cells = {(cell.row, cell.column): cell for cell in measured.exhibit.cells()}
    pairs = [
        [Operand(METHODS, row, column, own=cells[row, column]) for row in (left, right)]
        for column in _columns(measured, left, right)
    ]
    contrasts = tuple(
        Contrast(model.label(pair, effects.difference), "superiority", 0.0, tuple(pair), effects.difference)
        for pair in pairs
    )
    reading = f"{left} is more accurate than {right} at every number of shots that both are measured at."
    return Claim(text, "", measured.exhibit.title, reading, "superiority", (), contrasts=contrasts)


def _columns(measured: Measured, left: str, right: str) -> list[str]:
    """Columns in which both rows are measured; those of one of them, or else all, where there are none."""
    names = [column["name"] for column in measured.exhibit.columns]
    of_rows = [{name for name in names if measured.records.get((row, name))} for row in (left, right)]
    chosen = (of_rows[0] & of_rows[1]) or (of_rows[0] | of_rows[1]) or set(names)
    return [name for name in names if name in chosen]
