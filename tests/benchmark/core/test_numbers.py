"""Numbers as text: what rounds to zero has no minus, everything else is as Python's own format has it."""

import json
import re
from math import copysign, inf, nan

import pytest

from benchmark.core.numbers import fixed, interval, plain, sides

NEGATIVE_ZERO = re.compile(r"[-−+]{2}|[-−]0(\.0*)?(?![\d.])")
TINY = [-0.0, -5e-324, -1e-300, *(-(10.0**-k) for k in range(3, 20)), -0.0004999]


@pytest.mark.parametrize("digits", [0, 1, 2, 3])
@pytest.mark.parametrize("value", TINY)
def test_a_tiny_negative_number_is_zero(value: float, digits: int) -> None:
    zero = f"{0.0:.{digits}f}"
    negative = round(value, digits) != 0  # only -0.001 to three decimals
    assert fixed(value, digits) == (f"-{-value:.{digits}f}" if negative else zero)
    assert fixed(value, digits, "+") == (f"-{-value:.{digits}f}" if negative else f"+{zero}")
    assert not NEGATIVE_ZERO.search(fixed(value, digits) + fixed(value, digits, "+"))


@pytest.mark.parametrize("value", [-12.34, -0.06, 0.06, 7.0, 100.0, inf, -inf])
def test_any_other_number_is_as_it_was(value: float) -> None:
    assert fixed(value, 1) == f"{value:.1f}"
    assert fixed(value, 1, "+") == f"{value:+.1f}"


def test_an_interval_follows_its_number_and_one_that_is_not_known_is_left_out() -> None:
    assert interval(-1e-15, 0.04, 1) == " (0.0 to 0.0)"
    assert interval(-1e-15, 0.4, 1, "+") == " (+0.0 to +0.4)"
    assert interval(None, 0.4, 1) == interval(0.4, None, 1) == ""


@pytest.mark.parametrize("tiny", TINY)
def test_a_side_of_an_interval_that_rounds_to_zero_has_no_minus(tiny: float) -> None:
    assert sides(0.9, 0.4, 1) == " +0.4 -0.9"
    assert sides(tiny, 8.8, 1) == sides(-tiny, 8.8, 1) == " +8.8 0.0"
    assert sides(6.0, tiny, 1) == " +0.0 -6.0"


def test_json_has_no_negative_zero_and_no_number_that_is_none() -> None:
    said = plain({"a": [-0.0, (inf, -inf)], "b": {"c": nan, "d": -1.5, "e": "x", "f": 3, "g": None, "h": True}})
    assert json.dumps(said) == (
        '{"a": [0.0, [null, null]], "b": {"c": null, "d": -1.5, "e": "x", "f": 3, "g": null, "h": true}}'
    )
    assert copysign(1, plain(-0.0)) == 1  # type: ignore[arg-type]
