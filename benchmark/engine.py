"""Where runs are made: in this process, or in worker processes of this machine.

Workers write their own records; what comes back is only that a run is done, or why it is not. Every worker is a pool of its
own, so one that is killed costs the one run it had in hand, and that is tried again.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any, TypeVar

from benchmark.errors import BenchError

Item = TypeVar("Item")
RETRIES = 2
"""How often the work of a killed worker is given out again."""


@dataclass(frozen=True)
class Done:
    """One piece of work and how it ended; `error` is one line, empty when all is well."""

    item: Any
    error: str = ""
    result: Any = None


def each(work: Callable[[Item], Any], items: Sequence[Item], jobs: int) -> Generator[Done, None, None]:
    """Do `work` on every item, yielding as they end. `work` must be importable from a module (workers are spawned)."""
    if jobs <= 1 or len(items) <= 1:
        yield from (_attempt(work, item) for item in items)
        return
    others = set(multiprocessing.active_children())
    threads = max(1, (os.cpu_count() or 1) // jobs)
    crew = _Crew([_worker(threads) for _ in range(min(jobs, len(items)))], threads)
    try:
        yield from crew.do(work, items)
    except BaseException:  # Ctrl-C, or nobody wants the rest: do not wait for what is in hand
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        crew.dismiss()


class _Crew:
    """Workers, each with one piece of work in hand at most."""

    def __init__(self, workers: list[ProcessPoolExecutor], threads: int) -> None:
        self.idle = workers
        self.threads = threads
        self.busy: dict[Future[Done], tuple[ProcessPoolExecutor, Any, int]] = {}

    def do(self, work: Callable[[Item], Any], items: Sequence[Item]) -> Iterator[Done]:
        """Every item, in the order in which they end."""
        queue = deque((item, 0) for item in items)
        while queue or self.busy:
            while queue and self.idle:
                worker, (item, tries) = self.idle.pop(), queue.popleft()
                self.busy[worker.submit(_attempt, work, item)] = (worker, item, tries)
            for future in wait(self.busy, return_when=FIRST_COMPLETED).done:
                worker, item, tries = self.busy.pop(future)
                if not isinstance(future.exception(), BrokenProcessPool):
                    self.idle.append(worker)
                    yield future.result()
                    continue
                worker.shutdown()
                self.idle.append(_worker(self.threads))
                if tries < RETRIES:
                    queue.append((item, tries + 1))
                else:
                    yield Done(item, "its worker was killed each time (out of memory?); try fewer --jobs")

    def dismiss(self) -> None:
        """Let every worker end."""
        for worker in [*self.idle, *(worker for worker, _, _ in self.busy.values())]:
            worker.shutdown(wait=True, cancel_futures=True)


def _worker(threads: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # fork would copy torch's threads in an unknown state
    return ProcessPoolExecutor(1, mp_context=context, initializer=_start, initargs=(threads,))


def _attempt(work: Callable[[Item], Any], item: Item) -> Done:
    try:
        return Done(item, result=work(item))
    except BenchError as error:
        return Done(item, str(error))
    except (Exception, SystemExit) as error:
        # A method's own failure: one line here, and the others go on. BENCH_DEBUG=1 shows where it came from.
        if os.environ.get("BENCH_DEBUG"):
            raise
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f" ({where.tb_frame.f_code.co_filename}:{where.tb_lineno})" if where else ""
        return Done(item, f"{type(error).__name__}: {' '.join(str(error).split())}{place}")


def _start(threads: int) -> None:
    """A worker leaves Ctrl-C to its parent, ends with it, and keeps to its share of the cores."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for library in ("OMP", "OPENBLAS", "MKL"):  # read once, when NumPy, SciPy and torch are first imported, below here
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    import torch

    torch.set_num_threads(threads)


def _end_with_parent() -> None:
    """A parent that was killed cannot dismiss its workers, and they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
