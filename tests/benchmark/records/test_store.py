"""A record is there whole or not at all; whatever else lies in the folder is named and left alone."""

import itertools
import json
import multiprocessing.process
import os
import random
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from toy_world import bits_of, numbered

from benchmark.core import files
from benchmark.core.errors import BenchError, Refused
from benchmark.records import answers as answer_files
from benchmark.records.record import EARLIER, Record
from benchmark.records.store import Store

FORK = multiprocessing.get_context("fork")  # the children write files and never call torch, which is loaded already


def write_for_ever(folder: Path, first: int) -> None:
    """New records without end, and record 0 again after each."""
    store = Store(folder)
    for number in itertools.count(first):
        for record in (numbered(number, n=2000), numbered(0, n=2000)):
            store.put(record, bits_of(record))


def start_writer(folder: Path, first: int) -> multiprocessing.process.BaseProcess:
    writer = FORK.Process(target=write_for_ever, args=(folder, first), daemon=True)
    writer.start()
    return writer


def kill(writer: multiprocessing.process.BaseProcess) -> None:
    writer.kill()
    writer.join()


def wait_for(folder: Path, *numbers: int) -> None:
    while not all((folder / f"{numbered(n, n=2000).key}.json").is_file() for n in numbers):
        time.sleep(0.01)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results" / "toy")


def put(store: Store, number: int = 1, **how: Any) -> str:
    record = numbered(number, **how)
    store.put(record, bits_of(record))
    return record.key


def answers(store: Store, key: str) -> Path:
    """The one file with a record's answers."""
    (path,) = store.root.glob(f"{key}-*.npz")
    return path


def test_what_was_put_is_got(store: Store) -> None:
    key = put(store)
    expected = replace(numbered(1), answers=answers(store, key).stem.partition("-")[2])
    assert store.get(key) == expected
    assert store.records() == {key: expected}
    assert store.problems == {}


def test_correctness_comes_back_bit_by_bit_under_each_selection(store: Store) -> None:
    record = numbered(1, correct=(2, 3, 4), n=11)
    bits = {name: np.zeros(11, bool) for name in ("last", "val", "test")}
    bits["last"][[0, 10]], bits["val"][[1, 2, 3]], bits["test"][[0, 2, 4, 8]] = True, True, True
    store.put(record, bits)
    for name, expected in bits.items():
        np.testing.assert_array_equal(store.correct(record.key, name), expected)


def test_a_selection_that_a_record_does_not_have_is_told(store: Store) -> None:
    record = numbered(1)
    earlier = {name: record.selections[name] for name in EARLIER}
    record = replace(record, selections=earlier)
    store.put(record, bits_of(record))
    with pytest.raises(BenchError, match=r"has no selection 'released'; measure it again with --rerun"):
        store.correct(record.key, "released")
    with pytest.raises(ValueError, match="per-image correctness of a selection that the record does not have"):
        store.put(record, bits_of(numbered(1)))


def test_nothing_is_got_from_an_empty_or_absent_folder(store: Store) -> None:
    assert store.records() == {}
    assert store.get("0" * 20) is None
    with pytest.raises(BenchError, match="no such record"):
        store.correct("0" * 20, "val")


def test_a_deleted_record_is_gone_and_deleting_twice_is_no_mistake(store: Store) -> None:
    key = put(store)
    store.delete(key)
    store.delete(key)
    assert list(store.root.iterdir()) == []


def test_putting_again_replaces(store: Store) -> None:
    key = put(store, correct=(1, 1, 1))
    assert put(store, correct=(9, 9, 9)) == key
    assert store.correct(key, "val").sum() == 9


def test_bits_that_disagree_with_the_counts_are_refused_on_writing(store: Store) -> None:
    record = numbered(1, correct=(4, 5, 6))
    bits = bits_of(record)
    bits["val"][9] = True
    with pytest.raises(ValueError, match="'val': 6 of 10 images right, the record says 5 of 10"):
        store.put(record, bits)
    assert store.records() == {}


