"""Warnings of libraries as lines: heard while a piece of work is done, each kind once, cut to one line, with its count.

A list of such lines travels with the work's result, so that it can be printed with the work's label and kept in its record.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from benchmark.core import streams

MOST = 10
"""Largest number of kinds of warnings that are told; of more kinds the number is told."""
LONGEST = 160
"""Largest length of a warning's text in characters; the rest is cut."""

NUMBER = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?")
"""A number in a warning. Warnings that differ in their numbers only are of one kind."""

_subject: ContextVar[str] = ContextVar("subject", default="")


class Note(UserWarning):
    """A remark of this package on the user's data, told like a library's warning, without the name of a class before it."""


def note(text: str) -> None:
    """Say a remark on the present subject, to whoever hears warnings."""
    warnings.warn(text, Note, stacklevel=2)


@contextmanager
def about(subject: object) -> Iterator[None]:
    """Name what the warnings of a block are about, such as a file; each thread has a subject of its own."""
    token = _subject.set(str(subject))
    try:
        yield
    finally:
        _subject.reset(token)


class Heard:
    """Warnings by kind: the first of each kind, how often it came, and the subject of the first."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[str, str]] = {}
        self._counts: dict[str, int] = {}

    def add(self, message: Warning | str, category: type[Warning]) -> None:
        """Count a warning."""
        text = one_line(message, category)
        kind = NUMBER.sub("#", text)
        self._kinds.setdefault(kind, (text, _subject.get()))
        self._counts[kind] = self._counts.get(kind, 0) + 1

    @property
    def lines(self) -> list[str]:
        """A line for each kind, at most `MOST` and the number of further kinds."""
        told = [_told(*first, self._counts[kind]) for kind, first in self._kinds.items()]
        return (
            told if len(told) <= MOST else [*told[: MOST - 1], f"and {len(told) - MOST + 1} further kinds of warnings"]
        )


def one_line(message: Warning | str, category: type[Warning]) -> str:
    """A warning as "Category: text", in one line of bounded length."""
    text = " ".join(str(message).split())
    cut = text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"
    return cut if issubclass(category, Note) else f"{category.__name__}: {cut}"


def _told(text: str, subject: str, count: int) -> str:
    """A kind of warnings: "text (a.jpg)", or "text (3 times, the first at a.jpg)"."""
    times = f"{count} times" if count > 1 else ""
    where = f"the first at {subject}" if count > 1 else subject
    words = ", ".join(filter(None, [times, where if subject else ""]))
    return f"{text} ({words})" if words else text


def print_in_one_line() -> None:
    """Have warnings that nobody hears printed to stderr in one line each from here on."""

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        streams.say(f"warning: {_told(one_line(message, category), _subject.get(), 1)}", err=True)

    warnings.showwarning = show


@contextmanager
def heard(passed_on: bool = False) -> Iterator[Heard]:
    """Hear the warnings of a block, in every thread, instead of printing them.

    Categories without a filter of their own are told as often as they come from here on; by default Python tells them once.

    Args:
        passed_on: whether whoever listened before hears them too.

    Yields:
        The warnings heard so far.
    """
    found, before = Heard(), warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        found.add(message, category)
        if passed_on:
            before(message, category, *where, **more)

    warnings.simplefilter("always", append=True)
    warnings.showwarning = show
    try:
        yield found
    finally:
        warnings.showwarning = before
