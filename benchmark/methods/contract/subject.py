"""The predictor under test with its toy tasks and images, and the comparisons that the contract's clauses use."""

import dataclasses
import inspect
import random
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.core.digest import Json
from benchmark.methods.contract.toy import toy_clip, toy_samples, toy_task
from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import OPTIONAL, Features, Scores, Task

EPOCHS = 2
CLASSES = 5


class Subject:
    """The predictor class under test; tasks, images and predictors are created anew at each access, except `fitted`.

    Args:
        cls: Predictor class.
        settings: Constructor arguments.
    """

    def __init__(self, cls: type[Predictor], settings: Json) -> None:
        self.cls = cls
        self.settings = settings

    def make(self) -> Predictor:
        """Construct a new predictor whose recipe has two epochs."""
        predictor = self.cls(**self.settings)
        if "recipe" not in inspect.signature(self.cls).parameters or predictor.recipe is None:
            return predictor
        recipe = dataclasses.replace(predictor.recipe, epochs=EPOCHS)
        return self.cls(**{**self.settings, "recipe": recipe})

    def task(self, support_seed: int = 0) -> Task:
        """Make an identical toy task of five classes each time, with its own CLIP and the optional fields in `wants`."""
        wants = self.make().wants
        return toy_task(self.spaces, classes=CLASSES, support_seed=support_seed, clip=toy_clip(), wants=wants)

    def fit(self, task: Task | None = None) -> Predictor:
        """Construct a new predictor and fit it on `task`, by default a new toy task."""
        predictor = self.make()
        predictor.fit(self.task() if task is None else task)
        return predictor

    @cached_property
    def spaces(self) -> tuple[str, ...]:
        """Names of the usual feature spaces and of those that the predictor reads."""
        return tuple(dict.fromkeys(("clip", "mocov3", "dino", *self.make().reads)))

    @property
    def images(self) -> Features:
        """Features of ten images to score, only in the spaces in the predictor's `reads`."""
        return toy_samples(self.make().reads, classes=CLASSES, shots=2, seed=77).view()

    @cached_property
    def fitted(self) -> Predictor:
        """One fitted predictor for the clauses that do not change it."""
        return self.fit()


class Spy(Mapping[str, Tensor]):
    """Features that record in `asked` which spaces are read.

    Args:
        features: Features by feature space.
    """

    def __init__(self, features: Features) -> None:
        self.features = features
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Tensor:
        """Features of one space, whose name is recorded."""
        self.asked.add(name)
        return self.features[name]

    def __iter__(self) -> Iterator[str]:
        """Names of the spaces."""
        return iter(self.features)

    def __len__(self) -> int:
        """Number of spaces."""
        return len(self.features)


class SpyTask(Task):
    """A task that records in `asked` which of its optional fields are read."""

    def __getattribute__(self, name: str) -> Any:
        """Read a field; the name of an optional one is recorded in `asked`."""
        if name in OPTIONAL:
            self.__dict__.setdefault("asked", set()).add(name)
        return super().__getattribute__(name)


def spied(task: Task) -> SpyTask:
    """Make a copy of a task that records which optional fields are read from now on."""
    spy = SpyTask(**{field.name: getattr(task, field.name) for field in dataclasses.fields(task)})
    spy.__dict__["asked"] = set()
    return spy


@torch.no_grad()
def scored(predictor: Predictor, images: Features) -> Scores:
    """Compute scores as the harness does: in eval mode, without gradients."""
    return predictor.eval().scores(images)


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies of the tensors, detached."""
    return {name: value.detach().clone() for name, value in tensors.items()}


def changed(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that were added, removed or changed."""
    return [
        name
        for name in {**before, **after}
        if name not in before or name not in after or not torch.equal(before[name], after[name])
    ]


def close(a: Tensor, b: Tensor) -> bool:
    """Whether logits are equal up to rounding: within 1e-4, relative and absolute."""
    return torch.allclose(a, b, rtol=1e-4, atol=1e-4)


def given(task: Task, images: Features) -> dict[str, Tensor]:
    """All tensors that a predictor is given, by names for error messages."""
    tensors = {"task.text": task.text}
    if task.sentences is not None:
        tensors["task.sentences"] = task.sentences
    for part, samples in (("support", task.support), ("val", task.val), ("generated", task.generated)):
        if samples is not None:
            tensors[f"task.{part}.labels"] = samples.labels
            tensors |= {f"task.{part}.spaces[{k!r}]": v for k, v in samples.spaces.items()}
    return tensors | {f"x[{name!r}]": value for name, value in images.items()}


def random_states() -> tuple[object, ...]:
    """Global random states of Python, NumPy and torch in a form that can be compared."""
    numpy_state = np.random.get_state(legacy=False)
    return random.getstate(), str(numpy_state), torch.get_rng_state().tolist()
