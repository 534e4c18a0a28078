"""Pickles are read over without making anything; what would take memory without data in it is refused."""

import pickle
from collections import OrderedDict
from io import BytesIO
from pathlib import PurePosixPath

import pytest

from benchmark.core import pickles


def names(content: bytes) -> list[str]:
    return list(pickles.names(BytesIO(content)))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_globals_of_a_pickle_are_named_in_every_protocol(protocol: int) -> None:
    found = names(pickle.dumps([OrderedDict(), OrderedDict(a=1), PurePosixPath], protocol))
    assert found == ["collections.OrderedDict", "pathlib.PurePosixPath"]


def test_several_pickles_in_a_row_are_read_over_one_by_one() -> None:
    stream = BytesIO(pickle.dumps(OrderedDict()) + pickle.dumps(1) + b"tensors")
    assert list(pickles.names(stream)) == ["collections.OrderedDict"]
    assert list(pickles.names(stream)) == []
    assert stream.read() == b"tensors"


def test_a_pickle_that_is_checked_can_be_loaded() -> None:
    assert pickle.load(pickles.check(BytesIO(pickle.dumps({"a": [1, (2,)]})))) == {"a": [1, (2,)]}


def tuples(depth: int) -> bytes:
    """A dictionary with a key of nested tuples; the hash of 150,000 ends the process."""
    return b"\x80\x02})" + b"\x85" * depth + b"K\x01s."


EXCESSIVE = {
    "lists of nothing": b"\x80\x02" + b"]" * (pickles.OPCODES + 1) + b".",
    "nested tuples": tuples(pickles.TUPLES + 1),
}
FAR_OFF = (b"\x80\x02Nr\xff\xff\xff\x7f.", b"Np999999999\n.")
"""Pickles that ask for a memo with room for 2 billion objects, in bytes and in letters."""


@pytest.mark.parametrize("content", EXCESSIVE.values(), ids=EXCESSIVE)
def test_what_has_more_than_data_have_is_excessive(content: bytes) -> None:
    with pytest.raises(pickles.Excessive):
        names(content)


@pytest.mark.parametrize("content", FAR_OFF)
def test_a_memo_of_more_places_than_opcodes_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"asks for .* places in memory"):
        names(content)


def test_as_much_as_data_may_have_is_not_excessive() -> None:
    assert names(b"\x80\x02" + b"]" * (pickles.OPCODES - 2) + b".") == []
    assert hash(next(iter(pickle.loads(tuples(1000)))))  # a key like this one, and within what a hash bears
    assert names(tuples(pickles.TUPLES)) == []


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"\x80\x02]", b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f", b"X\xff\xff\xff\x7fa."]
)
def test_what_is_no_pickle_or_not_all_of_one_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"pickle|opcode|expected|not enough data"):
        names(content)


def test_a_stream_of_one_pickle_has_a_largest_size() -> None:
    assert pickles.whole(BytesIO(b"1" * pickles.LARGEST)).getvalue() == b"1" * pickles.LARGEST
    with pytest.raises(pickles.Excessive, match="larger than 8,388,608 bytes"):
        pickles.whole(BytesIO(b"1" * (pickles.LARGEST + 1)))