def test_bits_of_another_measurement_are_not_taken_for_this_one(store: Store) -> None:
    key = put(store, correct=(4, 5, 6))
    other = Store(store.root.parent / "other")
    put(other, correct=(4, 7, 6))
    answers(other, key).replace(answers(store, key))
    with pytest.raises(BenchError, match="7 of 10 images right, the record says 5 of 10; measure it again"):
        store.correct(key, "val")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04torn", b"no archive"])
def test_damaged_bits_are_a_mistake_that_its_reader_can_mend(store: Store, content: bytes) -> None:
    key = put(store)
    answers(store, key).write_bytes(content)
    with pytest.raises(BenchError, match=r"npz: cannot be read .*--rerun"):
        store.correct(key, "val")


def test_absent_bits_are_a_mistake_that_its_reader_can_mend(store: Store) -> None:
    key = put(store)
    answers(store, key).unlink()
    with pytest.raises(BenchError, match="cannot be read"):
        store.correct(key, "val")


def test_pickled_bits_are_never_unpickled(store: Store) -> None:
    key, trap = put(store), store.root / "trap"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (trap,))

    np.savez(answers(store, key), val=np.array([Trap()], dtype=object))
    with pytest.raises(BenchError, match="cannot be read"):
        store.correct(key, "val")
    assert not trap.exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused_on_writing(store: Store, value: float) -> None:
    record = replace(numbered(1), curves={"val": [value]})
    with pytest.raises(ValueError, match="JSON compliant"):
        store.put(record, bits_of(record))
    assert store.records() == {}


@pytest.mark.parametrize("key", ["../escaped", "/tmp/escaped", "a/b", "", "..", "x" * 20])
def test_a_record_cannot_escape_its_folder(store: Store, key: str) -> None:
    record = replace(numbered(1), key=key)
    with pytest.raises(ValueError, match="not the hash"):
        store.put(record, bits_of(record))
    assert not list(store.root.parent.parent.rglob("*escaped*"))


def edited(**changes: Any) -> bytes:
    return json.dumps({**numbered(2).to_json(), **changes}).encode()


def with_correct(correct: float) -> bytes:
    return edited(selections={name: {"correct": correct} for name in ("last", "val", "test")})


def with_tuned(tuned: Any) -> bytes:
    return edited(selections={name: {"correct": 5, "tuned": tuned} for name in ("last", "val", "test")})


