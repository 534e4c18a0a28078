"""Any error is one line; one of the system names the file and the reason."""

import errno

import pytest

from benchmark.core.errors import BenchError, Ended, ExitCode, Refused, line_of, reason


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "a.json"), "a.json: Permission denied"),
        (OSError(errno.EXDEV, "Invalid cross-device link", "a", None, "b"), "a -> b: Invalid cross-device link"),
        (OSError(errno.ENOENT, "No such file", b"caf\xc3\xa9"), "café: No such file"),
        (OSError(errno.ENOSPC, "No space left on device"), "the output: No space left on device"),
        (OSError(errno.EBADF, "Bad file descriptor", 1), "the output: Bad file descriptor"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Cannot allocate memory"),
        (OSError("cannot identify\n  image 'x'"), "cannot identify image 'x'"),
        (TimeoutError(), "TimeoutError"),
        (ValueError("one\n  two"), "ValueError: one two"),
        (ValueError(), "ValueError"),
    ],
)
def test_the_file_comes_first_and_then_the_reason(error: Exception, said: str) -> None:
    assert reason(error) == said


def test_its_exit_code_is_that_of_no_other_error() -> None:
    assert Refused("x").exit_code == ExitCode.REFUSED == 6


@pytest.mark.parametrize(
    ("error", "made", "said"),
    [
        (BenchError("as it is"), BenchError, "as it is"),
        (FileNotFoundError(2, "No such file", "a"), Refused, "a: No such file"),
        (MemoryError(), Refused, "the memory of this machine does not suffice (MemoryError)"),
        (
            RuntimeError("CUDA out of memory. Tried"),
            Refused,
            "the memory of this machine does not suffice (MemoryError",
        ),
        (EOFError("x"), BenchError, "a file ends before its content does (EOFError: x)"),
        (Ended("x"), BenchError, "a file ends before its content does (EOFError: x)"),
        (RecursionError("x"), BenchError, "something is nested too deeply (RecursionError: x)"),
    ],
)
def test_an_error_of_the_system_or_of_a_damaged_file_has_a_line(
    error: Exception, made: type[BenchError], said: str
) -> None:
    line = line_of(error)
    assert type(line) is made
    assert str(line).startswith(said)


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), KeyError("x"), TypeError("x"), AssertionError()])
def test_a_fault_of_the_program_has_none(error: Exception) -> None:
    assert line_of(error) is None
