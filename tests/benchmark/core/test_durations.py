"""Durations are told in the unit that suits them, ranges outwards."""

import pytest

from benchmark.core.durations import clock, span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (40, "40 s"), (89, "89 s"), (180, "3 min"), (3540, "59 min"), (7500, "2 h 05 min")],
)
def test_one_duration(seconds: float, words: str) -> None:
    assert clock(seconds) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.2, 0.9, "1 s"),
        (0, 3, "0 to 3 s"),
        (7.5, 16.1, "7 to 17 s"),
        (21, 44.5, "20 to 45 s"),
        (70, 130, "1 to 3 min"),
        (119, 121, "1 to 3 min"),
        (3600, 9000, "1 to 3 h"),
        (39, 101, "35 to 105 s"),
        (3000, 7300, "50 to 122 min"),
    ],
)
def test_a_range(low: float, high: float, words: str) -> None:
    assert span(low, high) == words
