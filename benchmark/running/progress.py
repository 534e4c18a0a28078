"""Progress of long work: a progress bar on a terminal, and lines in a log."""

import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from tqdm import tqdm

from benchmark.core.durations import clock
from benchmark.core.streams import say
from benchmark.core.text import line
from benchmark.running.workers import Done

Named = Callable[[Any], str]
"""An item of work -> its name for people."""


TRUST = 0.1
"""Weight of the expected times beside what items have taken, as a share of the whole work."""


class Countdown:
    """Time left of work whose items differ in length: their expected times, corrected by what those done have taken."""

    def __init__(self, lengths: Sequence[float], jobs: int, trust: float = 0.0) -> None:
        """Begin to count.

        Args:
            lengths: Expected length of each item, in the order in which they begin; 0 if unknown.
            jobs: Number of workers.
            trust: Weight of lengths as seconds on one worker; 0 where they tell only which items take longer.
        """
        known = [length for length in lengths if length > 0]
        usual = sum(known) / len(known) if known else 1.0
        self.lengths = [length or usual for length in lengths]
        self.prior = trust * sum(self.lengths) if known else 0.0
        self.jobs = max(1, min(jobs, len(lengths)))
        self.started = time.perf_counter()

    @property
    def passed(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self.started

    def left(self, done: int) -> float | None:
        """Seconds left after `done` items, if each worker is half through its next; None while nothing is known."""
        under_way = sum(self.lengths[done : done + self.jobs]) / 2 if done else 0.0
        behind, ahead = sum(self.lengths[:done]) + under_way, sum(self.lengths[done:]) - under_way
        if not behind + self.prior:
            return None
        slower = (self.passed * self.jobs + self.prior) / (behind + self.prior)
        return ahead * slower / self.jobs

    def words(self, done: int) -> str:
        """The time left for printing, "3 min left"; "" if it is unknown."""
        left = self.left(done)
        return "" if left is None else f"{clock(left)} left"


def follow(
    done: Generator[Done, None, None],
    work: Sequence[Any],
    what: str,
    named: Named = str,
    expected: Callable[[Any], float] = lambda _: 0.0,
    jobs: int = 1,
) -> Iterator[Done]:
    """Yield finished work and show what came out and the time left: a bar on a terminal, else one line for each item.

    The generator `done` is closed however this one ends, also at Ctrl-C while a line is printed.

    Args:
        done: Generator of finished work.
        work: The items, in the order in which they begin.
        what: Label of the bar.
        named: Names of the items.
        expected: Expected seconds of an item on one worker; 0 if unknown.
        jobs: Number of workers.

    Yields:
        Finished work.
    """
    counted = Countdown([expected(item) for item in work], jobs, TRUST)
    with closing(done), _bar(len(work), what, "", counted) as bar:
        for count, item in enumerate(done, 1):
            _show(item, named(item.item), bar, f"[{count}/{len(work)}]", counted, count)
            bar.update()
            yield item


def follow_pictures(
    done: Generator[Done, None, None], work: Sequence[Any], what: str, named: Named = str, jobs: int = 1
) -> Iterator[Done]:
    """Yield finished items of work with a `size` in images; show images per second and the time left, as bar or lines."""
    pictures, seen = sum(item.size for item in work), 0
    counted = Countdown([item.size for item in work], jobs)
    with closing(done), _bar(pictures, what, " images", counted) as bar:
        for count, item in enumerate(done, 1):
            seen += item.item.size
            pace = f"{seen / counted.passed:.0f} images/s, " if seen else ""
            _show(item, named(item.item), bar, f"[{count}/{len(work)}]", counted, count, pace)
            bar.update(item.item.size)
            yield item


def _bar(total: int, what: str, unit: str, counted: Countdown) -> tqdm:
    """A bar with the elapsed time and what `_show` says; no bar where standard error is no terminal."""
    bar = tqdm(total=total, desc=what, unit=unit, disable=not sys.stderr.isatty(), leave=False, bar_format=BAR)
    if begun := counted.words(0):
        bar.set_postfix_str(f"about {begun}")
    return bar


BAR = "{desc}: {percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


def _show(item: Done, label: str, bar: tqdm, place: str, counted: Countdown, count: int, pace: str = "") -> None:
    """Show a finished item: warnings and a failure as lines, success in the bar or, without a bar, as a line."""
    left = pace + counted.words(count)
    for text in item.warnings:
        tqdm.write(line(f"warning {label}: {text}"), file=sys.stderr)
    if item.error:
        tqdm.write(line(f"FAILED {label}: {item.error}"), file=sys.stderr)
    words = [word for word in (label, "" if item.error else _outcome(item)) if word]
    if not bar.disable:
        bar.set_postfix_str(line(", ".join([*([left] if left else []), "  ".join(words)])))
    elif not item.error:
        passed = f"{counted.passed:6.1f} s"
        say("  ".join(filter(None, (f"{place} {passed}", *words, left))), err=True)


def _outcome(item: Done) -> str:
    return item.result if isinstance(item.result, str) else ""
