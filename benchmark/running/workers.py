"""Where runs are made: in this process, or in worker processes of this machine.

Workers write their own records; what comes back is only that a run is done, or why it is not. Every worker is a pool of its
own, so one that is killed costs the one run it had in hand, and that is tried again.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from benchmark.core.errors import BenchError
from benchmark.core.machine import peak_memory_mib

RETRIES = 2
"""How often the work of a killed worker is given out again."""


KEPT = {-3: 2**25, -1: 2**28}
"""mallopt's M_MMAP_THRESHOLD and M_TRIM_THRESHOLD. By default glibc returns the memory of every larger tensor to the system,
which clears it page by page before handing it out again: up to a third of the time of a large forward pass. Workers keep up
to 256 MiB."""


@dataclass(frozen=True)
class Done:
    """One piece of work and how it ended; `error` is one line, empty when all is well.

    process, peak_mib: who did it, and the most memory that this process ever held, in MiB; 0 where it was killed.
    """

    item: Any
    error: str = ""
    result: Any = None
    process: int = 0
    peak_mib: int = 0


def each(work: Callable[..., Any], items: Sequence[Any], jobs: int) -> Generator[Done, None, None]:
    """Do `work` on every item, yielding as they end. `work` must be importable from a module (workers are spawned)."""
    with Crew(jobs) as crew:
        yield from crew.each(work, items)


class Crew:
    """Workers, each with one piece of work in hand at most, for one kind of work after another.

    A worker takes seconds to start: it is started when there is work for it, and stays until the crew is left.

    Attributes:
        jobs: How many workers at most.
        given: First arguments of every piece of work; a worker gets them once, when it starts.
        debug: Whether a failure of the work itself is raised rather than told in a line.
    """

    def __init__(self, jobs: int, *given: Any, debug: bool = False) -> None:
        self.jobs = jobs
        self.given = given
        self.debug = debug
        self.threads = max(1, (os.cpu_count() or 1) // max(1, jobs))
        self.idle: list[ProcessPoolExecutor] = []
        self.busy: dict[Future[Done], tuple[ProcessPoolExecutor, Any, int]] = {}
        self.others = set(multiprocessing.active_children())
        self.peaks: dict[int, int] = {}
        """The most memory that each process ever held, in MiB, as far as it is known."""

    def __enter__(self) -> "Crew":
        """The crew itself; nobody is started yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Every worker ends; where something went wrong, at once."""
        self._dismiss(at_once=kind is not None)

    def each(
        self, work: Callable[..., Any], items: Sequence[Any], jobs: int | None = None
    ) -> Generator[Done, None, None]:
        """As the function of this name; one piece of work, or one worker, needs no process of its own.

        jobs: how many of the workers, all of them where it is not said.
        """
        jobs = min(jobs or self.jobs, self.jobs, len(items))
        here = (_attempt(work, item, self.debug, self.given) for item in items)
        with closing(here if jobs <= 1 else self._shared_out(work, items, jobs)) as found:
            for done in found:
                if done.process:
                    self.peaks[done.process] = done.peak_mib
                yield done

    def _shared_out(self, work: Callable[..., Any], items: Sequence[Any], jobs: int) -> Generator[Done, None, None]:
        """Every item, in the order in which they end."""
        while len(self.idle) < jobs:
            self.idle.append(_worker(self.threads, self.given))
        queue = deque((item, 0) for item in items)
        try:
            while queue or self.busy:
                while queue and self.idle and len(self.busy) < jobs:
                    worker, (item, tries) = self.idle.pop(), queue.popleft()
                    self.busy[worker.submit(_attempt, work, item, self.debug)] = (worker, item, tries)
                for future in wait(self.busy, return_when=FIRST_COMPLETED).done:
                    worker, item, tries = self.busy.pop(future)
                    if not isinstance(future.exception(), BrokenProcessPool):
                        self.idle.append(worker)
                        yield future.result()
                        continue
                    worker.shutdown()
                    self.idle.append(_worker(self.threads, self.given))
                    if tries < RETRIES:
                        queue.append((item, tries + 1))
                    else:
                        yield Done(item, "its worker was killed each time (out of memory?); try fewer --jobs")
        except BaseException:  # Ctrl-C, or nobody wants the rest: do not wait for what is in hand
            self._dismiss(at_once=True)
            raise

    def _dismiss(self, at_once: bool) -> None:
        if at_once:
            for process in set(multiprocessing.active_children()) - self.others:
                process.terminate()
        for worker in [*self.idle, *(worker for worker, _, _ in self.busy.values())]:
            worker.shutdown(wait=True, cancel_futures=True)
        self.idle, self.busy = [], {}


def _worker(threads: int, given: tuple[Any, ...]) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # fork would copy torch's threads in an unknown state
    return ProcessPoolExecutor(1, mp_context=context, initializer=_start, initargs=(threads, given))


_given: tuple[Any, ...] = ()
"""In a worker process: the first arguments of its work, which it got when it started."""


def _attempt(work: Callable[..., Any], item: Any, debug: bool, given: tuple[Any, ...] | None = None) -> Done:
    error, result = _tried(work, item, debug, _given if given is None else given)
    return Done(item, error, result, os.getpid(), peak_memory_mib())


def _tried(work: Callable[..., Any], item: Any, debug: bool, given: tuple[Any, ...]) -> tuple[str, Any]:
    """The failure in a line, empty when all is well, and the result."""
    try:
        return "", work(*given, item)
    except BenchError as error:
        return str(error), None
    except (Exception, SystemExit) as error:
        # A method's own failure: one line here, and the others go on. BENCH_DEBUG=1 shows where it came from.
        if debug:
            raise
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f" ({where.tb_frame.f_code.co_filename}:{where.tb_lineno})" if where else ""
        return f"{type(error).__name__}: {' '.join(str(error).split())}{place}", None


def _start(threads: int, given: tuple[Any, ...]) -> None:
    """A worker leaves Ctrl-C to its parent, ends with it, and keeps to its share of the cores."""
    global _given
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _keep_memory()
    _given = given
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads)
    threadpool_limits(threads)  # the pools of NumPy and SciPy, as far as they are loaded


def _keep_memory() -> None:
    """Tell glibc to keep freed memory (KEPT); another C library keeps its own ways."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform.startswith("linux") else None
    if mallopt is not None:
        for option, value in KEPT.items():
            mallopt(option, value)


def _end_with_parent() -> None:
    """A parent that was killed cannot dismiss its workers, and they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
