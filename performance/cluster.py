"""What do the workers of a scheduler cost, beside worker processes of the command itself?

    python -m performance.cluster [--items 10000]

Two of each, in one process and in turns: items of some work, alike on both sides, and empty items, of which only the way
there and back takes time. The demand: at most 5 ms an empty item.
"""

import os
import time
from collections.abc import Sequence

import click
import torch

from benchmark.running import workers
from benchmark.running.cluster import inspection, schedulers
from benchmark.running.cluster.pool import Pool
from benchmark.running.engine import Engine

WORKERS, PIECES, TURNS = 2, 20, 3
SIZE = 1000


def multiply(_: int) -> None:
    """About a fifth of a second of one core."""
    matrix = torch.randn(SIZE, SIZE)
    for _ in range(5):
        matrix @ matrix


def nothing(_: int) -> None:
    """No work."""


def seconds(engine: Engine, work: object, items: Sequence[int]) -> float:
    """Seconds until all items are done."""
    started = time.perf_counter()
    for done in engine.each(work, items):  # type: ignore[arg-type]
        assert not done.error, done.error
    return time.perf_counter() - started


@click.command()
@click.option("--items", default=10_000, show_default=True, help="Empty items.")
def main(items: int) -> None:
    """Measure and print."""
    busy = os.getloadavg()[0]
    print(
        f"{os.cpu_count()} cores, beside other work of a load of {busy:.1f}" if busy > 1 else f"{os.cpu_count()} cores"
    )
    here = inspection.inspected(None, inspection.Inputs())
    with workers.Crew(WORKERS) as crew, Pool(schedulers.parsed("local"), WORKERS, here=here) as pool:
        crew.threads = 1
        for engine in (crew, pool):
            seconds(engine, multiply, range(4))  # processes start, libraries are loaded
        both = [[seconds(engine, multiply, range(PIECES)) for engine in (crew, pool)] for _ in range(TURNS)]
        empty = [seconds(engine, nothing, range(items)) for engine in (crew, pool)]
    ours, theirs = map(min, zip(*both, strict=True))
    print(
        f"{PIECES} items of work, {WORKERS} workers, best of {TURNS}: processes {ours:.2f} s, scheduler {theirs:.2f} s"
    )
    ours, theirs = (1000 * took / items for took in empty)
    print(f"{items} empty items: processes {ours:.2f} ms an item, scheduler {theirs:.2f} ms an item")


if __name__ == "__main__":
    main()
