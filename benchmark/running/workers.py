"""Execution of work in this process or in worker processes on this machine.

Workers write records themselves and return only success or an error message, and warnings of libraries in one line each.
Each worker is a process pool of its own, so that a killed worker affects only the item it was working on, which is then tried
again.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from benchmark.core import streams, warned
from benchmark.core.cores import share
from benchmark.core.errors import BenchError, reason
from benchmark.core.float32 import exact
from benchmark.core.foreign import Ended, end_process, foreign
from benchmark.core.machine import flushing_denormals, limit_threads, peak_memory_mib, set_variables

RETRIES = 2
"""How often an item is tried again after its worker was killed."""

KEPT = {-3: 2**25, -1: 2**28}
"""Values of mallopt's M_MMAP_THRESHOLD and M_TRIM_THRESHOLD. By default glibc returns the memory of large tensors to the
system, which clears it page by page before the next use: up to a third of the time of a large forward pass. Workers keep up
to 256 MiB."""


@dataclass(frozen=True)
class Done:
    """A finished item of work.

    Attributes:
        item: The item.
        error: Error message of one line; "" on success.
        result: Return value of the work; None on failure.
        process: Id of the process that did the work; 0 if it was killed.
        peak_mib: Peak memory of this process so far, in MiB; 0 if it was killed.
        warnings: Warnings of libraries during the work, a line for each kind.
    """

    item: Any
    error: str = ""
    result: Any = None
    process: int = 0
    peak_mib: int = 0
    warnings: Sequence[str] = ()


def each(work: Callable[..., Any], items: Sequence[Any], jobs: int) -> Generator[Done, None, None]:
    """Call `work` on every item and yield results as they finish; `work` must be importable, since workers are spawned."""
    with Crew(jobs) as crew:
        yield from crew.each(work, items)


class Crew:
    """Worker processes that can be used for one kind of work after another, within a `with` block.

    Workers take seconds to start. They are started when first needed and kept until the block ends. Each works on at most one
    item at a time.

    Attributes:
        jobs: Largest number of workers.
        given: First arguments of every call, which a worker receives once, when it starts.
        debug: Whether an exception in the work is raised instead of reported in one line.
        environments: Variables that are set in the first worker, the second, ..., in turn; a worker that replaces a killed
            one has those of that one.
        encoding: Largest number of workers that encode images at a time; None for all.
        sees_cache: Whether all workers read and write the cache folder of this machine.
    """

    sees_cache = True

    def __init__(
        self,
        jobs: int,
        *given: Any,
        debug: bool = False,
        environments: Sequence[Mapping[str, str]] = (),
        encoding: int | None = None,
    ) -> None:
        self.jobs = jobs
        self.given = given
        self.debug = debug
        self.environments = environments
        self.encoding = encoding
        self.threads = share(jobs)
        self.idle: list[ProcessPoolExecutor] = []
        self.busy: dict[Future[Done], tuple[ProcessPoolExecutor, Any, int]] = {}
        self.numbers: dict[ProcessPoolExecutor, int] = {}
        """Worker -> its number, from 0."""
        self.others = set(multiprocessing.active_children())
        self.peaks: dict[int | str, int] = {}
        """Process id -> peak memory in MiB, of processes that have finished an item."""

    def __enter__(self) -> "Crew":
        """Return the crew, in which no worker is started yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End every worker, without waiting for its item if an exception was raised."""
        self._dismiss(at_once=kind is not None)

    def each(
        self, work: Callable[..., Any], items: Sequence[Any], jobs: int | None = None
    ) -> Generator[Done, None, None]:
        """Call `work` on every item and yield results as they finish; one item, or one worker, runs in this process.

        Args:
            work: Function of `given` and an item, importable from a module.
            items: Items of work.
            jobs: Number of workers to use; by default all.

        Yields:
            Finished items.
        """
        jobs = min(jobs or self.jobs, self.jobs, len(items))
        here = (attempt(work, item, self.debug, self.given) for item in items)
        with closing(here if jobs <= 1 else self._shared_out(work, items, jobs)) as found:
            for done in found:
                if done.process:
                    self.peaks[done.process] = done.peak_mib
                yield done

    def _shared_out(self, work: Callable[..., Any], items: Sequence[Any], jobs: int) -> Generator[Done, None, None]:
        """Yield items in the order in which worker processes finish them."""
        while len(self.idle) < jobs:
            self.idle.append(self._started())
        queue = deque((item, 0) for item in items)
        try:
            while queue or self.busy:
                while queue and self.idle and len(self.busy) < jobs:
                    worker, (item, tries) = self.idle.pop(), queue.popleft()
                    self.busy[worker.submit(attempt, work, item, self.debug)] = (worker, item, tries)
                for future in wait(self.busy, return_when=FIRST_COMPLETED).done:
                    worker, item, tries = self.busy.pop(future)
                    if not isinstance(future.exception(), BrokenProcessPool):
                        self.idle.append(worker)
                        yield future.result()
                        continue
                    worker.shutdown()
                    del self.numbers[worker]
                    self.idle.append(self._started())
                    if tries < RETRIES:
                        queue.append((item, tries + 1))
                    else:
                        yield Done(item, "its worker was killed each time (out of memory?); try fewer --jobs")
        except BaseException:  # Ctrl-C, or the generator was closed: do not wait for unfinished items
            self._dismiss(at_once=True)
            raise

    def _dismiss(self, at_once: bool) -> None:
        if at_once:
            for process in set(multiprocessing.active_children()) - self.others:
                process.terminate()
        for worker in [*self.idle, *(worker for worker, _, _ in self.busy.values())]:
            worker.shutdown(wait=True, cancel_futures=True)
        self.idle, self.busy, self.numbers = [], {}, {}

    def _started(self) -> ProcessPoolExecutor:
        """A new worker, with the smallest number that is free."""
        number = next(n for n in range(len(self.numbers) + 1) if n not in self.numbers.values())
        environment = self.environments[number % len(self.environments)] if self.environments else {}
        context = multiprocessing.get_context("spawn")  # fork would copy torch's threads in an unknown state
        arguments = (self.threads, self.given, environment)
        worker = ProcessPoolExecutor(1, mp_context=context, initializer=start, initargs=arguments)
        self.numbers[worker] = number
        return worker


_given: tuple[Any, ...] = ()
"""In a worker process, the first arguments of every call, received at its start (`Crew.given`)."""


def attempt(work: Callable[..., Any], item: Any, debug: bool, given: tuple[Any, ...] | None = None) -> Done:
    """Do an item of work in this process.

    Args:
        work: Function of `given` and an item.
        item: The item.
        debug: Whether an exception in the work is raised instead of reported in one line.
        given: First arguments of the call; by default those that this worker received at its start.

    Returns:
        The finished item.
    """
    with warned.heard() as heard, flushing_denormals(), exact():
        error, result = _tried(work, item, debug, _given if given is None else given)
    return Done(item, error, result, os.getpid(), peak_memory_mib(), heard.lines)


def _tried(work: Callable[..., Any], item: Any, debug: bool, given: tuple[Any, ...]) -> tuple[str, Any]:
    """Call the work; return an error message of one line ("" on success) and the result."""
    try:
        with foreign("", held=multiprocessing.parent_process() is None):
            return "", work(*given, item)
    except Ended as end:
        if debug:
            raise
        return (str(end) if end.what else _placed(end.end)), None
    except BenchError as error:
        return str(error), None
    except Exception as error:
        # an error in a method is reported in one line and other runs continue; BENCH_DEBUG=1 raises it
        if debug:
            raise
        return _placed(error), None


def _placed(error: BaseException) -> str:
    """An error in one line with the place where it was raised."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" ({where.tb_frame.f_code.co_filename}:{where.tb_lineno})" if where else ""
    return f"{reason(error)}{place}"


def given() -> tuple[Any, ...]:
    """First arguments of every call, which this worker received when it started."""
    return _given


def start(threads: int, given: tuple[Any, ...], environment: Mapping[str, str]) -> None:
    """Initialise a worker: ignore Ctrl-C, end with the parent process, print in any encoding, and limit the threads.

    Args:
        threads: Number of threads of each library.
        given: First arguments of every call.
        environment: Variables that are set.
    """
    global _given
    set_variables(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    streams.forgive()
    keep_memory()
    _given = given
    limit_threads(threads)


def keep_memory() -> None:
    """Set glibc to keep freed memory (`KEPT`); no effect with other C libraries."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform.startswith("linux") else None
    if mallopt is not None:
        for option, value in KEPT.items():
            mallopt(option, value)


def _end_with_parent() -> None:
    """End this worker when its parent ends, because a killed parent cannot end its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        end_process(1)
