"""Code of other people, run within this process: whatever ends it is an error, also where it asks the process to end.

A method may end with SystemExit, with a KeyboardInterrupt that nobody typed, or with os._exit. Such an end would be taken for
the end of the command, without a line and with exit code 0.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import Any

from benchmark.core.errors import BenchError, reason

ENDS = ("_exit", "abort", "execv", "execve")
"""Functions of `os` that end the process without a trace; the others of the exec family call the last two."""

end_process = os._exit
"""os._exit itself, for the harness."""

_within: list[int] = []
"""Process ids of the `foreign` contexts that are open, the innermost last; 0 where the process may be ended."""


class Ended(BenchError):
    """Code of other people ended with something that is no error, such as SystemExit.

    Args:
        what: Subject of the message.
        end: What the code ended with.
    """

    def __init__(self, what: str, end: BaseException) -> None:
        super().__init__(f"{what} ended with {reason(end).removesuffix(': ')}")
        self.what = what
        self.end = end


class EndOfProcess(BaseException):
    """Code of other people called one of `ENDS`."""


@contextmanager
def foreign(what: str, *, held: bool = True) -> Iterator[None]:
    """Within the context, run code of other people: its errors pass, any other end is an error, Ctrl-C is an interruption.

    A process that the code has forked ends where the context does.

    Args:
        what: Subject of the message, such as "method script:M"; "" where the caller has one.
        held: Whether the code is kept from ending the process by one of `ENDS`; a worker may end, its parent notices.

    Yields:
        Nothing.

    Raises:
        Ended: The code ended with something that is no error.
        KeyboardInterrupt: Ctrl-C was typed, also if the code ignored it.
    """
    process, typed = os.getpid(), list[int]()
    _guard_ends()
    _within.append(process if held else 0)
    try:
        with _interrupts(typed):
            yield
        if typed:
            raise KeyboardInterrupt
    except BaseException as end:
        if typed:
            raise KeyboardInterrupt from end
        if isinstance(end, Exception):
            raise
        raise Ended(what, end) from end
    finally:
        _within.pop()
        if os.getpid() != process:
            end_process(1)


@contextmanager
def _interrupts(typed: list[int]) -> Iterator[None]:
    """Within the context, note in `typed` when Ctrl-C arrives, which only the main thread can be told."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def noted(number: int, frame: FrameType | None) -> None:
        typed.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, noted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _guard_ends() -> None:
    """Have `ENDS` raise within `foreign`; elsewhere, and in forked processes, they do what they do."""
    for module in (os, sys.modules.get("posix"), sys.modules.get("nt")):
        for name in ENDS:
            function = getattr(module, name, None)
            if function is not None and not hasattr(function, "guarded"):
                setattr(module, name, _guarded(name, function))


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*arguments: Any, **named: Any) -> Any:
        if _within and _within[-1] == os.getpid():
            raise EndOfProcess(f"os.{name}({', '.join(map(repr, arguments))})")
        return function(*arguments, **named)

    guarded.guarded = True  # type: ignore[attr-defined]
    return guarded
