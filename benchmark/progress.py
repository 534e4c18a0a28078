"""How far long work is: a moving bar on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing

from tqdm import tqdm

from benchmark.engine import Done


def follow(done: Generator[Done, None, None], total: int, what: str) -> Iterator[Done]:
    """Pass the work through, showing it: on a terminal a bar with the time left, elsewhere a line each with its seconds.

    Whatever ends this, Ctrl-C while a line is printed included, ends the work.
    """
    terminal = sys.stderr.isatty()
    started = time.perf_counter()
    with closing(done):
        bar = tqdm(done, total=total, desc=what, unit="", disable=not terminal, leave=False)
        for count, item in enumerate(bar, 1):
            label = getattr(item.item, "label", str(item.item))
            if item.error:
                tqdm.write(f"FAILED {label}: {item.error}", file=sys.stderr)
            elif terminal:
                bar.set_postfix_str(label)
            else:
                seconds = time.perf_counter() - started
                print(f"[{count}/{total}] {seconds:6.1f} s  {label}{_outcome(item)}", file=sys.stderr, flush=True)
            yield item


def _outcome(item: Done) -> str:
    return f"  {item.result}" if isinstance(item.result, str) else ""
