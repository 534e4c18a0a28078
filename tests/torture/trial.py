"""One use of the product in a process of its own: how it ended, how long it took, how much memory, and what it printed."""

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.core.errors import BenchError, ExitCode

SECONDS = 30
"""Processor time after which a use counts as hanging; the wall clock has three times as long, for a busy machine."""

GIB = 1 << 30
"""Bytes of memory that a use may hold at once, with Python and torch."""


@dataclass(frozen=True)
class Outcome:
    """The end of a use: exit code, or minus the signal; seconds of the processor, bytes at most, and all output."""

    code: int
    seconds: float
    memory: int
    output: str

    def faults(self) -> list[str]:
        """What must not happen to anybody's file, in words."""
        codes = {int(code) for code in ExitCode} - {ExitCode.INTERRUPTED}
        found = {
            "traceback": "Traceback (most recent call last)" in self.output,
            f"exit code {self.code}": self.code not in codes,
            "hang": self.seconds > SECONDS or self.code == -signal.SIGKILL,
            f"{self.memory / GIB:.1f} GiB": self.memory > GIB,
            "no line": self.code not in (ExitCode.OK, ExitCode.MISSING) and "bench: " not in self.output,
        }
        return [words for words, is_so in found.items() if is_so]


def bench(*arguments: str) -> Callable[[], object]:
    """A command, as its entry point calls it."""

    def use() -> object:
        from benchmark.cli import main

        sys.argv = ["bench", *arguments]
        return main()

    return use


def tried(use: Callable[[], object], folder: Path) -> Outcome:
    """Use the product in a forked process that works in a folder; the file `output` in it keeps what is printed."""
    output = folder / "output"
    child = os.fork()
    if child == 0:
        _ends(use, folder, output)
    deadline = time.monotonic() + 3 * SECONDS
    while (ended := os.wait4(child, os.WNOHANG))[0] == 0:
        time.sleep(0.01)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            ended = os.wait4(child, 0)
            break
    _, status, used = ended
    code = os.waitstatus_to_exitcode(status)
    return Outcome(code, used.ru_utime + used.ru_stime, used.ru_maxrss << 10, output.read_text(errors="replace"))


def _ends(use: Callable[[], object], folder: Path, output: Path) -> None:
    """Run the use with its output in a file, and end the process with its exit code."""
    code: int = 99
    with contextlib.suppress(BaseException):
        os.chdir(folder)
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(file, stream)
        code = _code(use)
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _code(use: Callable[[], object]) -> int:
    try:
        use()
    except SystemExit as end:
        return int(end.code or 0)
    except BenchError as error:  # of a reader that is called without a command
        print(f"bench: {error}", file=sys.stderr)
        return int(error.exit_code)
    except BaseException:
        traceback.print_exc()
        return 99
    return 0
