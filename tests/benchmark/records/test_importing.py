"""A results.jsonl makes the records again letter by letter; what is damaged or hostile in it is left out, line by line."""

import gzip
import json
import os
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_world import bits_of, edited, numbered, put, record_of

from benchmark.core.digest import JsonDict
from benchmark.core.errors import BenchError, Incomplete
from benchmark.records import exporting, importing, lines
from benchmark.records.exporting import Exporter
from benchmark.records.importing import Imported, check, read
from benchmark.records.merging import merge
from benchmark.records.store import DRAWS, TESTED, Store


def said_of(store: Store) -> list[JsonDict]:
    exporter = Exporter(store, str)
    return [said for record in lines.ordered(store.records().values(), str) for said in exporter.lines(record)]


def file_of(said: list[JsonDict], store: Store) -> Path:
    """A results.jsonl beside a store."""
    path = store.root.parent / "results.jsonl"
    path.write_text("".join(exporting.jsonl(one) + "\n" for one in said))
    return path


def content(store: Store) -> dict[str, bytes]:
    return {str(path.relative_to(store.root)): path.read_bytes() for path in store.root.rglob("*") if path.is_file()}


def test_records_answers_and_lists_are_the_same_letter_by_letter(here: Store, there: Store) -> None:
    put(there, 1)
    labels = np.arange(10) % 2
    lists = {"draw": there.keep_draw({"a": ["é.png", "\udcff.png"]}), "tested": there.keep_tested(["a", "b"], labels)}
    for number in (2, 3):
        record = edited(numbered(number), **lists)
        there.put(record, bits_of(record), np.where(bits_of(record)["val"], labels, 1 - labels))
    found = read(file_of(said_of(there), there), "toy", here)
    assert (len(found.taken), found.lines, found.left_out) == (3, 12, {})
    assert content(here) == content(there)
    assert {name.partition("/")[0] for name in content(here)} > {DRAWS, TESTED}
    assert len(merge(here, there, "toy").same) == 3


def test_a_record_on_shifts_keeps_its_answers_there(here: Store, there: Store) -> None:
    shift = {"n": 5, "selections": {name: {"correct": 2} for name in numbered(1).selections}}
    record = edited(numbered(1), shifts={"imagenet_a": shift})
    on_shift = {f"{name} on imagenet_a": np.arange(5) < 2 for name in record.selections}
    there.put(record, {**bits_of(record), **on_shift})
    read(file_of(said_of(there), there), "toy", here)
    assert content(here) == content(there)


def test_a_second_import_takes_nothing_and_other_answers_are_named_as_by_a_merge(here: Store, there: Store) -> None:
    same = put(there, 1)
    other = put(there, 2)
    put(here, 2, (4, 5, 7))
    file, before = file_of(said_of(there), there), content(here)
    found = read(file, "toy", here)
    assert (found.taken, [one.key for one in found.different]) == ([same], [other])
    assert found.different == merge(here, there, "toy").different
    assert before.items() < content(here).items()
    before = content(here)
    assert (read(file, "toy", here).same, content(here)) == ([same], before)


def test_files_that_were_joined_sorted_or_rewritten_by_a_table_are_read(here: Store, there: Store) -> None:
    keys = {put(there, number) for number in (1, 2)}
    said = said_of(there)
    assert set(read(file_of(said[::-1] + said, there), "toy", here).same) == keys
    frame = pd.read_json(file_of(said, there), lines=True).sort_values("accuracy")
    path = there.root / "table.jsonl"
    frame.to_json(path, orient="records", lines=True)
    found = read(path, "toy", here)
    assert (found.left_out, set(found.same)) == ({}, keys)


def test_lines_without_the_record_of_their_run_are_named(here: Store, there: Store) -> None:
    key = put(there, 1)
    found = read(file_of([one for one in said_of(there) if one["selection"] == "test"], there), "toy", here)
    assert found.left_out == {"line 1": f"run {key} has no line with its record, that of selection 'val'"}
    assert (found.taken, found.lines) == ([], 0)


def test_a_line_of_another_selection_is_held_against_the_record_of_its_run(here: Store, there: Store) -> None:
    key = put(there, 1)
    said = said_of(there)
    said[0].update(correct=9, accuracy=90.0)
    found = read(file_of(said, there), "toy", here)
    assert found.left_out == {"line 1": "accuracy: is 90.0, its record says 40.0"}
    assert (found.taken, found.lines) == ([key], 3)


