"""A method's code as a guest of the process: what it leaves changed is put back and named."""

import multiprocessing
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from benchmark.core import warned
from benchmark.core.foreign import foreign
from benchmark.methods.clip import Clip
from benchmark.methods.guest import of_python
from benchmark.methods.guest.fact import ABSENT, Fact, Values, changed
from benchmark.methods.guest.of_clip import of_clip
from benchmark.methods.guest.of_python import OF_PYTHON
from benchmark.methods.guest.of_system import ENVIRONMENT, OF_SYSTEM
from benchmark.methods.guest.of_torch import OF_TORCH
from benchmark.methods.guest.replaced import REPLACED

FACTS = (*REPLACED, *OF_TORCH, *OF_SYSTEM, *OF_PYTHON)
"""Everything that is put back after a run."""

OF_IMPORTS = (*REPLACED, ENVIRONMENT, of_python.HOOKED, of_python.WARNED, of_python.LOGGED)
"""State that libraries set when they are imported, and may set."""

AT_IMPORT = [fact for fact in FACTS if fact not in OF_IMPORTS]
"""Everything that is put back after a module was imported, or a predictor constructed."""

MOST = 4
"""Largest number of things that a message names."""

SHOWN = (bool, int, float, torch.dtype, torch.device)
"""Types of values that stand in a message; texts may be secrets."""


@dataclass
class Left:
    """Things that a guest left, in words.

    Attributes:
        changed: Things that were put back.
        clip: Changes of the CLIP that the guest was given.
        running: Threads and processes that run on.
    """

    changed: list[str] = field(default_factory=list)
    clip: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """All things in one line: "left torch.set_grad_enabled(False), put back"; empty if there are none."""
        parts = (self.changed, ", put back"), (self.clip, ", which is loaded again"), (self.running, " running")
        return "; ".join(f"left {_listed(things)}{rest}" for things, rest in parts if things)


@contextmanager
def visit(name: str, clip: Clip | None = None, facts: Sequence[Fact] = FACTS) -> Iterator[Left]:
    """Within the context, run a guest's code, whatever it ends with (`foreign`); the process is put back after it.

    Args:
        name: Name of the guest.
        clip: CLIP that the guest is given. Its changes are named, and are for the caller to undo.
        facts: What is put back.

    Yields:
        The things that the guest left, filled at the end of the context.
    """
    left = Left()
    with foreign(name):
        before, known, model = [fact.read() for fact in facts], _running(), of_clip(clip) if clip else {}
        try:
            yield left
        finally:
            for fact, values in zip(facts, before, strict=True):
                left.changed += _put_back(fact, values)
            after = of_clip(clip) if clip else {}
            left.clip = [f"CLIP's {thing}" for thing in changed(model, after)]
            left.running = [words for key, words in _running().items() if key not in known]


@contextmanager
def guest(name: str, clip: Clip | None = None, facts: Sequence[Fact] = FACTS) -> Iterator[Left]:
    """A `visit` of which a line says what the guest left, to whoever hears warnings."""
    left = Left()
    try:
        with visit(name, clip, facts) as left:
            yield left
    finally:
        if left.line:
            warned.note(f"{name} {left.line}")


def _put_back(fact: Fact, before: Values) -> list[str]:
    """Put back what has changed of a fact, and say it."""
    after = fact.read()
    found = fact.changed(before, after)
    if found:
        fact.put_back(found)
    return [_said(name, after.get(name, ABSENT)) for name in found]


def _said(name: str, value: Any) -> str:
    """A thing, with its new value where that is plain: "torch.set_grad_enabled(False)", "the working folder"."""
    shown = str(value) if isinstance(value, SHOWN) else ""
    if name.endswith("()"):
        return f"{name[:-1]}{shown})" if shown else name
    return f"{name} ({shown})" if shown else name


def _listed(things: Sequence[str]) -> str:
    named = ", ".join(things[:MOST])
    return f"{named} and {len(things) - MOST} more" if len(things) > MOST else named


def _running() -> dict[object, str]:
    """Threads and child processes of this process, with words for them."""
    threads: dict[object, str] = {thread: f"thread {thread.name}" for thread in threading.enumerate()}
    return threads | {child: f"process {child.name}" for child in multiprocessing.active_children()}
