"""Tidy rows as CSV: what another program reads is what was written."""

import csv
import io
import re

import pytest

from benchmark.core import tidy_csv


def test_numbers_to_four_decimals_whole_ones_as_they_are_and_nothing_for_nothing() -> None:
    rows = [{"a": 1.23456, "b": 3, "c": None}, {"a": float("nan"), "b": True, "c": "x"}]
    assert tidy_csv.text(["a", "b", "c"], rows) == "a,b,c\n1.2346,3,\n,True,x\n"


def test_what_would_end_a_field_or_a_line_is_read_back_as_it_was() -> None:
    words = ['a, "b"', "two\nlines", "ä · τ"]
    text = tidy_csv.text(["x", "y", "z"], [dict(zip("xyz", words, strict=True))])
    assert list(csv.reader(io.StringIO(text)))[1] == words


def test_without_rows_there_is_the_header() -> None:
    assert tidy_csv.text(["a", "b"], []) == "a,b\n"


def test_what_was_written_is_read_as_it_was() -> None:
    words = [{"x": 'a, "b"', "y": "two\nlines", "z": "ä · τ"}, {"x": "", "y": "1", "z": "2"}]
    content = tidy_csv.text(["x", "y", "z"], words).encode()
    assert tidy_csv.rows(content) == words
    assert tidy_csv.rows(b"\xef\xbb\xbf" + content) == words, "with a byte order mark"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n3,4", "line 3, the last, was cut"),
        (b"a,b\n1\n", "line 2 has other columns than the first"),
        (b"a,b\n1,2\n1,2,3\n", "line 3 has other columns than the first"),
        (b"a,b\n1,2\n\xff,3\n", "line 3 is no UTF-8 text"),
        (b'a,b\n1,"2\n', "unexpected end of data"),
        (b"a,b\n1," + b"9" * 200_000 + b"\n", "after line 1: field larger than field limit (131072)"),
    ],
)
def test_a_damaged_text_is_a_reason_with_its_line(content: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        tidy_csv.rows(content)
