"""Facts of the operating system that a process has: folder, environment, signals, limits."""

import locale
import os
import signal
import threading
import time
from contextlib import suppress

from benchmark.methods.guest.fact import ABSENT, Fact, Values, one

VARIABLE = "the environment variable "
HANDLER = "the handler of "
LIMIT = "the limit "


def _environment() -> Values:
    return {VARIABLE + name: value for name, value in os.environ.items()}


def _set_environment(before: Values) -> None:
    for words, value in before.items():
        name = words.removeprefix(VARIABLE)
        if value is ABSENT:
            del os.environ[name]
        else:
            os.environ[name] = value
    if VARIABLE + "TZ" in before and hasattr(time, "tzset"):
        time.tzset()


def _folder() -> str:
    with suppress(OSError):  # it may have been removed
        return os.getcwd()
    return ""


def _set_folder(before: str) -> None:
    with suppress(OSError):
        os.chdir(before)


def _file_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _handlers() -> Values:
    """Handlers of all signals; empty outside of the main thread, which alone can set them."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    numbers = [number for number in signal.valid_signals() if isinstance(number, signal.Signals)]
    return {HANDLER + number.name: signal.getsignal(number) for number in numbers}


def _set_handlers(before: Values) -> None:
    for words, handler in before.items():
        if handler is not None:  # None stands for one that was not set by Python
            signal.signal(signal.Signals[words.removeprefix(HANDLER)], handler)


def _alarm() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _set_alarm(before: bool) -> None:
    if not before:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _limits() -> Values:
    import resource

    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return {LIMIT + name: resource.getrlimit(getattr(resource, name)) for name in names}


def _set_limits(before: Values) -> None:
    import resource

    for words, limits in before.items():
        with suppress(ValueError, OSError):  # a hard limit cannot be raised
            resource.setrlimit(getattr(resource, words.removeprefix(LIMIT)), limits)


def _cores() -> set[int]:
    return os.sched_getaffinity(0)


def _set_cores(before: set[int]) -> None:
    os.sched_setaffinity(0, before)


def _set_locale(before: str) -> None:
    locale.setlocale(locale.LC_ALL, before)


FOLDER = one("the working folder", _folder, _set_folder)
ENVIRONMENT = Fact(_environment, _set_environment)
SIGNALS = Fact(_handlers, _set_handlers)

OF_SYSTEM = [
    FOLDER,
    ENVIRONMENT,
    SIGNALS,
    one("os.umask()", _file_mode, os.umask),
    one("locale.setlocale()", lambda: locale.setlocale(locale.LC_ALL), _set_locale),
]
if hasattr(signal, "setitimer"):
    OF_SYSTEM += [one("signal.alarm()", _alarm, _set_alarm), Fact(_limits, _set_limits)]
if hasattr(os, "sched_setaffinity"):
    OF_SYSTEM.append(one("the processor cores", _cores, _set_cores))
