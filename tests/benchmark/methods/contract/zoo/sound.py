"""A method that keeps the contract, from which every method of the zoo is derived, and the list of those."""

from collections.abc import Callable
from typing import ClassVar, TypeVar

import torch
from torch import nn

from baselines.zero_shot import TextClassifier
from benchmark.methods import Features, Predictor, Recipe, Scores, Task

RECIPE = Recipe(lr=0.1, epochs=3, batch_size=4)
Class = TypeVar("Class", bound=type[Predictor])

BROKEN: list[tuple[type[Predictor], str]] = []
"""Methods with a fault, each with the clause that notices it."""

UNSEEN: list[tuple[type[Predictor], str]] = []
"""Methods with a fault that no clause can see, each with the word for the reason (`clauses.UNSEEN`)."""


def breaks(clause: str) -> Callable[[Class], Class]:
    """Enter a method with the clause that it breaks."""

    def enter(cls: Class) -> Class:
        BROKEN.append((cls, clause))
        return cls

    return enter


def escapes(word: str) -> Callable[[Class], Class]:
    """Enter a method that no clause can see, with the word for the reason."""

    def enter(cls: Class) -> Class:
        UNSEEN.append((cls, word))
        return cls

    return enter


class Good(Predictor):
    """A linear bias on CLIP features."""

    tunes: ClassVar = {"beta": (0.5, 2.0)}
    weight: nn.Parameter

    def __init__(self, *, beta: float = 1.0, recipe: Recipe = RECIPE) -> None:
        super().__init__()
        self.beta = beta
        self.recipe = recipe

    def build(self, task: Task) -> None:
        self.classifier = TextClassifier(task)
        drawn = torch.randn(task.text.shape, generator=task.generator())
        self.weight = nn.Parameter(0.1 * drawn.to(task.text))

    def scores(self, x: Features) -> Scores:
        s0 = self.classifier(x["clip"])
        bias = x["clip"] @ self.weight.T
        return Scores(s0, bias, s0 + self.beta * bias)

    def scaled(self, s: Scores, factor: float | torch.Tensor) -> Scores:
        """Scores with another bias: what many of the zoo do in the wrong place."""
        bias = factor * s.bias
        return Scores(s.zero_shot, bias, s.zero_shot + self.beta * bias)
