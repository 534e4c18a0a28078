"""Text of others, made fit for a line, a page, or a cell of a Markdown table: names of files, messages, licences, titles.

What a terminal would obey, and what would hide or reorder the rest, is written out as in JSON: ESC as \\u001b. Texts
without such signs stay as they are.
"""

import re
import textwrap
from collections.abc import Iterable

WIDTH = 100
"""Columns of a list on a terminal."""

_OBEYED = r"\x00-\x1f\x7f-\x9f"
_HIDDEN = r"\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f"
_NO_TEXT = r"\ud800-\udfff"
"""Control characters; marks of direction and signs without width; bytes of names that are no UTF-8, as Python keeps them."""

_SIGN = re.compile(f"[{_OBEYED}{_HIDDEN}{_NO_TEXT}]")
_SIGN_BUT_LAYOUT = re.compile(f"(?![\n\t])[{_OBEYED}{_HIDDEN}{_NO_TEXT}]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def line(text: object) -> str:
    """A text in one line, with line breaks written out too."""
    return _SIGN.sub(_written_out, str(text))


def lines(text: object) -> str:
    """A text of several lines and columns, whose line breaks and tabs stay."""
    return _SIGN_BUT_LAYOUT.sub(_written_out, str(text))


def markdown(text: object) -> str:
    """A text for a cell of a Markdown table, an item of a list or a heading: no mark-up of its own but code in backticks."""
    return re.sub(r"[|*\[]", r"\\\g<0>", line(text)).replace("<", "&lt;")


def counted(number: int, noun: str) -> str:
    """A count with its noun, in the singular or the plural.

    Args:
        number: The count.
        noun: The noun in the singular, whose last word has a regular plural: "run", "test image", "class".

    Returns:
        Text such as "1 run" or "10,000 test images".

    Example:
        >>> counted(1, "class"), counted(0, "class"), counted(10000, "test image")
        ('1 class', '0 classes', '10,000 test images')
    """
    plural = "es" if noun.endswith(("s", "sh", "ch", "x")) else "s"
    return f"{number:,} {noun}{plural if number != 1 else ''}"


def and_counted(numbers: Iterable[int], noun: str, word: str = " or ") -> str:
    """Several counts with one noun: "1 or 3 seeds"; "" for none."""
    *others, last = sorted(numbers) or [0]
    return "".join(f"{number}{word}" for number in others) + counted(last, noun) if last else ""


def wrapped(text: str, indent: str = "", hanging: str = "") -> list[str]:
    """Break a text into lines of at most `WIDTH` columns, between words and not at hyphens.

    Args:
        text: The text.
        indent: What stands before each line.
        hanging: What stands behind the indent of all lines but the first.

    Returns:
        The lines.

    Example:
        >>> [len(row) for row in wrapped("bench " * 20, "  ")]
        [97, 25]
    """
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + hanging, break_on_hyphens=False)


def _written_out(found: re.Match[str]) -> str:
    sign = found[0]
    pairs = sign.encode("utf-16-be", "surrogatepass")
    units = (pairs[i : i + 2].hex() for i in range(0, len(pairs), 2))
    return _SHORT.get(sign) or "".join(f"\\u{unit}" for unit in units)
