"""A cell's question is a frozen value with a field for every key that an exhibit may give."""

from dataclasses import FrozenInstanceError, fields

import pytest

from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import KEYS
from benchmark.exhibits.question import Question

SAID = {"method": "m:A", "with": {"a": 1}, "shots": 0, "cite": {}, "metric": "accuracy", "later": [1]}


def test_every_key_of_an_exhibit_has_a_field() -> None:
    keys = {Question.keys.get(f.name, f.name) for f in fields(Question)}
    assert keys == {*KEYS, "panel", "short", "recorded", "more"}


def test_a_round_trip_changes_nothing() -> None:
    question = Question.from_json(SAID)
    assert question.to_json() == SAID
    assert (question.arguments, question.more) == ({"a": 1}, {"later": [1]})


@pytest.mark.parametrize("name", exhibit.names())
def test_no_key_of_a_shipped_exhibit_is_unknown(name: str) -> None:
    for cell in exhibit.load(name).cells():
        assert not cell.question.more
        assert not cell.of_column.more
        assert cell.question.cite is not None
        assert Question.from_json(cell.question.to_json()) == cell.question


def test_absent_keys_are_none_and_present_empty_ones_are_not() -> None:
    question = Question.from_json(SAID)
    assert (question.target, question.log, question.cite, question.shots) == (None, None, {}, 0)


def test_keys_can_be_changed_by_their_names_in_the_file() -> None:
    changed = Question.from_json(SAID).changed({"with": {"b": 2}, "dataset": "dtd"})
    assert changed.to_json() == {**SAID, "with": {"b": 2}, "dataset": "dtd"}


def test_the_metric_is_read_on_the_shift_or_else_on_the_data_set() -> None:
    assert Question(dataset="imagenet", target="imagenet_a").tested_on == "imagenet_a"
    assert Question(dataset="imagenet").tested_on == "imagenet"


def test_a_question_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Question().shots = 1  # type: ignore[misc]
