"""Waiting for what other processes have leased, with a line that says what and whom for."""

import sys
import time
from collections.abc import Sequence

from tqdm import tqdm

from benchmark.core import leases
from benchmark.core.leases import Taken
from benchmark.core.text import counted, line

_told: list[str] = []
"""The last line."""


def pause(taken: Sequence[tuple[str, Taken]]) -> None:
    """Wait for a second, unless nothing is taken; a line names the first of what is taken once, above a progress bar.

    Args:
        taken: Names of pieces of work, with the process that has each in hand.
    """
    if not taken:
        return
    (name, by), more = taken[0], len(taken) - 1
    words = f"waiting for {name}, in the hands of {by.holder}" + (
        f", and {counted(more, 'more piece')}" if more else ""
    )
    if _told[-1:] != [words]:
        tqdm.write(line(words), file=sys.stderr)
        _told[:] = [words]
    time.sleep(leases.PAUSE)
