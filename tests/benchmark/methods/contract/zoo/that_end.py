"""Methods that end the process, or try to."""

import asyncio
import os
import sys
from typing import Any

from benchmark.methods import Features, Scores, Task
from tests.benchmark.methods.contract.zoo.sound import Good, breaks


class Own(BaseException):
    """An exception of a project's own that is no error."""


@breaks("scores are logits")
class LeavesWithSuccess(Good):
    """Fit ends with sys.exit(0)."""

    def fit(self, task: Task) -> None:
        sys.exit(0)


@breaks("scores are logits")
class LeavesAtOnce(Good):
    """Fit ends with os._exit(0)."""

    def fit(self, task: Task) -> None:
        os._exit(0)


@breaks("scores are logits")
class Interrupts(Good):
    """Fit ends with an interruption that nobody typed."""

    def fit(self, task: Task) -> None:
        raise KeyboardInterrupt


@breaks("scores are logits")
class Cancels(Good):
    """Fit ends as a task of asyncio does that was cancelled."""

    def fit(self, task: Task) -> None:
        raise asyncio.CancelledError


@breaks("scores are logits")
class ClosesItself(Good):
    """Fit ends as a generator does that is closed."""

    def fit(self, task: Task) -> None:
        raise GeneratorExit


@breaks("scores are logits")
class EndsWithItsOwn(Good):
    """Fit ends with an exception that is no error."""

    def fit(self, task: Task) -> None:
        raise Own


@breaks("scores are logits")
class BecomesAnotherProgram(Good):
    """Fit puts another program in the place of the process."""

    def fit(self, task: Task) -> None:
        os.execvp("true", ["true"])


@breaks("numbers alone")
class EndsWhenConstructed(Good):
    """The constructor ends with sys.exit(0)."""

    def __init__(self, *, beta: float = 1.0, **_: Any) -> None:
        sys.exit(0)


@breaks("in large batches")
class LeavesInLargeBatches(Good):
    """Scoring of a large batch ends with sys.exit(0)."""

    def scores(self, x: Features) -> Scores:
        if len(x["clip"]) > 500:
            sys.exit(0)
        return super().scores(x)
