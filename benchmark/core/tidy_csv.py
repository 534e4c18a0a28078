"""Tidy rows as CSV text, by the csv module because the import of a table library takes a second."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from math import isnan

from benchmark.core.numbers import fixed


def text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """CSV with a header and one line for each row; floats with four decimals, missing values (None, NaN) empty."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_formatted(row[name]) for name in columns] for row in rows)
    return file.getvalue()


def _formatted(value: object) -> object:
    if isinstance(value, float):
        return "" if isnan(value) else fixed(value, 4)
    return "" if value is None else value
