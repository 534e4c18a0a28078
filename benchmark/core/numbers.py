"""Numbers as text, for every table, line and file: fixed digits, and a zero without a minus.

Rounding errors leave differences such as -1e-15, which plain formatting writes as "-0.0".
"""

from math import isfinite

LOPSIDED = 0.15
"""Difference of the two sides of an interval, as a share of their mean, from which both sides are printed."""


def fixed(value: float, digits: int, sign: str = "-") -> str:
    """A number with a fixed number of decimals.

    Args:
        value: the number.
        digits: decimals.
        sign: "-" for a sign of negative numbers alone, "+" for one of all.

    Returns:
        Text such as "0.4", "-0.4" or "+0.4"; "0.0" or "+0.0" for everything that rounds to zero.
    """
    return f"{value:{sign}z.{digits}f}"


def interval(low: float | None, high: float | None, digits: int, sign: str = "-") -> str:
    """An interval after its number, " (0.4 to 2.0)"; "" where there is none. `sign` as in `fixed`."""
    if low is None or high is None:
        return ""
    return f" ({fixed(low, digits, sign)} to {fixed(high, digits, sign)})"


def sides(below: float, above: float, digits: int) -> str:
    """The two sides of an interval after its number: " +0.4 -0.9"; a lower side that rounds to zero is " +8.8 0.0"."""
    return f" {fixed(above, digits, '+')} {fixed(-below, digits)}"


def with_interval(value: float, low: float | None, high: float | None, digits: int) -> str:
    """A number and its interval: "62.3 ± 0.4", or "99.1 +0.4 -0.9" if the sides differ by more than `LOPSIDED`.

    Args:
        value: The number.
        low: Lower end of the interval; None where there is none.
        high: Upper end.
        digits: Decimals.

    Returns:
        The text; the number alone without an interval.

    Example:
        >>> with_interval(62.3, 61.9, 62.7, 1), with_interval(99.1, 98.2, 99.5, 1)
        ('62.3 ± 0.4', '99.1 +0.4 -0.9')
    """
    if low is None or high is None:
        return fixed(value, digits)
    below, above = value - low, high - value
    if abs(above - below) < max(10**-digits, LOPSIDED * (above + below) / 2):
        return f"{fixed(value, digits)} ± {fixed((above + below) / 2, digits)}"
    return fixed(value, digits) + sides(below, above, digits)


def plain(value: object) -> object:
    """Copy a value for JSON: 0.0 in place of -0.0, and None in place of infinity and nan, which JSON does not have."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if not isinstance(value, float):
        return value
    return value + 0.0 if isfinite(value) else None
