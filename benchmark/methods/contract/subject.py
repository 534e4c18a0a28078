"""The predictor under test with its toy tasks and images, and the comparisons that the contract's clauses use."""

import dataclasses
import gc
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from benchmark.core.digest import Json
from benchmark.methods.contract.breach import Breach
from benchmark.methods.contract.toy import toy_clip, toy_samples, toy_task
from benchmark.methods.guest.visit import visit
from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import OPTIONAL, Features, Scores, Task

EPOCHS = 2
CLASSES = 5
OTHER = 5
"""Seed of another support set."""


class Subject:
    """The predictor class under test; tasks, images and predictors are created anew at each access, unless it says otherwise.

    Args:
        cls: Predictor class.
        settings: Constructor arguments.
    """

    def __init__(self, cls: type[Predictor], settings: Json) -> None:
        self.cls = cls
        self.settings = settings
        self.elsewhere: Callable[[], Sequence[Any]] | None = None
        """Waits for fits in other processes, once they are begun."""

    def make(self, **training: Any) -> Predictor:
        """Construct a new predictor whose recipe has two epochs, or other training settings."""
        predictor = self.cls(**self.settings)
        if not self.has_recipe or predictor.recipe is None:
            return predictor
        recipe = dataclasses.replace(predictor.recipe, **{"epochs": EPOCHS, **training})
        return self.cls(**{**self.settings, "recipe": recipe})

    @property
    def has_recipe(self) -> bool:
        """Whether a recipe is an argument of the constructor."""
        return "recipe" in inspect.signature(self.cls).parameters

    def task(self, support_seed: int = 0, classes: int = CLASSES, **more: Any) -> Task:
        """Make an identical toy task each time, with its own CLIP and the optional fields in `wants`; see `toy_task`."""
        wants = self.make().wants
        return toy_task(self.spaces, classes, support_seed=support_seed, clip=toy_clip(), wants=wants, **more)

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
        return self.images_of(CLASSES, 2)

    def images_of(self, classes: int, each: int, seed: int = 77) -> Features:
        """Features of other images: `each` of every class, only in the spaces in the predictor's `reads`."""
        return toy_samples(self.make().reads, classes, each, seed=seed).view()

    @cached_property
    def watched(self) -> "Watched":
        """One fit with all that changed meanwhile; made once."""
        return Watched(self)

    @property
    def fitted(self) -> Predictor:
        """One fitted predictor for the clauses that do not change it; fitted once."""
        return self.watched.predictor

    @cached_property
    def other(self) -> Predictor:
        """A predictor fitted on another support set, for the clauses that do not change it; fitted once."""
        return self.fit(self.task(OTHER))


class Watched:
    """A predictor constructed, fitted and asked for scores, and what changed meanwhile.

    Attributes:
        predictor: Fitted predictor.
        training: Whether a module was in training mode after fit.
        declared: Names of declarations that fit changed.
        inputs: Names of inputs that fit or scores changed.
        graphs: Number of tensors with a gradient graph that are alive since.
        left: Other things that were left changed.
    """

    def __init__(self, subject: Subject) -> None:
        task, images = subject.task(), copied(subject.images)
        before, plain = copied(given(task, images)), unlike_tensors(task)
        with visit(subject.cls.__name__, task.clip) as self.left:
            self.predictor = subject.make()
            declared = declarations(self.predictor)
            with tensors_since() as alive:
                self.predictor.fit(task)
                self.graphs = sum(tensor.grad_fn is not None for tensor in alive())
            self.training = any(module.training for module in self.predictor.modules())
            scored(self.predictor, images)
        self.declared = [name for name, value in declarations(self.predictor).items() if value != declared[name]]
        now = unlike_tensors(task)
        self.inputs = [*changed(before, given(task, images)), *(name for name in plain if plain[name] != now[name])]


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
    """Compute scores as the harness does: in eval mode, without gradients; Breach where they are no Scores."""
    found: object = predictor.eval().scores(images)
    if not isinstance(found, Scores):
        raise Breach(f"scores(x) must return Scores(zero_shot, bias, fused), got {type(found).__name__}")
    return found


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
    for name in ("sentences", "text_norms"):
        if (value := getattr(task, name)) is not None:
            tensors[f"task.{name}"] = value
    for part, samples in (("support", task.support), ("val", task.val), ("generated", task.generated)):
        if samples is not None:
            tensors[f"task.{part}.labels"] = samples.labels
            tensors |= {f"task.{part}.spaces[{k!r}]": v for k, v in samples.spaces.items()}
    return tensors | {f"x[{name!r}]": value for name, value in images.items()}


def unlike_tensors(task: Task) -> Json:
    """All else that a predictor is given: names of classes and of feature spaces, and the fields that are numbers."""
    parts = {part: getattr(task, part) for part in ("support", "val", "generated")}
    spaces = {f"task.{name}.spaces": list(samples.spaces) for name, samples in parts.items() if samples is not None}
    numbers = {"task.seed": task.seed, "task.logit_scale": task.logit_scale}
    return {"task.classnames": list(task.classnames), **spaces, **numbers}


def declarations(predictor: Predictor) -> Json:
    """Settings and declared attributes of a predictor, as text."""
    names = ("reads", "wants", "recipe", "tunes", "crops", "released", "note")
    return {"settings": repr(predictor.settings()), **{name: repr(getattr(predictor, name)) for name in names}}


@contextmanager
def tensors_since() -> Iterator[Callable[[], list[Tensor]]]:
    """Within the context, list the tensors that were made since it began and are alive."""

    def alive() -> list[Tensor]:
        gc.collect()
        return [thing for thing in gc.get_objects() if issubclass(type(thing), Tensor)]

    gc.freeze()  # whatever there is so far is looked at no more
    try:
        yield alive
    finally:
        gc.unfreeze()


def fused(predictor: Predictor, images: Features) -> Tensor:
    """Fused logits as the harness computes them, in three steps."""
    with torch.no_grad():
        return predictor.combine(predictor.match(predictor.prepare(images))).fused


def some(images: Features, index: slice | list[int]) -> Features:
    """Features of some images."""
    return {space: x[index] for space, x in images.items()}
