"""Standard output and error of a process: they take every text in any encoding, and are given up where they take no more."""

import codecs
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

from benchmark.core import text
from benchmark.core.numbers import plain

NAMES = ("stdout", "stderr")
SEVEN_BITS = "seven_bits"
"""Name of ASCII for these streams: to a stream that says "ascii", click writes UTF-8."""


def say(said: object, err: bool = False) -> None:
    """Print one line; whatever others' names and messages in it hold, it stays one, and the terminal obeys nothing."""
    print(text.line(said), file=sys.stderr if err else sys.stdout, flush=True)


def say_next(command: str) -> None:
    """Print the last line of a command: what to type next, and in a few words why."""
    say(f"next: {command}")


def show(said: object, err: bool = False) -> None:
    """Print text of several lines, such as a table or JSON, of which the terminal obeys nothing but the line breaks."""
    print(text.lines(said), file=sys.stderr if err else sys.stdout, flush=True)


_kept: list[TextIO] = []
"""The standard output, while it is kept for `answer`."""


@contextmanager
def kept_for_answer() -> Iterator[None]:
    """Keep the standard output for `answer`: within the context, whatever else is printed goes to the standard error."""
    _kept.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _kept.pop()


def answer(said: str) -> None:
    """Print the answer of a command for programs, also where the standard output is kept for it."""
    print(text.lines(said), file=_kept[-1] if _kept else sys.stdout, flush=True)


def answer_json(value: object) -> None:
    """Print the answer of a command as JSON in ASCII, so that no encoding changes it; infinity and nan are null."""
    answer(json.dumps(plain(value), indent=1, allow_nan=False))


def forgive() -> None:
    """Write "?" for characters that a stream's encoding lacks, and drop what is written to a closed stream."""
    for name in NAMES:
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  (kept until the process ends)
        elif isinstance(stream, io.TextIOWrapper):
            ascii_alone = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=SEVEN_BITS if ascii_alone else None, errors="replace")


def drop_lost() -> None:
    """Turn streams that cannot be written (a full disk, a reader that has gone) to the null device.

    The interpreter flushes them once more at its end, and would complain of them there.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def _seven_bits(name: str) -> codecs.CodecInfo | None:
    if name != SEVEN_BITS:
        return None
    plain = codecs.lookup("ascii")
    return codecs.CodecInfo(
        plain.encode,
        plain.decode,
        plain.streamreader,
        plain.streamwriter,
        plain.incrementalencoder,
        plain.incrementaldecoder,
        name,
    )


codecs.register(_seven_bits)
