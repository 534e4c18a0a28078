"""Facts of the interpreter: its streams, hooks, warnings, loggers, and its random state."""

import decimal
import gc
import logging
import multiprocessing
import random
import socket
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from benchmark.methods.guest.fact import Fact, Values, attributes, one

STREAMS = ("stdin", "stdout", "stderr")
HOOKS = (
    "excepthook",
    "displayhook",
    "unraisablehook",
    "path",
    "meta_path",
    "path_hooks",
    "argv",
    "dont_write_bytecode",
)
LOGGER = ("level", "propagate", "disabled", "handlers", "filters")


def _filters() -> list[Any]:
    return list(warnings.filters)


def _set_filters(before: list[Any]) -> None:
    warnings.resetwarnings()  # also forgets which warnings were shown
    warnings.filters[:] = before  # type: ignore[index]  # typeshed calls it a sequence; it is a list


def _loggers() -> Iterator[tuple[str, logging.Logger]]:
    """Loggers by name; that of "root" is the root of all."""
    yield "root", logging.root
    known = list(logging.root.manager.loggerDict.items())
    yield from ((name, logger) for name, logger in known if isinstance(logger, logging.Logger))


def _logging() -> Values:
    values = {f"the {part} of logger {name}": getattr(logger, part) for name, logger in _loggers() for part in LOGGER}
    return {words: value.copy() if isinstance(value, list) else value for words, value in values.items()}


def _set_logging(before: Values) -> None:
    for name, logger in _loggers():
        for part in LOGGER:
            if (words := f"the {part} of logger {name}") in before:
                setattr(logger, part, before[words])
    logging.root.manager._clear_cache()  # type: ignore[attr-defined]  # of the levels that loggers have in effect


def _decimal() -> tuple[int, str]:
    context = decimal.getcontext()
    return context.prec, context.rounding


def _set_decimal(before: tuple[int, str]) -> None:
    context = decimal.getcontext()
    context.prec, context.rounding = before


def _start_method() -> str | None:
    return multiprocessing.get_start_method(allow_none=True)


def _set_start_method(before: str | None) -> None:
    multiprocessing.set_start_method(before, force=True)


STREAMED = attributes(sys, "sys", STREAMS)
HOOKED = attributes(sys, "sys", HOOKS)
WARNED = one("the filters of warnings", _filters, _set_filters)
SHOWN = attributes(warnings, "warnings", ("showwarning", "formatwarning"))
LOGGED = Fact(_logging, _set_logging, closed=False)
DRAWN = one("the random state of Python", random.getstate, random.setstate)

OF_PYTHON = [
    STREAMED,
    HOOKED,
    WARNED,
    SHOWN,
    LOGGED,
    DRAWN,
    attributes(logging.root.manager, "logging", ("disable",)),
    one("socket.setdefaulttimeout()", socket.getdefaulttimeout, socket.setdefaulttimeout),
    one("multiprocessing.set_start_method()", _start_method, _set_start_method),
    one("the context of decimal", _decimal, _set_decimal),
    one("sys.setrecursionlimit()", sys.getrecursionlimit, sys.setrecursionlimit),
    one("sys.setswitchinterval()", sys.getswitchinterval, sys.setswitchinterval),
    one("sys.settrace()", sys.gettrace, sys.settrace),
    one("sys.setprofile()", sys.getprofile, sys.setprofile),
    one("gc.enable()", gc.isenabled, lambda before: gc.enable() if before else gc.disable()),
    one("gc.set_threshold()", gc.get_threshold, lambda before: gc.set_threshold(*before)),
]
