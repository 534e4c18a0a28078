"""What the user can mend is said in one line and ends with a documented exit code, never a traceback."""


class BenchError(Exception):
    """A mistake that its reader can mend: the message names the thing, what is wrong, what to type next."""

    exit_code = 2


class Incomplete(BenchError):
    """Something that the request needs is not here: a record, a data set, a weights file."""

    exit_code = 3


RUNS_FAILED = 4
INTERRUPTED = 130

NOTHING_SELECTED = 5

LACKING = 3
