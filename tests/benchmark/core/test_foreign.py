"""Whatever code of other people ends with is an error, also where it asks the process to end."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.core.errors import BenchError
from benchmark.core.foreign import Ended, end_process, foreign

ROOT = Path(__file__).parents[3]


class Own(BaseException):
    pass


def raising(end: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise end

    return act


@pytest.mark.parametrize(
    ("act", "line"),
    [
        (lambda: sys.exit(0), "it ended with SystemExit: 0"),
        (raising(SystemExit()), "it ended with SystemExit"),
        (lambda: os._exit(0), "it ended with EndOfProcess: os._exit(0)"),
        (lambda: os.abort(), "it ended with EndOfProcess: os.abort()"),
        (raising(KeyboardInterrupt()), "it ended with KeyboardInterrupt"),
        (raising(GeneratorExit()), "it ended with GeneratorExit"),
        (raising(asyncio.CancelledError("enough")), "it ended with CancelledError: enough"),
        (raising(Own("two\nlines")), "it ended with Own: two lines"),
    ],
)
def test_an_end_that_is_no_error_becomes_one(act: Callable[[], None], line: str) -> None:
    with pytest.raises(Ended) as caught, foreign("it"):
        act()
    assert str(caught.value) == line
    assert isinstance(caught.value, BenchError)


def test_another_program_in_the_place_of_this_one_is_refused() -> None:
    with pytest.raises(Ended, match=r"EndOfProcess: os.execve?\("), foreign("it"):
        os.execlp("true", "true")


@pytest.mark.parametrize("error", [ValueError("x"), StopIteration(), AssertionError(), BenchError("y")])
def test_errors_pass_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, foreign("it"):
        raise error
    assert caught.value is error


def test_what_imported_the_end_of_the_process_by_name_does_not_end_it() -> None:
    with foreign("it"):
        from os import _exit
    with pytest.raises(Ended), foreign("it"):
        _exit(0)


def test_ctrl_c_is_an_interruption_even_if_it_is_swallowed() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), foreign("it"):
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), foreign("it"), contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def ended(code: str) -> subprocess.CompletedProcess[str]:
    """Run code that has `foreign` and `os` in a process of its own."""
    code = f"import os, sys\nfrom benchmark.core.foreign import foreign\n{code}"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_fork_ends_where_the_context_does() -> None:
    done = ended("with foreign('it'):\n    os.fork()\nprint('once', flush=True)")
    assert (done.returncode, done.stdout) == (0, "once\n")


def test_a_fork_ends_as_it_likes_within_the_context() -> None:
    done = ended(
        "with foreign('it'):\n    child = os.fork()\n    child or os._exit(7)\nprint(os.waitpid(child, 0)[1] >> 8)"
    )
    assert done.stdout == "7\n"


def test_outside_of_the_context_processes_end_as_they_do() -> None:
    assert ended("with foreign('it'):\n    pass\nos._exit(5)").returncode == 5
    assert end_process is not os._exit or not hasattr(os._exit, "guarded")