def test_a_record_of_another_suite_is_left_out(here: Store, there: Store) -> None:
    record = record_of({**numbered(4).asked, "suite": "paper"})
    there.put(record, bits_of(record))
    found = read(file_of(said_of(there), there), "toy", here)
    assert found.left_out == {"line 2": "a record of suite 'paper', not 'toy'"}
    assert not here.root.exists()


def changed(said: JsonDict, **fields: object) -> JsonDict:
    """The line with other fields in its record, whose checksum stays."""
    return {**said, "record": json.dumps({**json.loads(said["record"]), **fields})}


def with_answers(said: JsonDict, **arrays: bytes) -> JsonDict:
    coded = {name: b64encode(part).decode() for name, part in arrays.items()}
    return {**said, "answers": json.dumps({**json.loads(said["answers"]), **coded})}


DAMAGED: dict[str, tuple[Callable[[JsonDict], object], str]] = {
    "a field more": (lambda s: {**s, "run_me": "rm"}, "has a field that the schema does not have: 'run_me'"),
    "another version": (lambda s: {**s, "schema": "urn:amu-bench:results:9"}, "of schema 'urn:amu-bench:results:9'"),
    "a better accuracy": (lambda s: {**s, "correct": 9, "accuracy": 90.0}, "accuracy: is 90.0, its record says 50.0"),
    "a better record": (lambda s: changed(s, n_val=15), "it was changed after it was written"),
    "another key": (lambda s: {**s, "key": "0" * 20}, f"named {'0' * 20} but holds the record of"),
    "a path for a key": (lambda s: {**s, "key": "../../../../tmp/x"}, "key: '../../../../tmp/x' does not match"),
    "a record that is none": (lambda s: {**s, "record": "[]"}, "not a record: no JSON object"),
    "a record cut short": (lambda s: {**s, "record": s["record"][:100]}, "not readable as JSON"),
    "a record nested deep": (lambda s: {**s, "record": "[" * 100_000}, "not readable as JSON (nested too deep)"),
    "NaN in a record": (lambda s: {**s, "record": s["record"].replace("0.5", "NaN")}, "NaN is no number"),
    "endless digits": (lambda s: {**s, "record": s["record"].replace("10", "9" * 5000)}, "not readable as JSON"),
    "no answers": (lambda s: {**s, "answers": None}, "answers: None is not of type 'string'"),
    "answers that are no base64": (lambda s: {**s, "answers": '{"val": "@@"}'}, "base64"),
    "answers of another length": (lambda s: with_answers(s, val=b"\xff" * 9), "answers are no bits of 10 images"),
    "other answers, as many right": (lambda s: with_answers(s, val=b"\x1f\x00"), "not those that it was written with"),
    "fewer right": (lambda s: with_answers(s, val=b"\x00\x00"), "0 of 10 images right, the record says 5 of 10"),
    "answers to what was not asked": (lambda s: with_answers(s, **{"val on x": b""}), "selection 'val on x'"),
    "classes of another number": (lambda s: with_answers(s, predicted=b"abc"), "buffer size must be a multiple"),
    "classes that nobody counted": (lambda s: with_answers(s, predicted=b"\0" * 20), "not those that it was written"),
    "a list of another name": (lambda s: {**s, "draw": '{"a": []}'}, "draws: the list is not the one"),
    "a list that is none": (lambda s: {**s, "tested": "[]"}, "tested: [] is not of type 'object'"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_line_is_left_out_and_the_others_are_taken(here: Store, there: Store, name: str) -> None:
    keys = [put(there, number) for number in (1, 2)]
    said = said_of(there)
    damage, words = DAMAGED[name]
    said[1] = damage(said[1])  # type: ignore[assignment]
    found = read(file_of(said, there), "toy", here)
    assert words in found.left_out["line 2"]
    assert found.taken == [keys[1]]
    assert here.records().keys() == {keys[1]}
    assert {path.name for path in here.root.parent.iterdir()} == {"toy"}


def torn(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


LINES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut": (lambda text: text[:-200], "the file may have been cut"),
    "NaN": (lambda text: text.replace(b'"seed": 2', b'"seed": NaN'), "no JSON (NaN is no number)"),
    "infinity": (lambda text: text.replace(b'"seed": 2', b'"seed": 1e999'), "no JSON (1e999 is no number)"),
    "endless digits": (lambda text: text.replace(b'"seed": 2', b'"seed": ' + b"9" * 5000), "no JSON"),
    "another encoding": (lambda text: text.replace(b'"m:M"', b'"m:\xe9"'), "no UTF-8 text"),
    "half a character": (lambda text: text.replace(b'"n": 10', b'"n": "\\ud800"'), "n: '\\ud800' is not of type"),
    "long": (lambda text: text + b" " * (2 * importing.LINE) + b"\n", "longer than 16,777,216 bytes"),
    "nested deep": (lambda text: text + b"[" * 1_000_000 + b"\n", "no JSON (nested too deep)"),
    "a list": (lambda text: text + b"[1, 2]\n", "no JSON object"),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_text_that_is_no_line_is_left_out_with_its_number(here: Store, there: Store, name: str) -> None:
    first, _ = put(there, 1), put(there, 2)
    file = file_of(said_of(there), there)
    change, words = LINES[name]
    whole = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(whole[:4]) + change(b"".join(whole[4:])))
    found = read(file, "toy", here)
    assert any(words in why for why in found.left_out.values()), found.left_out
    assert all(int(place.removeprefix("line ")) > 4 for place in found.left_out)
    assert first in found.taken


REFUSED: dict[str, tuple[bytes, type[BenchError], str]] = {
    "empty": (b"", Incomplete, "holds no line; write one with bench results export"),
    "blank": (b"\n\n", Incomplete, "holds no line"),
    "compressed": (gzip.compress(b"{}\n"), BenchError, "is compressed; unpack it first, with gunzip"),
    "another schema": (b'{"schema": 1}\n', BenchError, "line 1: of schema 1; this version of bench reads urn:"),
    "another program's": (b'{"acc": 0.9}\n', BenchError, "line 1: of schema None"),
    "an archive": (b"PK\x03\x04\xff", BenchError, "line 1: no UTF-8 text; name a file that bench results export"),
    "a text": (b"hello\n", BenchError, "line 1: no JSON"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_of_another_kind_is_refused_as_a_whole(tmp_path: Path, name: str) -> None:
    file = tmp_path / "results.jsonl"
    text, kind, words = REFUSED[name]
    file.write_bytes(text)
    with pytest.raises(kind) as raised:
        check(file)
    assert str(raised.value).startswith(f"{file}: {words}")


def test_what_is_no_regular_file_or_too_large_is_refused_without_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Incomplete, match="no such file; write one with bench results export"):
        check(tmp_path / "none.jsonl")
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(BenchError, match=r"cannot be read \(a named pipe, not a regular file\)"):
        check(tmp_path / "pipe.jsonl")
    with (tmp_path / "large.jsonl").open("wb") as stream:
        stream.truncate(importing.LARGEST + 1)
    with pytest.raises(BenchError, match="larger than 1,073,741,824 bytes"):
        check(tmp_path / "large.jsonl")


def csv_of(store: Store) -> Path:
    path = store.root.parent / "results.csv"
    path.write_text(exporting.csv(store.records().values(), str))
    return path


def test_a_table_is_held_against_the_schema(there: Store) -> None:
    put(there, 1)
    record = edited(numbered(2), conditions={"versions": {}, "amu_bench": "=1+1"}, noncommercial=True)
    there.put(record, bits_of(record))
    check(csv_of(there))
    assert read(csv_of(there), "toy", None) == Imported(str(csv_of(there)), lines=8)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",4,10,", ",5,10,", "accuracy: 40.0 is not 5 of 10 in per cent"),
        (",4,10,", ",,10,", "correct: '' is not of type 'integer'"),
        (",4,10,", ",99999999999999999999,10,", "correct: '99999999999999999999' is not of type 'integer'"),
        (",40.0,", ",NaN,", "accuracy: 'NaN' is not of type 'number'"),
        (",last,", ",first,", "selection: 'first' is none of"),
    ],
)
def test_a_row_that_breaks_the_schema_is_named(there: Store, old: str, new: str, words: str) -> None:
    put(there, 1)
    file = csv_of(there)
    file.write_text(file.read_text().replace(old, new, 1))
    found = read(file, "toy", None)
    assert list(found.left_out) == ["line 2"]
    assert words in found.left_out["line 2"]
    assert found.lines == 3


def test_a_table_that_is_none_is_refused_as_a_whole(there: Store) -> None:
    put(there, 1)
    for old, new, words in (
        ("schema,", "scheme,", "line 2: of schema None"),
        (",last,", ",last,,", "line 2 has other columns than the first"),
    ):
        file = csv_of(there)
        file.write_text(file.read_text().replace(old, new, 1))
        with pytest.raises(BenchError, match=words):
            check(file)
