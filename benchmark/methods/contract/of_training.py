"""Clauses on fitting: what is trained, what follows the seed, what stays behind."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

from benchmark.core import warned
from benchmark.methods import sealed, training
from benchmark.methods.contract.breach import Breach
from benchmark.methods.contract.subject import OTHER, Subject, changed, scored
from benchmark.methods.samples import Samples
from benchmark.methods.sealed import Sealed, sealing

GENERATORS = (
    (torch, "Generator"),
    (random, "Random"),
    *((np.random, name) for name in ("default_rng", "RandomState", "PCG64", "MT19937", "Philox", "SFC64")),
)
"""Makers of random generators."""

GENERATOR = torch.Generator

SEEDS = (1, 1_000_003)
"""Two seeds that are so far apart that none is the other with something added."""


def parameters_are_trained(subject: Subject) -> None:
    """Exactly the trained tensors are parameters: training changes every parameter and no buffer."""
    built = subject.make()
    built.build(subject.task())
    parameters, buffers = dict(subject.fitted.named_parameters()), dict(subject.fitted.named_buffers())
    start = dict(built.named_parameters())
    if start.keys() != parameters.keys():
        raise Breach("fit has other parameters than build")
    for name, parameter in parameters.items():
        if not parameter.requires_grad:
            raise Breach(f"parameter {name} wants no gradient; what is not trained is a buffer")
        if torch.equal(parameter, start[name]):
            raise Breach(f"parameter {name} is not trained; what is not trained is a buffer")
    for name in changed(dict(built.named_buffers()), buffers):
        raise Breach(f"training changed buffer {name}; what is trained is a parameter")


def eval_after_fit(subject: Subject) -> None:
    """After fit the predictor is in eval mode."""
    if subject.watched.training:
        raise Breach("fit ended in training mode")


def no_graph_kept(subject: Subject) -> None:
    """After fit no gradient graph is alive, which would keep the features of every batch."""
    if subject.watched.graphs:
        raise Breach(f"{subject.watched.graphs} tensors with a gradient graph are alive after fit; detach what is kept")


def fitted_anew(subject: Subject) -> None:
    """A predictor that is fitted again is the one fitted for the first time."""
    predictor = subject.fit()
    predictor.fit(subject.task(OTHER))
    if not torch.equal(scored(predictor, subject.images).fused, scored(subject.other, subject.images).fused):
        raise Breach("fitted for a second time it is another than fitted for the first; build makes everything anew")


class _Watch:
    """Somebody who watches a training and holds sealed labels, as the harness does."""

    def __init__(self, subject: Subject) -> None:
        self.images = subject.images
        self.sets = {"test": Sealed(Samples({name: x[None] for name, x in self.images.items()}, torch.arange(10) // 2))}
        self.seen: list[Tensor] = []

    def watch(self, predictor: Any) -> None:
        """Note the logits."""
        self.seen.append(predictor.scores(self.images).fused)


def milestones(subject: Subject) -> None:
    """Fitting runs the epoch-end callback, the last time in the fitted state, and the callback does not change the result."""
    watch = _Watch(subject)
    with sealing(), training.watching(watch.watch):
        watched = subject.fit()
    if not watch.seen:
        raise Breach("fit passed no milestone; end it with training.milestone(self)")
    if not torch.equal(watch.seen[-1], scored(watched, subject.images).fused):
        raise Breach("the last milestone is not the fitted state")
    if not torch.equal(watch.seen[-1], scored(subject.fitted, subject.images).fused):
        raise Breach("being watched changed the result")


def labels_not_asked_for(subject: Subject) -> None:
    """Fitting and scoring ask nobody for the labels of test images or for a data set."""
    watch = _Watch(subject)
    with warned.heard() as heard, sealing(), training.watching(watch.watch):
        scored(subject.fit(), subject.images)
    for line in heard.lines:
        if sealed.ASKED in line:
            raise Breach(line)


def deterministic(subject: Subject) -> None:
    """Equal seeds give equal results for any global random state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        again = scored(subject.fit(), subject.images).fused
    if not torch.equal(again, scored(subject.fitted, subject.images).fused):
        raise Breach("two fits at one seed differ; draw from task.generator()")


def seed_is_followed(subject: Subject) -> None:
    """Whatever draws random numbers is seeded by the task: no generator is alike for two seeds of the task."""
    drawn = []
    for seed in SEEDS:
        task = subject.task(seed=seed)
        with _generators() as made:
            subject.fit(task)
        drawn.append({name() for name in made})
    for name in sorted(drawn[0] & drawn[1]):
        raise Breach(f"{name} is alike for every seed of the task; draw from task.generator()")


@contextmanager
def _generators() -> Iterator[list[Callable[[], str]]]:
    """Within the context, note every random generator that is made, as a function that names it and its seed."""
    made: list[Callable[[], str]] = []
    with ExitStack() as patches:
        for module, name in GENERATORS:
            noting = _noting(getattr(module, name), f"{module.__name__}.{name}", made)
            patches.enter_context(patch.object(module, name, noting))
        yield made


def _noting(real: Any, words: str, made: list[Callable[[], str]]) -> Any:
    """A stand-in for a class of generators, or a function that makes them, which notes what it makes."""

    def make(*arguments: Any, **named: Any) -> Any:
        generator = real(*arguments, **named)
        if isinstance(generator, GENERATOR):
            made.append(lambda: f"{words} with seed {generator.initial_seed()}")
        else:
            made.append(lambda: f"{words}({', '.join(map(repr, (*arguments, *named.values())))})")
        return generator

    if not isinstance(real, type):
        return make
    instances = {
        "__instancecheck__": lambda _, thing: isinstance(thing, real),
        "__call__": lambda _, *a, **k: make(*a, **k),
    }
    return type("Noting", (type(real),), instances)(real.__name__, (real,), {})
