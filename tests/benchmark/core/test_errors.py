"""Any error is one line; one of the system names the file and the reason."""

import errno

import pytest

from benchmark.core.errors import ExitCode, Refused, reason


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
    ],
)
def test_the_file_comes_first_and_then_the_reason(error: Exception, said: str) -> None:
    assert reason(error) == said


def test_its_exit_code_is_that_of_no_other_error() -> None:
    assert Refused("x").exit_code == ExitCode.REFUSED == 6
