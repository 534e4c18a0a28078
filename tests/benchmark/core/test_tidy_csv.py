"""Tidy rows as CSV: what another program reads is what was written."""

import csv
import io

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
