"""The training loop of all methods, with a callback at the end of every epoch.

Epoch e trains on view e mod V of the support set. The harness sets the epoch-end callback by `watching` to score the
predictor's current state. The predictor has no access to the callback or its results.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from benchmark.core.errors import BenchError
from benchmark.methods.recipe import Recipe
from benchmark.numerics.adamw import Adam, AdamW
from benchmark.numerics.sgd import SGD

if TYPE_CHECKING:
    from benchmark.methods.predictor import Predictor
    from benchmark.methods.samples import Features, Samples, Task

ADAPTIVE: Mapping[str, type[AdamW]] = {"adamw": AdamW, "adam": Adam}
"""Name of an optimiser with moments -> its class."""

Watcher = Callable[["Predictor"], None]
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Within the context, call `watcher(predictor)` at the end of each epoch of any predictor that is trained."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def milestone(predictor: "Predictor") -> None:
    """Run the epoch-end callback, if one is set, in eval mode: after an epoch or after one fit of a search."""
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
    """Train a predictor's parameters on the support set and leave the predictor in eval mode.

    Within torch.inference_mode() nothing can be trained, and a BenchError says so; within torch.no_grad() it trains.

    Args:
        predictor: Predictor after `build`.
        task: Task with the support set and the seed of the batches.
        recipe: Optimiser, schedule and epochs.
        also: Further samples. An epoch is one pass over the support set followed by one over each of these, in separate
            batches; the learning rate schedule counts all steps.
        last_only: Whether the epoch-end callback runs after the last epoch only, for a method that is slow to score and
            whose published result is that of the last epoch.
    """
    with _gradients(predictor):
        _run(predictor, task, recipe, also, last_only)


def by_epochs(predictor: "Predictor", epochs: Iterable[None]) -> None:
    """Train a predictor by steps of its own, with a milestone after every epoch, and leave it in eval mode.

    Within torch.inference_mode() nothing can be trained, and a BenchError says so; within torch.no_grad() it trains.

    Args:
        predictor: Predictor after `build`.
        epochs: Iterator that makes the steps of one epoch before each of its values.
    """
    with _gradients(predictor):
        predictor.train()
        for _ in epochs:
            milestone(predictor)
    predictor.eval()


@contextmanager
def _gradients(predictor: "Predictor") -> Iterator[None]:
    """Within the context, record gradients; BenchError within torch.inference_mode()."""
    if torch.is_inference_mode_enabled():
        raise BenchError(
            f"{type(predictor).__name__} is fitted within torch.inference_mode(), whose tensors have no gradients;"
            " fit it outside, and score it within"
        )
    with torch.enable_grad():
        yield


def _run(predictor: "Predictor", task: "Task", recipe: Recipe, also: Sequence["Samples"], last_only: bool) -> None:
    """Train with gradients enabled."""
    from benchmark.methods.samples import Batch, taken

    parameters = [p for p in predictor.parameters() if p.requires_grad]
    update = _stepper(parameters, recipe)
    parts = [samples.only(predictor.reads) for samples in (task.support, *also)]
    generator = task.generator()
    predictor.train()
    for epoch in range(recipe.epochs):
        batches = [batch for part in parts for batch in _epoch(predictor, part, epoch, recipe, generator)]
        for step, (x, labels, index) in enumerate(batches):
            loss = predictor.loss(Batch(taken(x, index), labels[index]))
            for parameter in parameters:
                parameter.grad = None  # ten times as fast as optimizer.zero_grad(), which counts in steps this short
            loss.backward()
            update(recipe.lr_at(epoch, step, len(batches)))
        if not last_only or epoch == recipe.epochs - 1:
            milestone(predictor)
    predictor.eval()


def _epoch(
    predictor: "Predictor", samples: "Samples", epoch: int, recipe: Recipe, generator: torch.Generator
) -> list[tuple["Features", Tensor, Tensor]]:
    """Batches of an epoch: prepared features of all images of its view, all labels, and indices of the batch's images."""
    from benchmark.methods.samples import prepared

    with torch.no_grad():
        x = prepared(predictor.prepare, samples.view(epoch), samples.labels.device)
    batches = _batches(len(samples), recipe, generator, samples.labels.device)
    return [(x, samples.labels, index) for index in batches]


def _batches(n: int, recipe: Recipe, generator: torch.Generator, device: torch.device) -> list[Tensor]:
    """Shuffled batches of n images as index tensors, drawn on the CPU so that the order is equal on every device."""
    batches = list(torch.randperm(n, generator=generator).to(device).split(recipe.batch_size))
    if recipe.drop_last and len(batches) > 1 and len(batches[-1]) < recipe.batch_size:
        batches.pop()
    return batches


def _stepper(parameters: list[nn.Parameter], recipe: Recipe) -> Callable[[float], None]:
    """Make the function that updates the parameters by their gradients at a given learning rate."""
    if recipe.optimizer in ADAPTIVE:
        return ADAPTIVE[recipe.optimizer](parameters, eps=recipe.eps, weight_decay=recipe.weight_decay).step
    return SGD(parameters, momentum=recipe.momentum, weight_decay=recipe.weight_decay).step
