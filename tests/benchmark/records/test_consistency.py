"""A record agrees with itself: its counts, its curves, its choices, and the checksum of all of it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_world import here, some_run, toy

from benchmark.core.digest import JsonDict
from benchmark.records import answers, consistency
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.running.measure import measure

Edit = Callable[[JsonDict], object]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with one record, measured on the toy suite, that has every part a record can have but shifts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        store = Store(tmp_path_factory.mktemp("results"))
        measure(some_run(shots=2), here(toy()), store)
    return store


@pytest.fixture
def content(measured: Store) -> Iterator[bytes]:
    """The content of the record's file, which is put back after the test."""
    (path,) = measured.root.glob("*.json")
    before = path.read_bytes()
    yield before
    path.write_bytes(before)


def complaint(store: Store, content: bytes) -> str:
    """What is said of the record with another content; "" if it is used."""
    (path,) = store.root.glob("*.json")
    path.write_bytes(content)
    used = list(store.records())
    assert used == ([] if store.problems else [path.stem])
    return store.problems.get(path.name, "")


def leaves(said: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all numbers, texts and empty parts of plain data."""
    parts = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for name, part in parts:
        yield from leaves(part, (*place, name))
    if not parts:
        yield place


def at(said: Any, place: tuple[Any, ...]) -> Any:
    for name in place:
        said = said[name]
    return said


def other(value: Any) -> Any:
    return {bool: lambda: not value, str: lambda: f"{value}0", int: lambda: value + 1, float: lambda: value * 1.01}.get(
        type(value), lambda: {"other": 1}
    )()


def test_the_record_as_measured_is_used(measured: Store, content: bytes) -> None:
    said = json.loads(content)
    assert complaint(measured, content) == ""
    assert {"beta_curve", "curves", "metrics", "max_logit", "picked_on", "support", "conditions"} <= said.keys()


def test_not_one_number_or_word_of_a_record_can_be_changed_unseen(measured: Store, content: bytes) -> None:
    places = list(leaves(json.loads(content)))
    assert len(places) > 250
    for place in places:
        said = json.loads(content)
        inside = at(said, place[:-1])
        inside[place[-1]] = other(inside[place[-1]])
        assert complaint(measured, json.dumps(said).encode()), place


def test_not_one_field_of_a_record_can_be_taken_away_or_renamed_unseen(measured: Store, content: bytes) -> None:
    for name in json.loads(content):
        said = json.loads(content)
        part = said.pop(name)
        assert complaint(measured, json.dumps(said).encode()), name
        assert complaint(measured, json.dumps({**said, f"{name}s": part}).encode()), name


def test_nothing_can_be_added_to_a_record_unseen(measured: Store, content: bytes) -> None:
    said = {**json.loads(content), "better": True}
    assert complaint(measured, json.dumps(said).encode()).startswith("it was changed after it was written")


def test_a_record_that_is_laid_out_otherwise_is_the_record(measured: Store, content: bytes) -> None:
    said = json.loads(content)
    backwards = dict(reversed(said.items()))
    assert complaint(measured, json.dumps(backwards, indent=4, ensure_ascii=False).encode()) == ""


def test_a_record_without_its_checksum_is_missed_by_its_answers(measured: Store, content: bytes) -> None:
    said = json.loads(content)
    del said["checksum"]
    assert complaint(measured, json.dumps(said).encode()) == "its checksum is gone"


def as_before_checksums(store: Store, folder: Path) -> tuple[Store, JsonDict]:
    """The record and its answers as they were written before records had checksums."""
    (record,) = store.records().values()
    correct = {name: np.packbits(store.correct(record.key, name)) for name in sorted(record.selections)}
    said = {**record.to_json(), "answers": answers.named(correct)}
    folder.mkdir()
    np.savez_compressed(folder / f"{record.key}-{said['answers']}.npz", **correct)
    (folder / f"{record.key}.json").write_text(json.dumps(said))
    return Store(folder), said


def test_a_record_of_before_checksums_is_used(measured: Store, tmp_path: Path) -> None:
    store, said = as_before_checksums(measured, tmp_path / "old")
    (record,) = store.records().values()
    assert store.problems == {}
    assert record == Record.from_json(said)


def first_of(name: str, value: float) -> Edit:
    return lambda said: at(said, ("metrics", "val")).update({name: value})


DISAGREEING: dict[str, tuple[Edit, str]] = {
    "a count of an epoch": (lambda r: r["curves"]["test"].__setitem__(0, 161), "curves: 161 is no count from 0 to 160"),
    "a count on validation": (lambda r: r["curves"]["val"].__setitem__(0, -1), "curves: -1 is no count from 0 to 32"),
    "a count in words": (lambda r: r["curves"]["val"].__setitem__(0, "1"), "not a record: a count"),
    "a curve that is cut": (lambda r: r["curves"]["test"].clear(), "curves: of different numbers of epochs"),
    "no list": (lambda r: r["curves"].update(test=3), "not a record: curves.test"),
    "a picked count": (lambda r: r["picked_on"].update(test=200), "picked_on: 200 is no count from 0 to 160"),
    "a count of the sweep": (lambda r: r["beta_curve"]["correct"].__setitem__(3, 161), "beta_curve: 161 is no count"),
    "the best of the sweep": (lambda r: r["beta_curve"]["best"].update(correct=0), "its best point is not the best"),
    "a beta below 0": (lambda r: r["beta_curve"]["best"].update(beta=-1.0), "its best point is not the best"),
    "a bin": (lambda r: r["max_logit"]["right"].__setitem__(0, 1000), "max_logit: its bins do not hold 160 images"),
    "the ends of the bins": (lambda r: r["max_logit"].update(low=1e6), "max_logit: its bins have no order"),
    "a share": (first_of("cmy_raw", 2.5), "cmy_raw: 2.5 is not from 0 to 2"),
    "a share below 0": (first_of("bias_cmy_centred", -0.1), "bias_cmy_centred: -0.1 is not from 0 to 2"),
    "a count of the bias": (first_of("bias_correct", 161), "bias_correct: 161 is no count from 0 to 160"),
    "half an image": (first_of("bias_correct", 1.5), "bias_correct: 1.5 is no count"),
    "an epoch": (lambda r: r["selections"]["last"].update(epoch=9), "selection 'last': epoch 9 of"),
    "an epoch in words": (lambda r: r["selections"]["last"].update(epoch="one"), "not a record: a count"),
    "images that are no number": (lambda r: r.update(n_val="16"), "not a record: n_val"),
    "a right answer": (lambda r: r["selections"]["val"].update(correct=0), "its answers: selection 'val'"),
    "metrics of no selection": (lambda r: r["metrics"].update(best={}), "metrics: of selection 'best'"),
    "no answers": (lambda r: r.update(answers="0" * 16), "cannot be read (No such file or directory)"),
    "a shift of no selection": (
        lambda r: r.update(shifts={"a": {"n": 3, "selections": {s: {"correct": 1} for s in [*r["selections"], "x"]}}}),
        "shift a: of selection 'x'",
    ),
}


@pytest.mark.parametrize("kind", DISAGREEING)
def test_without_a_checksum_what_the_fields_say_of_each_other_is_held(
    measured: Store, tmp_path: Path, kind: str
) -> None:
    edit, words = DISAGREEING[kind]
    store, said = as_before_checksums(measured, tmp_path / "old")
    edit(said)
    assert words in complaint(store, json.dumps(said).encode())


@pytest.mark.parametrize("name", ["val", "test"])
def test_the_epoch_that_images_chose_is_the_best_of_their_curve(measured: Store, name: str) -> None:
    (record,) = measured.records().values()
    said = json.loads(json.dumps(record.to_json()))
    said["curves"] = {"val": [3, 5, 5, 4], "test": [40, 50, 50, 45]}
    said["picked_on"] = {"val": 5, "test": 50}
    said["selections"].update(val={"correct": 1, "epoch": 3}, test={"correct": 1, "epoch": 2})
    assert consistency.disagreement(Record.from_json(said)) == ""
    said["selections"][name]["epoch"] = 4
    assert "epoch 4 is not the best of its curve" in consistency.disagreement(Record.from_json(said))
    said["asked"] = {**said["asked"], "protocol": 1}
    assert consistency.disagreement(Record.from_json(said)) == "", "another protocol may choose otherwise"


def test_a_search_does_not_make_a_choice_worse(measured: Store) -> None:
    (record,) = measured.records().values()
    said = {**record.to_json(), "picked_on": {"val": 0, "test": 0}}
    assert consistency.disagreement(Record.from_json(said)).startswith("picked_on: 0 images of val, fewer than before")
