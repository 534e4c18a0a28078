"""Functions that a scheduler calls in a worker: they start the process that does the work, and pass calls into it.

Work runs in a process of its own, as on the client's machine. The worker's own process has threads of dask, which draw from
Python's random state, would share what a method changes, and have to answer the scheduler meanwhile. What goes to the process
and comes back is pickled by client and process, so that the worker loads no library of the work.
"""

import multiprocessing
import os
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool


class Killed(Exception):
    """The process that did an item of work was killed."""


_sessions: dict[str, bytes] = {}
"""Name of a session -> the pickled call that begins a process of it."""
_processes: dict[str, ProcessPoolExecutor] = {}
"""Name of a session -> the process that does its work; of the last session alone."""
_one_at_a_time = threading.Lock()
"""A worker does one item at a time, however many threads it has: these are for the libraries."""


def start(name: str, begin: bytes, look: bytes) -> tuple[bytes, int]:
    """Begin a session in this worker.

    Args:
        name: Name of the session, unique to the client.
        begin: Pickled call without arguments that begins a process.
        look: The first call in it.

    Returns:
        The pickled result of the first call, and the id of this process.
    """
    _sessions[name] = begin
    return call(name, look), os.getpid()


def call(name: str, work: bytes) -> bytes:
    """Do an item of work in the process of a session, which is started if there is none.

    Args:
        name: Name of a session that has begun in this worker.
        work: Pickled call without arguments.

    Returns:
        The pickled result.

    Raises:
        Killed: The process was killed.
    """
    with _one_at_a_time:
        try:
            if name not in _processes:
                for other in list(_processes):  # of a client that may have been killed
                    _processes.pop(other).shutdown()
                multiprocessing.current_process().daemon = False  # what dask starts as a daemon may not start processes
                _processes[name] = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
                _processes[name].submit(_called, _sessions[name]).result()
            return _processes[name].submit(_called, work).result()
        except BrokenProcessPool as error:
            _processes.pop(name).shutdown()
            raise Killed("the process that does the work was killed") from error


def end(name: str) -> None:
    """End a session in this worker."""
    with _one_at_a_time:
        _sessions.pop(name, None)
        if name in _processes:
            _processes.pop(name).shutdown()


def _called(work: bytes) -> bytes:
    return pickle.dumps(pickle.loads(work)())
