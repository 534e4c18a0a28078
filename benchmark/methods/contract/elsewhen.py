"""The surroundings of a fit in another process: another clock and folder, and notes of what it asks the system for."""

import datetime
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch

OF_LIBRARIES = ("/proc", "/sys", "/dev", "/etc", sys.prefix, sys.base_prefix)
"""Folders that libraries read when they please."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname")
"""Events of sys.addaudithook for other programs, and for the network."""


def surround(number: int, folder: str) -> None:
    """Give this process surroundings of its own.

    Args:
        number: Number of the process, which names its user and its machine.
        folder: Working folder, home and place for temporary files.
    """
    os.chdir(folder)
    os.environ |= dict.fromkeys(("HOME", "TMPDIR", "TMP", "TEMP"), folder)
    os.environ |= dict.fromkeys(("USER", "LOGNAME", "HOSTNAME"), f"somebody-{number}")
    tempfile.tempdir = None
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]  # with the above: memory that nobody filled is NaN


@contextmanager
def clock_ahead(seconds: float, modules: Sequence[ModuleType]) -> Iterator[None]:
    """Within the context, set the clock of Python forward, also under the names that some modules have imported it by.

    Extension modules that are imported meanwhile may not find the types of `datetime` that they were compiled for.

    Args:
        seconds: How far.
        modules: Modules with names of their own for parts of `time` and `datetime`.

    Yields:
        Nothing.
    """
    with ExitStack() as patches:
        for real, replacement in _ahead(seconds):
            for module in (time, datetime, *modules):
                for name in [name for name, value in vars(module).items() if value is real]:
                    patches.enter_context(patch.object(module, name, replacement))
        yield


def _ahead(seconds: float) -> list[tuple[Any, Any]]:
    """Functions and classes that tell the time, each with one that tells a later one."""
    ahead, now, now_ns = datetime.timedelta(seconds=seconds), time.time, time.time_ns
    of_now = time.gmtime, time.localtime, time.ctime
    localtime = time.localtime

    class Date(datetime.date):
        @classmethod
        def today(cls) -> "Date":
            then = datetime.date.fromtimestamp(now() + seconds)
            return cls(then.year, then.month, then.day)

    class DateTime(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "DateTime":
            return super().now(tz) + ahead

        @classmethod
        def utcnow(cls) -> "DateTime":
            return super().utcnow() + ahead

        today = now

    def of_local_time(function: Callable[..., Any], place: int) -> Callable[..., Any]:
        return lambda *given: function(*given, *([localtime(now() + seconds)] if len(given) == place else []))

    def of_seconds(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda given=None: function(now() + seconds if given is None else given)

    return [
        (now, lambda: now() + seconds),
        (now_ns, lambda: now_ns() + int(1e9 * seconds)),
        *((function, of_seconds(function)) for function in of_now),
        (time.strftime, of_local_time(time.strftime, 1)),
        (time.asctime, of_local_time(time.asctime, 0)),
        (datetime.date, Date),
        (datetime.datetime, DateTime),
    ]


class Noted:
    """Notes of files, programs and the network that a method asks the system for.

    Attributes:
        folder: Folder of the method's own file, in which it may read; None while nothing is noted.
        used: What was asked for.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.used: list[str] = []
        sys.addaudithook(self._hear)

    @contextmanager
    def of(self, file: Path) -> Iterator[None]:
        """Within the context, note what the method of a file asks for; notes from before are dropped."""
        self.used, self.folder = [], file.resolve().parent
        try:
            yield
        finally:
            self.folder = None

    def _hear(self, event: str, arguments: Sequence[Any]) -> None:
        if self.folder is None:
            return
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            self._hear_file(os.path.realpath(os.fsdecode(arguments[0])), *arguments[1:])
        elif event in PROGRAMS:
            self.used.append("another program")
        elif event in NETWORK:
            self.used.append("the network")

    def _hear_file(self, file: str, mode: str | None, flags: int) -> None:
        writes = bool(flags & WRITING) or any(letter in (mode or "") for letter in "wax+")
        free = (*OF_LIBRARIES, str(self.folder))
        near = Path(file).suffix in (".py", ".pyc") or any(Path(file).is_relative_to(folder) for folder in free)
        if not near or (writes and not file.startswith("/dev/")):
            self.used.append(f"the file {file}")
