"""The name of plain data: equal for data that are equal, and known once and for all."""

import hashlib

import pytest

from benchmark.core.digest import digest


def test_it_is_the_beginning_of_the_sha256_of_the_sorted_json() -> None:
    text = '{"a": [1, "x"], "b": null}'
    assert digest({"b": None, "a": [1, "x"]}) == hashlib.sha256(text.encode()).hexdigest()[:20]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}),
        ({"a": 1.0}, {"a": 1}),
        ({"a": (1, 2)}, {"a": [1, 2]}),
        ({"a": [{"b": (2.0,)}]}, {"a": [{"b": [2]}]}),
    ],
)
def test_equal_data_have_one_name(one: dict[str, object], other: dict[str, object]) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        ({"a": 1.5}, {"a": 1}),
        ({"a": "1"}, {"a": 1}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
    ],
)
def test_other_data_have_another_name(one: dict[str, object], other: dict[str, object]) -> None:
    assert digest(one) != digest(other)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_lacks_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        digest({"a": value})


def test_an_object_that_is_no_plain_data_is_refused() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        digest({"a": object()})
