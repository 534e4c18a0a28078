"""A record becomes lines that its schema describes, and what breaks the schema is named with its field."""

import json
from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator
from toy_world import edited, numbered, some_run, toy
from toy_world import record_of as record_of_run

from benchmark.core.digest import JsonDict
from benchmark.records import lines
from benchmark.records.lines import COLUMNS, SCHEMA, complaint, unlike
from benchmark.records.record import SELECTIONS, Record

SHIFT = {"n": 5, "selections": {name: {"correct": 2} for name in SELECTIONS}}


def some_record() -> Record:
    """A record with every part that lines have a field for."""
    record = record_of_run(some_run(settings={"beta": 1.0, "aux": "mocov3"}).asked())
    selections = {**record.to_json()["selections"], "val": {"correct": 5, "epoch": 1, "tuned": {"beta": 0.25}}}
    conditions = {**record.conditions, "amu_bench": "0.2.0"}
    return edited(
        record,
        selections=selections,
        shifts={"imagenetv2": SHIFT},
        licences={"RN50": "MIT"},
        noncommercial=False,
        conditions=conditions,
    )


def line(**changes: object) -> JsonDict:
    """The line of this record under `val`, with other fields."""
    found = {one["selection"]: one for one in lines.of(some_record(), str)}
    return {**found["val"], **changes}


def test_the_schema_is_one_and_has_its_version_in_its_name_and_in_each_line() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == SCHEMA["properties"]["schema"]["const"] == line()["schema"] == "urn:amu-bench:results:1"
    assert f"results-{SCHEMA['$id'].rpartition(':')[2]}.json" == lines.FILE


def test_a_run_is_a_line_for_each_selection_and_each_line_keeps_the_schema() -> None:
    found = list(lines.of(some_record(), toy().named))
    assert [one["selection"] for one in found] == [*SELECTIONS]
    assert [complaint(one) for one in found] == [""] * 4
    assert [unlike(one, some_record()) for one in found] == [""] * 4
    assert all(tuple(one) == COLUMNS for one in found)


def test_a_field_is_a_text_a_number_a_boolean_or_null_and_parts_are_json() -> None:
    said = line()
    assert all(value is None or isinstance(value, str | int | float | bool) for value in said.values())
    assert json.loads(said["tuned"]) == {"beta": 0.25}
    assert json.loads(said["shifts"]) == {"imagenetv2": {"n": 5, "correct": 2}}
    assert json.loads(said["licences"]) == {"RN50": "MIT"}
    assert (said["aux"], said["accuracy"], said["version"]) == ("mocov3", 50.0, "0.2.0")


def test_what_a_record_does_not_say_is_null() -> None:
    said = next(lines.of(numbered(1), str))
    assert complaint(said) == ""
    unsaid = ("suite", "dataset", "backbone", "aux", "tuned", "shifts", "version", "licences", "noncommercial")
    assert [said[name] for name in unsaid] == [None] * len(unsaid)


BROKEN: dict[str, tuple[Callable[[], object], str]] = {
    "a list": (lambda: [], "no JSON object"),
    "a later version": (
        lambda: line(schema="urn:amu-bench:results:2"),
        "of schema 'urn:amu-bench:results:2'; this version of bench reads urn:amu-bench:results:1",
    ),
    "no version": (lambda: {"n": 1}, "of schema None"),
    "a field more": (lambda: line(colour="red"), "has a field that the schema does not have: 'colour'"),
    "a field less": (lambda: {k: v for k, v in line().items() if k != "n"}, "has no field 'n'"),
    "a text for a number": (lambda: line(n="ten"), "n: 'ten' is not of type 'integer'"),
    "true for a number": (lambda: line(seed=True), "seed: True is not of type 'integer'"),
    "no images": (lambda: line(n=0), "n: 0 is less than 1"),
    "a huge number": (lambda: line(correct=10**30), f"is more than {2**53}"),
    "more right than there are": (lambda: line(correct=11), "accuracy: 50.0 is not 11 of 10 in per cent"),
    "another accuracy": (lambda: line(accuracy=51), "accuracy: 51 is not 5 of 10 in per cent"),
    "an unknown selection": (lambda: line(selection="best"), "selection: 'best' is none of"),
    "a path for a key": (lambda: line(key="../../x"), "key: '../../x' does not match"),
    "parts that are no JSON": (lambda: line(settings="{"), "settings: no JSON"),
    "NaN in parts": (lambda: line(tuned='{"beta": NaN}'), "tuned: no JSON (NaN is no number)"),
    "parts of another kind": (lambda: line(tuned='{"beta": "x"}'), "tuned.beta: 'x' is not of type 'number'"),
    "a count too few in parts": (lambda: line(shifts='{"a": {"n": 3}}'), "lacks a field of"),
    "a record without answers": (lambda: line(record="{}", answers=None), "answers: None is not of type 'string'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_the_schema_is_named_with_its_field(name: str) -> None:
    said, words = BROKEN[name]
    assert words in complaint(said())


def test_a_value_of_any_size_is_named_in_a_few_words() -> None:
    assert len(complaint(line(n="9" * 10_000_000))) < 200


def test_a_line_that_says_something_else_than_its_record_is_named() -> None:
    assert unlike(line(seed=7), some_record()) == "seed: is 7, its record says 1"
    assert unlike(line(epoch=None), some_record()) == "epoch: is None, its record says 1"
    assert unlike(line(method="Tip-Adapter (ours)", dataset="ImageNet"), some_record()) == ""
    other = "shifts: has counts that are not those of its record"
    assert unlike(line(shifts='{"sketches": {"n": 5, "correct": 2}}'), some_record()) == ""
    assert unlike(line(shifts='{"sketches": {"n": 5, "correct": 3}}'), some_record()) == other
    assert unlike(line(shifts=None), some_record()) == other
    fewer = edited(some_record(), selections={"last": {"correct": 1}, "val": {"correct": 1}, "test": {"correct": 1}})
    assert unlike(line(selection="released"), fewer) == "selection: its record has no 'released'"


def test_numbers_that_a_table_rounded_are_the_same() -> None:
    assert complaint(line(accuracy=50.00001)) == unlike(line(seconds=2.0000001), some_record()) == ""
    assert complaint(line(epoch=1.0)) == unlike(line(epoch=1.0), some_record()) == ""


def test_records_are_in_the_order_of_the_paper() -> None:
    names = ["amu.tuning:AMUTuning", "m:Own", "baselines.tip_adapter:TipAdapter", "baselines.zero_shot:ZeroShotCLIP"]
    runs = [some_run(method=name, seed=seed) for name in names for seed in (2, 1)]
    found = lines.ordered([record_of_run(run.asked()) for run in runs], str)
    assert [record.method for record in found[::2]] == [names[3], names[2], names[0], names[1]]
    assert [record.seed for record in found] == [1, 2] * 4
