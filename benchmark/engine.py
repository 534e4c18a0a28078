"""Where runs are made: in this process, or in worker processes of this machine.

Workers write their own records; what comes back is only that a run is done, or why it is not. So a worker that is killed
costs the runs it had in hand, and those are tried again.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, TypeVar

from benchmark.errors import BenchError

Item = TypeVar("Item")
RETRIES = 2
"""How often the work of killed workers is given out again."""


@dataclass(frozen=True)
class Done:
    """One piece of work and how it ended; `error` is one line, empty when all is well."""

    item: Any
    error: str = ""
    result: Any = None


def each(work: Callable[[Item], Any], items: Sequence[Item], jobs: int) -> Iterator[Done]:
    """Do `work` on every item, yielding as they end. `work` must be importable from a module (workers are spawned)."""
    if jobs <= 1 or len(items) <= 1:
        yield from (_attempt(work, item) for item in items)
        return
    left = list(items)
    for _ in range(1 + RETRIES):
        finished = []
        for done in _pool(work, left, min(jobs, len(left)), max(1, (os.cpu_count() or 1) // jobs)):
            finished.append(done.item)
            yield done
        left = [item for item in left if item not in finished]
        if not left:
            return
    reason = "its worker was killed each time (out of memory?); try fewer --jobs"
    yield from (Done(item, reason) for item in left)


def _pool(work: Callable[[Item], Any], items: Iterable[Item], jobs: int, threads: int) -> Iterator[Done]:
    """The items that get done before all are, or before a worker dies."""
    context = multiprocessing.get_context("spawn")  # fork would copy torch's threads in an unknown state
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(threads,))
    futures: dict[Future[Done], Item] = {pool.submit(_attempt, work, item): item for item in items}
    try:
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                continue
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _attempt(work: Callable[[Item], Any], item: Item) -> Done:
    try:
        return Done(item, result=work(item))
    except BenchError as error:
        return Done(item, str(error))
    except Exception as error:
        # A method's own failure: one line here, and the others go on. BENCH_DEBUG=1 shows where it came from.
        if os.environ.get("BENCH_DEBUG"):
            raise
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f" ({where.tb_frame.f_code.co_filename}:{where.tb_lineno})" if where else ""
        return Done(item, f"{type(error).__name__}: {error}{place}")


def _start(threads: int) -> None:
    """A worker leaves Ctrl-C to its parent and keeps to its share of the cores."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import torch

    torch.set_num_threads(threads)