HOSTILE = {
    "empty": (b"", "not readable as JSON"),
    "torn": (edited()[:200], "not readable as JSON"),
    "no text": (b"\xff\xfe\x00", "not readable as JSON"),
    "nan": (edited().replace(b'"n_val": 16', b'"n_val": NaN'), "NaN is no number"),
    "infinity": (edited().replace(b'"n_val": 16', b'"n_val": -Infinity'), "-Infinity is no number"),
    "overflow": (edited().replace(b'"n_val": 16', b'"n_val": 1e999'), "1e999 is no number"),
    "endless digits": (edited().replace(b'"n_val": 16', b'"n_val": ' + b"9" * 5000), "not readable as JSON"),
    "huge nesting": (b"[" * 200_000 + b"]" * 200_000, "not readable as JSON"),
    "huge nesting inside": (edited(extra=0).replace(b'"extra": 0', b'"extra": ' + b'{"a":' * 99_999), "JSON"),
    "a list": (b"[]", "no JSON object"),
    "a number": (b"1", "no JSON object"),
    "null": (b"null", "no JSON object"),
    "another program's": (b'{"accuracy": 1}', "schema is None"),
    "another schema": (edited(schema=2), "schema is 2"),
    "asked a list": (edited(asked=[]), "asked is no object"),
    "asked without method": (edited(asked={"shots": 1, "seed": 1}), "asked.method is missing"),
    "a seed in words": (edited(asked={**numbered(2).asked, "seed": "one"}), "asked.seed is missing or of another"),
    "another question": (edited(asked={**numbered(2).asked, "seed": 7}), "not the hash"),
    "no n": (edited(n=None), "n is missing"),
    "n true": (edited(n=True), "n is missing or of another type"),
    "no images": (edited(n=0, selections={s: {"correct": 0} for s in ("last", "val", "test")}), "correct is no count"),
    "n huge": (edited(n=10**30), "n is too large"),
    "selections a list": (edited(selections=[1, 2, 3]), "selections is no object"),
    "a selection a number": (edited(selections={"last": 1, "val": 1, "test": 1}), "selections.last is no object"),
    "a selection missing": (edited(selections={"last": {"correct": 1}, "val": {"correct": 1}}), "selections.test"),
    "a percentage": (with_correct(0.5), "correct is missing"),
    "more right than there are": (
        with_correct(11),
        "no count from 0 to 10",
    ),
    "fewer than none": (with_correct(-1), "no count"),
    "fingerprints a text": (edited(fingerprints="x"), "fingerprints is no object"),
    "seconds a list": (edited(seconds=[1]), "seconds is no object"),
    "seconds in words": (edited(seconds={"fit": "long", "total": 1}), "seconds.fit"),
    "memory a list": (edited(peak_memory_mib=[]), "peak_memory_mib"),
    "conditions a list": (edited(conditions=["x"]), "conditions is no object"),
    "versions a list": (edited(conditions={"versions": []}), "conditions.versions is no object"),
    "tuned in words": (with_tuned({"beta": "<b>"}), "tuned is missing or of another type"),
    "tuned a list": (with_tuned([1.0]), "tuned is no object"),
    "answers elsewhere": (edited(answers="../../etc/pass"), "answers is no name"),
    "answers a number": (edited(answers=1), "answers is missing or of another type"),
    "half a character": (edited(measured="\ud800"), "not readable as JSON"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_record_is_named_and_everything_else_is_used(store: Store, kind: str) -> None:
    content, complaint = HOSTILE[kind]
    good, bad = put(store, 1), f"{numbered(2).key}.json"
    (store.root / bad).write_bytes(content)
    assert list(store.records()) == [good]
    assert list(store.problems) == [bad]
    assert complaint in store.problems[bad]
    assert "\n" not in store.problems[bad]
    assert store.get(numbered(2).key) is None


def test_a_renamed_record_is_named_and_skipped(store: Store) -> None:
    key = put(store)
    (store.root / f"{key}.json").rename(store.root / "mine.json")
    assert store.records() == {}
    assert store.problems == {"mine.json": f"named mine but holds the record of '{key}'"}


def test_a_folder_that_is_named_like_a_record_is_named_and_skipped(store: Store) -> None:
    key = put(store)
    (store.root / "folder.json").mkdir()
    assert list(store.records()) == [key]
    assert "folder.json" in store.problems


def test_temporary_files_do_not_count(store: Store) -> None:
    key = put(store)
    (store.root / f".{key}.json.0123456789abcdef.tmp").write_bytes(b'{"half": ')
    assert list(store.records()) == [key]
    assert store.problems == {}


def test_a_mended_record_is_no_problem_any_more(store: Store) -> None:
    key = put(store)
    path = store.root / f"{key}.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    assert store.records() == {}
    path.write_bytes(whole)
    assert list(store.records()) == [key]
    assert store.problems == {}


def test_a_file_in_the_place_of_the_folder_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    store = Store(tmp_path / "results" / "toy")
    for attempt in (store.check_writable, lambda: put(store)):
        with pytest.raises(BenchError, match=r"results/toy: cannot be written \(.*\); choose another with --results$"):
            attempt()


def test_asking_whether_it_is_writable_leaves_nothing_behind(store: Store) -> None:
    store.check_writable()
    assert list(store.root.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_record_and_no_temporary_file(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = put(store)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BenchError, match="No space left"):
        put(store)
    assert sorted(p.name for p in store.root.iterdir()) == [answers(store, key).name, f"{key}.json"]
    assert store.correct(key, "val").sum() == 5


def die_at(step: int, folder: Path, again: bool = False) -> None:
    """Put record 1, or `other_answers`, and end without a word at a line of what touches the disk here or in pathlib."""
    left = itertools.count(step, -1)
    touching = {"written_whole", "mkdir", "open", "unlink", "replace", "rename", "write_bytes", "write_text"}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_name not in touching or not re.search("store.py|files.py|pathlib", frame.f_code.co_filename):
            return None
        if event == "line" and next(left) == 0:
            os._exit(9)
        return trace

    sys.settrace(trace)
    if again:
        Store(folder).put(*other_answers())
    else:
        put(Store(folder))
    os._exit(0)


def other_answers() -> tuple[Record, dict[str, np.ndarray]]:
    """Record 1 measured again: as many images are right, but others."""
    record = replace(numbered(1), measured="later")
    return record, {name: bits[::-1] for name, bits in bits_of(record).items()}


def test_wherever_a_second_measurement_dies_a_record_has_its_own_answers(tmp_path: Path) -> None:
    key, seen = numbered(1).key, []
    for step in itertools.count():
        store = Store(tmp_path / str(step))
        put(store)
        writer = FORK.Process(target=die_at, args=(step, store.root, True))
        writer.start()
        writer.join()
        (record,) = store.records().values()
        expected = other_answers()[1]["val"] if record.measured == "later" else bits_of(numbered(1))["val"]
        assert store.correct(key, "val").tolist() == expected.tolist()
        seen.append(record.measured == "later")
        if writer.exitcode == 0:
            break
    assert seen[0] is False
    assert seen[-1] is True
    assert len(list(store.root.iterdir())) == 2  # nothing of the first measurement is left
    assert len(seen) > 20


def test_measuring_the_same_again_keeps_the_answers_where_they_are(store: Store) -> None:
    key = put(store)
    before = answers(store, key)
    put(store)
    assert answers(store, key) == before


def test_a_record_that_does_not_name_its_answers_has_them_under_its_own_name(store: Store) -> None:
    key = put(store)
    answers(store, key).rename(store.root / f"{key}.npz")
    (store.root / f"{key}.json").write_text(json.dumps(numbered(1).to_json()))
    assert store.correct(key, "val").sum() == 5
    put(store)
    assert sorted(p.suffix for p in store.root.iterdir()) == [".json", ".npz"]
    assert store.correct(key, "val").sum() == 5


def test_wherever_a_writer_dies_the_record_is_whole_or_not_there(tmp_path: Path) -> None:
    key, seen = numbered(1).key, []
    for step in itertools.count():
        folder = tmp_path / str(step)
        writer = FORK.Process(target=die_at, args=(step, folder))
        writer.start()
        writer.join()
        store = Store(folder)
        seen.append(list(store.records()))
        assert store.problems == {}
        if seen[-1]:
            assert store.correct(key, "val").sum() == 5
        if writer.exitcode == 0:
            break
    assert seen[0] == []
    assert seen[-1] == [key]
    assert len(seen) > 20  # so many places to die were tried


def test_a_killed_writer_leaves_every_record_whole_or_not_there(tmp_path: Path) -> None:
    dice, store = random.Random(0), Store(tmp_path)
    for first in range(1, 1_200_000, 100_000):
        writer = start_writer(tmp_path, first)
        wait_for(tmp_path, first)
        time.sleep(dice.uniform(0, 0.05))
        kill(writer)
        records = store.records()
        assert store.problems == {}
        assert numbered(first).key in records
        for key in records:
            assert [store.correct(key, s).sum() for s in ("last", "val", "test")] == [4, 5, 6]


def test_sixteen_writers_at_once_leave_only_valid_records(tmp_path: Path) -> None:
    starts = range(1, 800_000, 100_000)  # two writers each, so that all write record 0 and every other is written twice
    writers = [start_writer(tmp_path, first) for first in starts for _ in range(2)]
    store = Store(tmp_path)
    wait_for(tmp_path, 0, *starts)
    for _ in range(3):  # a reader beside them sees no half of anything either; it reads ever more records
        store.records()
        assert store.problems == {}
    for writer in writers:
        kill(writer)
    keys = set(store.records())
    assert store.problems == {}
    assert {numbered(n).key for n in (0, *starts)} <= keys
    assert all(store.correct(key, "test").sum() == 6 for key in keys)


def test_a_record_whose_answers_are_gone_is_named_and_not_used(store: Store) -> None:
    keys = [put(store, number) for number in (1, 2)]
    answers(store, keys[0]).unlink()
    assert list(store.records()) == keys[1:]
    assert re.fullmatch(
        r"its answers, \w+-\w+\.npz, cannot be read \(No such file or directory\)", store.problems[f"{keys[0]}.json"]
    )


def test_the_answers_of_another_record_are_not_taken_for_a_record_s_own(store: Store) -> None:
    """Both have the same counts, so that only the name of the file tells them apart."""
    key = put(store)
    path = answers(store, key)
    other = Store(store.root.parent / "other")
    record, correct = other_answers()
    other.put(record, correct)
    answers(other, key).replace(path)
    assert store.records() == {}
    assert store.problems == {f"{key}.json": "its answers are not those that it was written with"}


def test_a_record_measured_again_while_it_is_read_is_the_new_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its reading and that of its answers, another process replaces both."""
    put(store)
    read = answer_files.read

    def replaced(path: Path) -> dict[str, np.ndarray]:
        monkeypatch.setattr(answer_files, "read", read)
        Store(store.root).put(*other_answers())
        return read(path)

    monkeypatch.setattr(answer_files, "read", replaced)
    (record,) = store.records().values()
    assert record.measured == "later"
    assert store.problems == {}


@pytest.mark.parametrize("damage", [b"", b"{", None])
def test_a_damaged_record_that_is_measured_again_leaves_nothing_behind(store: Store, damage: bytes | None) -> None:
    key = put(store)
    if damage is None:
        answers(store, key).write_bytes(b"")
    else:
        (store.root / f"{key}.json").write_bytes(damage)
    store.records()
    store.put(*other_answers())
    assert list(store.records()) == [key]
    assert len(list(store.root.iterdir())) == 2
    assert store.correct(key, "val").tolist() == other_answers()[1]["val"].tolist()


def test_a_pipe_or_a_device_in_the_place_of_a_record_is_named(store: Store) -> None:
    key = put(store)
    os.mkfifo(store.root / "pipe.json")
    (store.root / "zeros.json").symlink_to("/dev/zero")
    (store.root / "nothing.json").symlink_to(store.root / "nowhere")
    assert list(store.records()) == [key]
    assert store.problems == {
        "nothing.json": "cannot be read (No such file or directory)",
        "pipe.json": "cannot be read (a named pipe, not a regular file)",
        "zeros.json": "cannot be read (a device, not a regular file)",
    }


def test_a_pipe_in_the_place_of_answers_is_named(store: Store) -> None:
    key = put(store)
    path = answers(store, key)
    path.unlink()
    os.mkfifo(path)
    assert store.records() == {}
    assert "a named pipe, not a regular file" in store.problems[f"{key}.json"]


def test_a_folder_that_may_not_be_read_is_not_an_empty_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store)

    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(Refused, match=r"results folder .*toy: cannot be read \(Permission denied\); .* --results$"):
        store.records()


def test_leftovers_of_killed_writers_go_before_runs_begin(store: Store) -> None:
    key = put(store)
    old, new = (store.root / f".{key}.json.{name}.tmp" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (1e9, 1e9))
    store.check_writable()
    assert not old.exists()
    assert new.exists()


def test_a_record_that_the_folder_does_not_list_yet_is_found_by_its_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on NFS, where the listing of a folder may be older than a file that another machine has written."""
    record = numbered(1)
    store.put(record, bits_of(record))
    monkeypatch.setattr(files, "listed", lambda *_: [])
    assert store.records() == {}
    assert list(store.with_late([record.key, "0" * 20])) == [record.key]
