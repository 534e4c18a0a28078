"""Records are written for other programs: whole as JSON Lines, and as a table that spreadsheets and pandas read."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_world import bits_of, edited, numbered

from benchmark.core.digest import JsonDict
from benchmark.records import exporting, lines
from benchmark.records.exporting import Exporter
from benchmark.records.lines import COLUMNS, SCHEMA, WHOLE
from benchmark.records.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "toy")


def put(store: Store, number: int, **changes: object) -> None:
    record = edited(numbered(number), **changes)
    store.put(record, bits_of(record))


def written(store: Store) -> list[JsonDict]:
    """The lines of all records, as they are read back."""
    exporter = Exporter(store, str)
    shown = lines.ordered(store.records().values(), str)
    return [json.loads(exporting.jsonl(said)) for record in shown for said in exporter.lines(record)]


def table(store: Store) -> str:
    return exporting.csv(lines.ordered(store.records().values(), str), str)


def test_a_line_has_every_field_of_the_schema_and_that_of_val_the_record(store: Store) -> None:
    put(store, 1)
    found = written(store)
    assert all(tuple(said) == (*COLUMNS, *WHOLE) == tuple(SCHEMA["properties"]) for said in found)
    assert [said["selection"] for said in found if said["record"]] == ["val"]
    assert [lines.complaint(said) for said in found] == [""] * 4


def test_a_list_that_several_records_name_stands_in_the_first_of_them(store: Store) -> None:
    drawn = store.keep_draw({"a": ["é.png", "\udcff.png"]})
    tested = store.keep_tested(["a", "b"], np.arange(10) % 2)
    for number in (1, 2):
        put(store, number, draw=drawn, tested=tested)
    whole = [said for said in written(store) if said["record"]]
    assert [said["draw"] is None for said in whole] == [said["tested"] is None for said in whole] == [False, True]
    assert "\udcff" not in whole[0]["draw"], "a lone surrogate is no text for other programs"
    assert json.loads(whole[0]["draw"]) == {"a": ["é.png", "\udcff.png"]}


def test_two_exports_of_the_same_records_are_the_same_letters(store: Store) -> None:
    for number in (3, 1, 2):
        put(store, number)
    assert [written(store), table(store)] == [written(Store(store.root)), table(Store(store.root))]
    assert [said["seed"] for said in written(store)[::4]] == [1, 2, 3]


def test_pandas_reads_the_same_table_of_both(store: Store) -> None:
    for number in (1, 2):
        put(store, number)
    text = "\n".join(map(exporting.jsonl, written(store)))
    of_lines = pd.read_json(io.StringIO(text), lines=True)[list(COLUMNS)]
    of_table = pd.read_csv(io.StringIO(table(store)))
    for name in ("key", "selection", "accuracy", "correct", "n", "seconds", "settings", "versions"):
        assert of_lines[name].tolist() == of_table[name].tolist(), name


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "'quoted"])
def test_a_text_that_a_spreadsheet_would_compute_has_a_sign_before_it(store: Store, text: str) -> None:
    put(store, 1, conditions={"versions": {}, "amu_bench": text})
    (row, *_) = csv.DictReader(io.StringIO(table(store)))
    assert row["version"] == f"'{text}"


def test_a_cell_is_one_line_with_all_digits_and_empty_for_null(store: Store) -> None:
    assert exporting.cell("a\nb\x1b") == "a\\nb\\u001b"
    assert [exporting.cell(value) for value in (None, True, 3, 100 / 3)] == ["", "true", "3", "33.333333333333336"]
