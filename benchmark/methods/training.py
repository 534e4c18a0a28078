"""The one training loop.

Epoch e trains on view e mod V of the support set. After every epoch the state is a milestone: whoever watches
(the harness does, with `watching`) may score it. The predictor cannot see the watcher, and learns nothing from it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from benchmark.methods.recipe import Recipe
from benchmark.numerics.adamw import AdamW

if TYPE_CHECKING:
    from benchmark.methods.predictor import Predictor
    from benchmark.methods.samples import Features, Samples, Task

Watcher = Callable[["Predictor"], None]
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """While this lasts, `watcher(predictor)` is called at every milestone of whatever is trained."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def milestone(predictor: "Predictor") -> None:
    """Say that the predictor is in a state worth scoring: after an epoch, or after one point of a search."""
    watcher = _watcher.get()
    if watcher is None:
        return
    training = predictor.training
    predictor.eval()
    with torch.no_grad():
        watcher(predictor)
    predictor.train(training)


def run(
    predictor: "Predictor", task: "Task", recipe: Recipe, also: Sequence["Samples"] = (), *, last_only: bool = False
) -> None:
    """Train the predictor's parameters on task.support by the recipe, and leave it in eval mode.

    also: more samples; an epoch is one pass over the support set and then one over each of them, in batches of their own,
    and the cosine runs over all of these steps.
    last_only: the end is the only milestone, for a method that is slow to score and published at its last epoch.
    """
    from benchmark.methods.samples import Batch

    parameters = [p for p in predictor.parameters() if p.requires_grad]
    update = _stepper(parameters, recipe)
    parts = [samples.only(predictor.reads) for samples in (task.support, *also)]
    generator = task.generator()
    predictor.train()
    for epoch in range(recipe.epochs):
        batches = [batch for part in parts for batch in _epoch(predictor, part, epoch, recipe, generator)]
        for step, (x, labels, index) in enumerate(batches):
            loss = predictor.loss(Batch({name: value[index] for name, value in x.items()}, labels[index]))
            for parameter in parameters:
                parameter.grad = None  # what optimizer.zero_grad() does, in a tenth of its time: these steps are small
            loss.backward()
            update(recipe.lr_at(epoch, step, len(batches)))
        if not last_only or epoch == recipe.epochs - 1:
            milestone(predictor)
    predictor.eval()


def _epoch(
    predictor: "Predictor", samples: "Samples", epoch: int, recipe: Recipe, generator: torch.Generator
) -> list[tuple["Features", Tensor, Tensor]]:
    """An epoch's batches: all images of the epoch's view, prepared once, their labels, and the batch's places among them."""
    with torch.no_grad():
        x = predictor.prepare(samples.view(epoch))
    batches = _batches(len(samples), recipe, generator, samples.labels.device)
    return [(x, samples.labels, index) for index in batches]


def _batches(n: int, recipe: Recipe, generator: torch.Generator, device: torch.device) -> list[Tensor]:
    """A shuffled epoch of n images as index tensors: drawn on the CPU, so that a seed means the same order everywhere."""
    batches = list(torch.randperm(n, generator=generator).to(device).split(recipe.batch_size))
    if recipe.drop_last and len(batches) > 1 and len(batches[-1]) < recipe.batch_size:
        batches.pop()
    return batches


def _stepper(parameters: list[nn.Parameter], recipe: Recipe) -> Callable[[float], None]:
    """What makes a step of the parameters by their gradients, given the learning rate."""
    if recipe.optimizer == "adamw":
        return AdamW(parameters, eps=recipe.eps, weight_decay=recipe.weight_decay).step
    sgd = torch.optim.SGD(parameters, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)

    def step(lr: float) -> None:
        for group in sgd.param_groups:
            group["lr"] = lr
        sgd.step()

    return step
