"""Tidy rows as CSV, without the second that importing a library for it takes."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from math import isnan


def text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A header and a line a row; floats to four decimals, empty where there is no value."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_said(row[name]) for name in columns] for row in rows)
    return file.getvalue()


def _said(value: object) -> object:
    if isinstance(value, float):
        return "" if isnan(value) else f"{value:.4f}"
    return "" if value is None else value
