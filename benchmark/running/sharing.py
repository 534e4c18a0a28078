"""Work that is shared with other processes, in other shells or on other hosts, through leases on its files."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any

from benchmark.core import waiting
from benchmark.core.leases import Taken
from benchmark.running.workers import Done


def shared(
    each: Callable[[Sequence[Any]], Generator[Done, None, None]], items: Sequence[Any], named: Callable[[Any], str]
) -> Generator[Done, None, None]:
    """Yield finished items; what another process has in hand comes last, when that has made it or has given it up.

    Args:
        each: Function that does items and yields what came of each; the result of an item in other hands is a `Taken`.
        items: Items of work.
        named: Names of the items for the line on what is waited for.

    Yields:
        Finished items.
    """
    while items:
        taken: list[tuple[Any, Taken]] = []
        with closing(each(items)) as ends:
            for end in ends:
                if isinstance(end.result, Taken):
                    taken.append((end.item, end.result))
                else:
                    yield end
        waiting.pause([(named(item), by) for item, by in taken])
        items = [item for item, _ in taken]
