"""What is called in the process that does the work of a client on another machine.

A process that does not see the results folder of the client keeps what is written in a folder of its own and sends it back.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.core import regular, settings
from benchmark.records.store import Store
from benchmark.running import workers
from benchmark.running.cluster.inspection import Inputs, inspected
from benchmark.running.workers import Done
from benchmark.suites.world import World


@dataclass(frozen=True)
class Session:
    """What a client sends to a worker before any work.

    Attributes:
        name: Name of the session, unique to the client.
        given: First arguments of every call.
        inputs: What the worker is asked about.
        folders: Name of a folder -> a file in it that the client has just written, and its content.
        modules: Folders in which the client finds modules.
        environment: Variables that are set in the process that does the work.
        threads: Number of its threads.
    """

    name: str
    given: tuple[Any, ...]
    inputs: Inputs
    folders: Mapping[str, tuple[Path, bytes]]
    modules: Sequence[str]
    environment: Mapping[str, str]
    threads: int


def begin(session: Session) -> None:
    """Initialise this process for the work of a client."""
    sys.path += [folder for folder in session.modules if folder not in sys.path and os.path.isdir(folder)]
    workers.start(session.threads, tuple(map(_here, session.given)), session.environment)


def _here(given: Any) -> Any:
    """A world of the client as one of this machine; anything else as it is."""
    return World(given.suite, settings.on_this_machine(given.settings)) if isinstance(given, World) else given


def look(session: Session) -> dict[str, Any]:
    """What this process has (`inspection.inspected`), and under "sees" the names of the folders that the client sees too."""
    world = next((one for one in workers.given() if isinstance(one, World)), None)
    sees = [name for name, (path, content) in session.folders.items() if _holds(path, content)]
    return {**inspected(world, session.inputs), "sees": sees}


def _holds(path: Path, content: bytes) -> bool:
    try:
        return regular.read_bytes(path) == content
    except OSError:
        return False


Answer = tuple[Done, Mapping[str, bytes]]
"""A finished item, and what it wrote, where that is sent back: path in the store -> content."""


def answers(work: Callable[..., Any], items: Sequence[Any], debug: bool, sends: bool, seconds: float) -> list[Answer]:
    """Do items of work one after another, the first in any case, and no further one after some seconds.

    Args:
        work: Function of the session's `given` and an item.
        items: The items.
        debug: Whether an exception in the work is raised instead of reported in one line.
        sends: Whether what the work writes into a store is sent back instead.
        seconds: Seconds after which no item is begun.

    Returns:
        The answers to the items that were done, in their order.
    """
    found: list[Answer] = []
    started = time.monotonic()
    for item in items:
        found.append(_sent(work, item, debug) if sends else (workers.attempt(work, item, debug), {}))
        if time.monotonic() - started > seconds:
            break
    return found


def _sent(work: Callable[..., Any], item: Any, debug: bool) -> Answer:
    """Do an item of work whose store is a folder of this process; stores are keyword arguments of a partial."""
    with _elsewhere(work) as (moved, folder):
        done = workers.attempt(moved, item, debug)
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}
        return done, {} if done.error else files


@contextmanager
def _elsewhere(work: Callable[..., Any]) -> Iterator[tuple[Callable[..., Any], Path]]:
    """Within the context, work whose store is an empty folder, and the folder."""
    with tempfile.TemporaryDirectory(prefix="amu-bench-") as place:
        folder = Path(place) / "store"
        if isinstance(work, partial):
            stores = {name: one for name, one in work.keywords.items() if isinstance(one, Store)}
            moved = {name: replace(store, root=folder, cache=None) for name, store in stores.items()}
            work = partial(work.func, *work.args, **{**work.keywords, **moved})
        yield work, folder
