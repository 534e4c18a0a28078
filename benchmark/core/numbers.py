"""Numbers as text, for every table, line and file: fixed digits, and a zero without a minus.

Rounding errors leave differences such as -1e-15, which plain formatting writes as "-0.0".
"""

from math import isfinite


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


def plain(value: object) -> object:
    """Copy a value for JSON: 0.0 in place of -0.0, and None in place of infinity and nan, which JSON does not have."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if not isinstance(value, float):
        return value
    return value + 0.0 if isfinite(value) else None


def clock(seconds: float) -> str:
    """Format seconds for printing: "40 s", "3 min", "2 h 05 min"."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
