"""Progress of long work: a progress bar on a terminal, and lines in a log."""

import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from tqdm import tqdm

from benchmark.core.numbers import clock
from benchmark.core.streams import say
from benchmark.core.text import line
from benchmark.running.workers import Done

Named = Callable[[Any], str]
"""An item of work -> its name for people."""


def follow(done: Generator[Done, None, None], total: int, what: str, named: Named = str) -> Iterator[Done]:
    """Yield finished work and show its progress: a bar with the time left on a terminal, else one line for each item.

    The generator `done` is closed however this one ends, also at Ctrl-C while a line is printed.

    Args:
        done: Generator of finished work.
        total: Number of items.
        what: Label of the bar.
        named: Names of the items.

    Yields:
        Finished work.
    """
    with closing(done), tqdm(total=total, desc=what, unit="", disable=not sys.stderr.isatty(), leave=False) as bar:
        started = time.perf_counter()
        for count, item in enumerate(done, 1):
            _show(item, named(item.item), bar, f"[{count}/{total}] {time.perf_counter() - started:6.1f} s")
            bar.update()
            yield item


def follow_pictures(
    done: Generator[Done, None, None], work: Sequence[Any], what: str, named: Named = str
) -> Iterator[Done]:
    """Yield finished items of work with a `size` in images; show images per second and the time left, as bar or lines."""
    pictures, seen = sum(item.size for item in work), 0
    terminal = sys.stderr.isatty()
    with closing(done), tqdm(total=pictures, desc=what, unit=" images", disable=not terminal, leave=False) as bar:
        started = time.perf_counter()
        for count, item in enumerate(done, 1):
            seen += item.item.size
            seconds = time.perf_counter() - started
            pace = f"{seen / seconds:.0f} images/s, {clock(seconds * (pictures - seen) / seen)} left" if seen else ""
            _show(item, named(item.item), bar, f"[{count}/{len(work)}] {seconds:6.1f} s", pace)
            bar.update(item.item.size)
            yield item


def _show(item: Done, label: str, bar: tqdm, place: str, pace: str = "") -> None:
    """Show a finished item: warnings and a failure as lines, success in the bar or, without a bar, as a line."""
    for text in item.warnings:
        tqdm.write(line(f"warning {label}: {text}"), file=sys.stderr)
    if item.error:
        tqdm.write(line(f"FAILED {label}: {item.error}"), file=sys.stderr)
    elif not bar.disable:
        bar.set_postfix_str(line(label))
    else:
        words = [word for word in (label, _outcome(item), pace) if word]
        say(f"{place}  " + "  ".join(words), err=True)


def _outcome(item: Done) -> str:
    return item.result if isinstance(item.result, str) else ""
