"""Durations in words."""

from math import inf


def clock(seconds: float) -> str:
    """One duration: "40 s", "3 min", "2 h 05 min"."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def span(low: float, high: float) -> str:
    """A range of durations, outwards to whole ones: "20 to 40 s", "3 to 6 min", "2 to 5 h".

    The unit is that of its end, or a smaller one where the range would begin with 0: "35 to 105 s" rather than "0 to 2 min".

    Args:
        low: Least seconds.
        high: Most seconds.

    Returns:
        The range; one number where both ends are the same whole one.
    """
    unit, seconds = next((name, size) for name, size, most, larger in UNITS if high < most or low < larger)
    first, last = int(low // seconds), int(-(-high // seconds))
    step = 5 if seconds == 1 and last > 20 else 1
    first, last = first // step * step, -(-last // step) * step
    return f"{last} {unit}" if first in (0, last) and last == 1 else f"{first} to {last} {unit}"


UNITS = (("s", 1, 100.0, 60.0), ("min", 60, 7200.0, 3600.0), ("h", 3600, inf, inf))
"""Unit, its seconds, the duration from which the next one serves, and the seconds of that."""
