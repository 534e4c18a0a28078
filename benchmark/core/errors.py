"""Errors that the user can correct, and the exit codes of `bench`."""

import errno
import os
import re
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit code of every `bench` command."""

    OK = 0
    """The command did what was asked of it."""
    REGRESSION = 1
    """`check` found a regression, a claim named by --fail-on is contradicted, or a method breaks the predictor contract."""
    USAGE = 2
    """An option, a name, an input file or code named by the user is wrong, or a selection asks for no run."""
    MISSING = 3
    """A record, a data set or a weights file is missing, also one of a cell that `check` is to hold against the reference."""
    RUNS_FAILED = 4
    """Runs, or the computation of features for them, failed; successful runs are stored."""
    NOTHING_COMPARED = 5
    """`check` found no cell that is both measured and in the reference."""
    REFUSED = 6
    """The system refused a file, a folder, the output or memory: no permission, a full disk, a long name, a reader gone."""
    DAMAGED = 7
    """A record, its answers, the reference run or the paper's numbers are damaged, and a verdict would rest on them; or
    `results merge`, `export` or `import` left a record or a line out."""
    INCONCLUSIVE = 8
    """`check` found no regression, but more than half of the questions are inconclusive."""
    CLUSTER = 9
    """A scheduler cannot be reached or has gone, or a worker was refused; runs measured so far are stored."""
    INTERRUPTED = 130
    """Interrupted by Ctrl-C; runs measured so far are stored."""


class BenchError(Exception):
    """An error that the user can correct, shown in one line without a traceback.

    The message names the object concerned, the problem, and the option or command that solves it. `exit_code` is the exit
    code of a command that ends with this error.
    """

    exit_code = ExitCode.USAGE


class Incomplete(BenchError):
    """An error because a record, a data set or a weights file is missing."""

    exit_code = ExitCode.MISSING


class Refused(BenchError):
    """An error because the system refused a file, a folder, the output or memory."""

    exit_code = ExitCode.REFUSED


class Damaged(BenchError):
    """An error because a file that verdicts rest on is not as it was written."""

    exit_code = ExitCode.DAMAGED


class ClusterError(BenchError):
    """An error because a scheduler cannot be reached or has gone, or because its workers cannot be used."""

    exit_code = ExitCode.CLUSTER


OF_OUTPUT = (errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC, errno.EPIPE)
"""Errors of writing. Those of files name the file, or are a BenchError; the rest are of the standard output."""


def reason(error: BaseException) -> str:
    """Any error in one line: "ValueError: no number"; one of the system with its file: "a.json: Permission denied"."""
    text = " ".join(str(error).split())
    if not isinstance(error, OSError):
        return ": ".join(filter(None, (type(error).__name__, text)))
    names = " -> ".join(
        os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)
    )
    where = names or ("the output" if error.errno in OF_OUTPUT else "")
    said = error.strerror or text or type(error).__name__
    return ": ".join(filter(None, (where, said)))


def in_words(error: BaseException) -> str:
    """The line of a BenchError, which is made for people; the reason of any other error."""
    return str(error) if isinstance(error, BenchError) else reason(error)


class Ended(Exception):
    """An EOFError on its way through click, which would take it for Ctrl-C."""


DEBUG = "BENCH_DEBUG=1 shows where"
_KINDS: tuple[tuple[type[Exception], type[BenchError], str], ...] = (
    (MemoryError, Refused, "the memory of this machine does not suffice"),
    (EOFError, BenchError, "a file ends before its content does"),
    (UnicodeError, BenchError, "a name or a text is no UTF-8"),
    (RecursionError, BenchError, "something is nested too deeply"),
)
_NO_MEMORY = re.compile(r"out of memory|not enough memory|can't allocate memory|tried to allocate")
"""How torch says in a RuntimeError that it got no memory."""


def without_memory(error: BaseException) -> bool:
    """Whether an error says that memory, of the machine or of an accelerator, did not suffice."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and bool(_NO_MEMORY.search(str(error))))


def line_of(error: Exception) -> BenchError | None:
    """The line for an error of the system, or of a damaged file, that no part of the program has put into words.

    Args:
        error: Any error that ends a command.

    Returns:
        An error with the line and the exit code; None for an error of another kind, which is a fault of the program.
    """
    if isinstance(error, BenchError):
        return error
    if isinstance(error, OSError):
        return Refused(reason(error))
    if without_memory(error):
        error = MemoryError(str(error))
    if isinstance(error, Ended):
        error = EOFError(*error.args)
    for kind, made, words in _KINDS:
        if isinstance(error, kind):
            return made(f"{words} ({reason(error)}); {DEBUG}")
    return None
