"""Fits in other processes, where whatever a method must not depend on is another: hash seed, clock, folder, history.

The processes are started once and kept for all classes that are checked.
"""

import importlib
import importlib.util
import itertools
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, reduce
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from benchmark.core.code import HARNESS, import_libraries
from benchmark.core.digest import Json
from benchmark.core.errors import reason
from benchmark.methods.contract.elsewhen import Noted, clock_ahead, surround
from benchmark.methods.contract.subject import Subject, scored
from benchmark.methods.guest.visit import visit
from benchmark.methods.predictor import Predictor

PROCESSES = 2
"""Number of processes. What depends on one bit of a hash is alike in this process and both in one of four cases."""

DAYS = 401
"""How far the clock of each process is ahead of the clock of the one before: another year, month, day and weekday."""

PATIENCE = 600
"""Seconds after which a fit is given up."""


@dataclass(frozen=True)
class Answer:
    """Outcome of fitting a class in another process.

    Attributes:
        logits: Seed of the support set -> fused logits of the images of the contract, [B][C].
        used: Files, programs and the network that fitting asked for.
        error: Reason why there are no logits, in one line; "" if there are.
    """

    logits: dict[int, list[list[float]]] = field(default_factory=dict)
    used: Sequence[str] = ()
    error: str = ""


@dataclass(frozen=True)
class Question:
    """A class to fit, by the place where another process finds it.

    Attributes:
        module: Name of the module.
        file: File of the module; "" if it has none.
        name: Qualified name in the module.
        settings: Constructor arguments.
        seeds: Seeds of the support sets, in the order of the fits.
    """

    module: str
    file: str
    name: str
    settings: Json
    seeds: Sequence[int]


def ask(cls: type[Predictor], settings: Json, seeds: Sequence[int]) -> Callable[[], list[Answer]]:
    """Have a class fitted in the other processes.

    Args:
        cls: Predictor class.
        settings: Constructor arguments.
        seeds: Seeds of the support sets.

    Returns:
        Function that waits for the answers.
    """
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    question = Question(cls.__module__, file, cls.__qualname__, settings, seeds)
    numbers = [_other(number).ask(question) for number in range(PROCESSES)]
    return lambda: [_other(number).answer(asked) for number, asked in enumerate(numbers)]


class _Other:
    """Another process that fits classes, one after another.

    Args:
        number: Number of the process.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.folder = tempfile.TemporaryDirectory(prefix="bench-contract-")
        self.questions = itertools.count()
        self.start()

    def start(self) -> None:
        """Start the process with a hash seed of its own; it ends with this one."""
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe()
        arguments = (theirs, self.number, self.folder.name, [os.path.abspath(place) for place in sys.path])
        self.process = context.Process(target=_serve, args=arguments, daemon=True)
        with patch.dict(os.environ, {"PYTHONHASHSEED": _hash_seed(self.number)}):
            self.process.start()
        theirs.close()

    def ask(self, question: Question) -> int:
        """Send a question and return its number; a process that has ended is started again."""
        number = next(self.questions)
        if not self.process.is_alive():
            self.start()
        with suppress(OSError):  # it has just ended, as the answer will say
            self.line.send((number, question))
        return number

    def answer(self, number: int) -> Answer:
        """Wait for the answer to a question."""
        try:
            while self.line.poll(PATIENCE):
                answered, answer = self.line.recv()
                if answered == number:
                    return answer  # type: ignore[no-any-return]
        except (EOFError, OSError):
            self.process.join(PATIENCE)
            return Answer(error=f"fitting ended the process (exit code {self.process.exitcode})")
        self.process.kill()
        return Answer(error=f"fitting took more than {PATIENCE} s")


_other = cache(_Other)
"""The process of a number, started when it is first asked for."""


def _hash_seed(number: int) -> str:
    """A hash seed that is neither this process's nor that of another number."""
    return [seed for seed in ("1", "2", "3") if seed != os.environ.get("PYTHONHASHSEED")][number]


def _serve(line: Connection, number: int, folder: str, path: list[str]) -> None:
    """Answer questions in another process."""
    sys.path[:] = path
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    noted = Noted()
    surround(number, folder)
    while True:
        asked, question = line.recv()
        line.send((asked, _answered(question, noted, 86400 * DAYS * (number + 1))))


def _answered(question: Question, noted: Noted, ahead: float) -> Answer:
    """Fit a class and score the contract's images; an error is an answer.

    Args:
        question: The class.
        noted: Notes of what it asks the system for.
        ahead: How far the clock is ahead, in seconds.

    Returns:
        The answer.
    """
    logits: dict[int, list[list[float]]] = {}
    try:
        with visit("it"):
            subject = Subject(_found(question), question.settings)
            import_libraries(subject.cls)
            subject.fit(subject.task(question.seeds[0]))  # whatever is imported by then is imported
            modules = [sys.modules[cls.__module__] for cls in subject.cls.__mro__ if not _is_library(cls)]
            with clock_ahead(ahead, modules), noted.of(Path(question.file)):
                for seed in question.seeds:
                    logits[seed] = scored(subject.fit(subject.task(seed)), subject.images).fused.tolist()
    except Exception as error:  # of the class
        return Answer(error=reason(error))
    return Answer(logits, noted.used)


def _is_library(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in (HARNESS, "torch", "builtins")


def _found(question: Question) -> type[Predictor]:
    """Import a class by name, or else its module from its file."""
    try:
        module = importlib.import_module(question.module)
    except ImportError:
        spec = importlib.util.spec_from_file_location(question.module, question.file)
        if spec is None or spec.loader is None:
            raise
        module = sys.modules[question.module] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return cast(type[Predictor], reduce(getattr, question.name.split("."), cast(Any, module)))
