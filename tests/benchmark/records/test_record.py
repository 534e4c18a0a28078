"""A record is a frozen value: its JSON goes through it and comes out letter by letter, fields of later versions included."""

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from toy_house import full_record, house
from toy_world import edited, numbered, some_run

from benchmark.exhibits.question import Question
from benchmark.records import readings
from benchmark.records.record import Drawn, Record, invalid

FULL = full_record(some_run(), house(), 0.5)


def letters(said: object) -> str:
    return json.dumps(said, sort_keys=True)


@pytest.mark.parametrize("record", [numbered(1), FULL], ids=["bare", "full"])
def test_a_round_trip_changes_no_letter(record: Record) -> None:
    said = record.to_json()
    assert letters(Record.from_json(json.loads(letters(said))).to_json()) == letters(said)


def test_fields_of_later_versions_survive_at_every_depth() -> None:
    said = json.loads(letters(FULL.to_json()))
    said["later"] = {"a": 1}
    for part in (said["selections"]["val"], said["shifts"]["imagenet_a"], said["max_logit"]):
        part["later"] = [1, 2]
    said["shifts"]["imagenet_a"]["selections"]["last"]["later"] = "x"
    assert invalid(said, said["key"]) == ""
    assert letters(Record.from_json(said).to_json()) == letters(said)


def test_a_record_from_before_released_is_valid_and_says_nothing_of_it() -> None:
    said = json.loads(letters(FULL.to_json()))
    for part in (said["selections"], said["metrics"], *(on["selections"] for on in said["shifts"].values())):
        del part["released"]
    assert invalid(said, said["key"]) == ""
    record = Record.from_json(said)
    assert letters(record.to_json()) == letters(said)
    for metric, target in (("accuracy", None), ("accuracy", "imagenet_a"), ("val_accuracy", None), ("cmy_raw", None)):
        assert readings.read(record, Question(metric=metric, target=target), "released") is None


@pytest.mark.parametrize("name", ["released", "a selection of a later version"])
def test_every_selection_that_a_record_has_must_be_readable(name: str) -> None:
    for part, words in (({"correct": "many"}, f"selections.{name}.correct"), (5, f"selections.{name} is no object")):
        said = {**FULL.to_json(), "selections": {**FULL.to_json()["selections"], name: part}}
        assert words in invalid(said, said["key"])
    said["selections"][name] = {"correct": FULL.n + 1}
    assert invalid(said, said["key"]) == f"selection {name!r}: correct is no count from 0 to {FULL.n}"
    said = {**FULL.to_json(), "metrics": {**FULL.metrics, name: 3}}
    assert f"metrics.{name} is no object" in invalid(said, said["key"])


def test_what_a_record_does_not_have_is_none_and_stays_out_of_its_json() -> None:
    record = numbered(1)
    assert (record.beta_curve, record.shifts, record.draw) == (None, None, None)
    assert not {"beta_curve", "shifts", "draw", "more", "picked"} & record.to_json().keys()


def test_the_parts_have_names() -> None:
    assert (FULL.n, FULL.selections["val"].correct, FULL.shots, FULL.dataset) == (1000, 500, 1, "imagenet")
    assert FULL.shifts is not None
    assert FULL.shifts["imagenet_a"].selections["val"].correct == 250


def test_a_record_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        FULL.n = 1  # type: ignore[misc]


def test_the_cell_of_a_record_is_its_run_s_cell(tmp_path: Path) -> None:
    run = some_run()
    assert full_record(run, house(), 0.5).cell_key == run.cell_key


MARKED = {
    "support": {"images": 10, "fewest": 2, "most": 4},
    "validation": {"images": 0, "fewest": 0, "most": 0},
    "warnings": ["Slow: it did not converge"],
}


def test_the_images_drawn_and_the_warnings_heard_go_through_letter_by_letter() -> None:
    record = edited(numbered(1), **MARKED)
    assert invalid(record.to_json(), record.key) == ""
    assert record.support == Drawn(10, 2, 4)
    assert letters(Record.from_json(json.loads(letters(record.to_json()))).to_json()) == letters(record.to_json())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"support": {"images": 10, "fewest": 5, "most": 4}}, "support is no count of images by class"),
        ({"support": {"images": 3, "fewest": 2, "most": 4}}, "support is no count of images by class"),
        ({"validation": {"images": 3, "fewest": -1, "most": 2}}, "validation is no count of images by class"),
        ({"support": {"images": 3, "fewest": 2}}, "support.most is missing or of another type"),
        ({"support": 3}, "support is no object"),
        ({"warnings": "one"}, "warnings is missing or of another type"),
        ({"warnings": [1]}, "warnings are not at most 20 texts"),
        ({"warnings": ["a"] * 21}, "warnings are not at most 20 texts"),
        ({"warnings": ["a" * 1001]}, "warnings are not at most 20 texts of at most 1000 characters"),
    ],
)
def test_impossible_counts_and_endless_warnings_are_no_record(changes: dict[str, object], complaint: str) -> None:
    record = numbered(1)
    assert complaint in invalid({**record.to_json(), **changes}, record.key)
