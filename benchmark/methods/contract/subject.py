"""A predictor on trial: the toy world that the contract's clauses try it in, and what they compare with."""

import dataclasses
import inspect
import random
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.methods.contract.toy import toy_clip, toy_samples, toy_task
from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import OPTIONAL, Features, Scores, Task

EPOCHS = 2
CLASSES = 5


class Subject:
    """The class on trial with its settings. Tasks, images and predictors are new each time, but for `fitted`."""

    def __init__(self, cls: type[Predictor], settings: Mapping[str, Any]) -> None:
        self.cls = cls
        self.settings = settings

    def make(self) -> Predictor:
        """Construct a new predictor, with its recipe cut to two epochs."""
        predictor = self.cls(**self.settings)
        if "recipe" not in inspect.signature(self.cls).parameters or predictor.recipe is None:
            return predictor
        recipe = dataclasses.replace(predictor.recipe, epochs=EPOCHS)
        return self.cls(**{**self.settings, "recipe": recipe})

    def task(self, support_seed: int = 0) -> Task:
        """A toy task of five classes, the same each time, with a CLIP of its own and the optional fields wanted."""
        wants = self.make().wants
        return toy_task(self.spaces, classes=CLASSES, support_seed=support_seed, clip=toy_clip(), wants=wants)

    def fit(self, task: Task | None = None) -> Predictor:
        """A new predictor, fitted."""
        predictor = self.make()
        predictor.fit(self.task() if task is None else task)
        return predictor

    @cached_property
    def spaces(self) -> tuple[str, ...]:
        """The usual feature spaces and what else the predictor reads."""
        return tuple(dict.fromkeys(("clip", "mocov3", "dino", *self.make().reads)))

    @property
    def images(self) -> Features:
        """Ten images to be scored, in the spaces that the predictor says it reads and in no other."""
        return toy_samples(self.make().reads, classes=CLASSES, shots=2, seed=77).view()

    @cached_property
    def fitted(self) -> Predictor:
        """One fitted predictor for the clauses that only look."""
        return self.fit()


class Spy(Mapping[str, Tensor]):
    """Features that remember which spaces were asked for."""

    def __init__(self, features: Features) -> None:
        self.features = features
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Tensor:
        """One space, noted."""
        self.asked.add(name)
        return self.features[name]

    def __iter__(self) -> Iterator[str]:
        """The spaces' names."""
        return iter(self.features)

    def __len__(self) -> int:
        """How many spaces there are."""
        return len(self.features)


class SpyTask(Task):
    """A task that remembers which of its optional fields were asked for."""

    def __getattribute__(self, name: str) -> Any:
        """Any field; an optional one is noted in `asked`."""
        if name in OPTIONAL:
            self.__dict__.setdefault("asked", set()).add(name)
        return super().__getattribute__(name)


def spied(task: Task) -> SpyTask:
    """The same task under observation, with nothing asked for yet."""
    spy = SpyTask(**{field.name: getattr(task, field.name) for field in dataclasses.fields(task)})
    spy.__dict__["asked"] = set()
    return spy


@torch.no_grad()
def scored(predictor: Predictor, images: Features) -> Scores:
    """Scores as the harness asks for them: in eval mode, without gradients."""
    return predictor.eval().scores(images)


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The values as they are now."""
    return {name: value.detach().clone() for name, value in tensors.items()}


def changed(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[str]:
    """The names that are new, gone or have another value."""
    return [
        name
        for name in {**before, **after}
        if name not in before or name not in after or not torch.equal(before[name], after[name])
    ]


def close(a: Tensor, b: Tensor) -> bool:
    """Whether logits are equal but for rounding: to 1e-4, relative and absolute."""
    return torch.allclose(a, b, rtol=1e-4, atol=1e-4)


def given(task: Task, images: Features) -> dict[str, Tensor]:
    """Every tensor that a predictor is handed, by a name that a reader can find."""
    tensors = {"task.text": task.text}
    if task.sentences is not None:
        tensors["task.sentences"] = task.sentences
    for part, samples in (("support", task.support), ("val", task.val), ("generated", task.generated)):
        if samples is not None:
            tensors[f"task.{part}.labels"] = samples.labels
            tensors |= {f"task.{part}.spaces[{k!r}]": v for k, v in samples.spaces.items()}
    return tensors | {f"x[{name!r}]": value for name, value in images.items()}


def random_states() -> tuple[Any, ...]:
    """The global random states of Python, NumPy and torch, comparable."""
    numpy_state = np.random.get_state(legacy=False)
    return random.getstate(), str(numpy_state), torch.get_rng_state().tolist()
