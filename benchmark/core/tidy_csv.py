"""Tidy rows as CSV text and back, by the csv module.

A data frame would hold a column of whole numbers that lacks one as fractions, and would fill up a line that is too short.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from math import isnan

from benchmark.core.numbers import fixed
from benchmark.core.text import lines


def text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """CSV with a header and one line for each row; floats with four decimals, missing values (None, NaN) empty."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_formatted(row[name]) for name in columns] for row in rows)
    return file.getvalue()


def rows(content: bytes) -> list[dict[str, str]]:
    """Parse CSV with a header, in UTF-8 with or without a byte order mark.

    Args:
        content: The bytes of the file.

    Returns:
        The rows, column -> text.

    Raises:
        ValueError: For no such text, for a line of more or fewer columns than the header has, and for a last line without an
            end; the line is named.
    """
    if not content.endswith(b"\n"):
        raise ValueError(f"line {content.count(10) + 1}, the last, was cut" if content else "empty")
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        found = []
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"line {reader.line_num} has other columns than the first")
            found.append(row)
    except UnicodeDecodeError as error:
        raise ValueError(f"line {content[: error.start].count(10) + 1} is no UTF-8 text") from error
    except csv.Error as error:
        raise ValueError(f"after line {reader.line_num}: {error}") from error
    return found


def _formatted(value: object) -> object:
    if isinstance(value, float):
        return "" if isnan(value) else fixed(value, 4)
    return "" if value is None else lines(value) if isinstance(value, str) else value
