"""Real schedulers and workers of dask on the loopback address, each a process that ends with the test."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

TOYS = Path(__file__).parent
HANG = 120
"""Seconds after which what does not come is given up; no outcome depends on it."""


def environment(code: Path = TOYS.parents[1], **more: str) -> dict[str, str]:
    """The environment of a process that imports this project from a folder, and the toys."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (code, TOYS))), **more}


@contextlib.contextmanager
def process(module: str, *arguments: str, folder: Path, **variables: str) -> Iterator[tuple[subprocess.Popen, Path]]:
    """A process of a module of dask, and the file of what it prints; ended, with its children, at the end."""
    log = folder / f"{module.rpartition('.')[2]}-{time.monotonic_ns()}.log"
    variables.setdefault("PYTHONPATH", environment()["PYTHONPATH"])
    with log.open("wb") as out:
        command = [sys.executable, "-m", module, *arguments]
        told = {**os.environ, **variables}
        started = subprocess.Popen(command, env=told, cwd=folder, stdout=out, stderr=out, start_new_session=True)
    try:
        yield started, log
    finally:
        for sent, wait in ((signal.SIGTERM, 5), (signal.SIGKILL, HANG)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, sent)
            with contextlib.suppress(subprocess.TimeoutExpired):
                started.wait(wait)


def told(log: Path, pattern: str) -> str:
    """The first match of a pattern in a growing file."""
    until = time.monotonic() + HANG
    while not (found := re.search(pattern, log.read_text(errors="replace"))):
        assert time.monotonic() < until, log.read_text(errors="replace")
        time.sleep(0.1)
    return found[1]


@contextlib.contextmanager
def scheduler(folder: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """A scheduler: its address and process."""
    arguments = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    with process("distributed.cli.dask_scheduler", *arguments, folder=folder) as (started, log):
        yield told(log, r"Scheduler at:\s+(tcp://127\.0\.0\.1:\d+)"), started


@contextlib.contextmanager
def worker(address: str, folder: Path, *more: str, **variables: str) -> Iterator[subprocess.Popen]:
    """A worker with one thread."""
    arguments = (address, "--host", "127.0.0.1", "--nthreads", "1", "--memory-limit", "0", "--no-dashboard", *more)
    with process("distributed.cli.dask_worker", *arguments, folder=folder, **variables) as (started, log):
        told(log, r"(Registered to:)")
        yield started
