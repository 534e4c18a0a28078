"""Clauses on what a predictor is given: the task, its fields, its images, and CLIP."""

from dataclasses import replace

import torch
from torch import Tensor

from benchmark.methods import training
from benchmark.methods.contract.breach import Breach
from benchmark.methods.contract.subject import Spy, Subject, changed, copied, scored, spied
from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import OPTIONAL, Features, Samples, Task


def reads_what_it_says(subject: Subject) -> None:
    """`fit` and `scores` read exactly the feature spaces in `reads`, and `scores` no labels."""
    spy, reads = Spy(subject.images), subject.fitted.reads
    scored(subject.fitted, spy)
    if unknown := sorted(spy.asked - set(reads)):
        raise Breach(f"scores(x) asked for {unknown[0]!r}, which `reads` does not name")
    if idle := sorted(set(reads) - spy.asked):
        raise Breach(f"`reads` names {idle[0]!r}, which scores(x) does not look up")
    task = subject.task()
    parts = [part and part.only(reads) for part in (task.val, task.generated)]
    try:
        subject.fit(replace(task, support=task.support.only(reads), val=parts[0], generated=parts[1]))
    except KeyError as error:
        raise Breach(f"fit asked for {error}, which `reads` does not name") from error


def wants_what_it_says(subject: Subject) -> None:
    """Fitting uses exactly the optional fields of the task that `wants` lists."""
    wants = set(subject.make().wants)
    if unknown := sorted(wants - set(OPTIONAL)):
        raise Breach(f"`wants` names {unknown[0]!r}; a task may carry {', '.join(OPTIONAL)}")
    task = spied(subject.task())
    subject.fit(task)
    if unsaid := sorted(task.asked - wants):
        raise Breach(f"fit asked for task.{unsaid[0]}, which `wants` does not name")
    if idle := sorted(wants - task.asked):
        raise Breach(f"`wants` names {idle[0]!r}, which fit does not ask for")


def inputs_untouched(subject: Subject) -> None:
    """Neither fit nor scores changes its inputs, nor does prepare, match or combine."""
    for name in subject.watched.inputs:
        raise Breach(f"{name} was changed")
    x: Features = subject.images
    for step in ("prepare", "match", "combine"):
        before = copied(x)
        with torch.no_grad():
            found = getattr(subject.fitted, step)(x)
        for name in changed(before, x):
            raise Breach(f"{step} changed its {name!r}")
        x = found


def clip_untouched(subject: Subject) -> None:
    """Fitting leaves CLIP unchanged: its weights, its eval mode, no gradients, no hooks, its tokenizer."""
    for thing in subject.watched.left.clip:
        raise Breach(f"fit left {thing} changed")


def validation_not_learnt(subject: Subject) -> None:
    """Validation images are not learnt: training is alike without them; a method without a recipe may choose by them."""
    task = subject.task()
    assert task.val is not None
    bare = subject.fit(replace(task, val=None))
    if _alike(bare, subject.fitted):
        return
    if subject.make().recipe is not None:
        raise Breach("fitted without validation images it is another; choosing on them is the harness's business")
    noise = torch.Generator().manual_seed(1)
    moved = {name: _moved(x, noise) for name, x in task.val.spaces.items()}
    if not _alike(subject.fit(replace(task, val=Samples(moved, task.val.labels))), subject.fitted):
        raise Breach("fitted with validation images that are hardly others it is another: it learns from them")
    first, *_ = _candidates(subject, task)
    *candidates, chosen = _candidates(subject, replace(task, val=Samples(task.val.spaces, task.val.labels.roll(1))))
    if not candidates or changed(first, candidates[0]) or all(changed(chosen, one) for one in candidates):
        raise Breach("with other labels of the validation images it chooses among other states: it learns from them")


def _moved(x: Tensor, noise: torch.Generator) -> Tensor:
    """Images moved by a thousandth, which changes no answer and everything that is computed from them."""
    return x + 1e-3 * torch.randn(x.shape, generator=noise) if x.is_floating_point() else x


def _candidates(subject: Subject, task: Task) -> list[dict[str, Tensor]]:
    """States at the milestones of a fit."""
    seen: list[dict[str, Tensor]] = []
    with training.watching(lambda predictor: seen.append(copied(predictor.state_dict()))):
        subject.fit(task)
    return seen


def _alike(one: Predictor, other: Predictor) -> bool:
    """Whether two predictors have equal states."""
    return not changed(one.state_dict(), other.state_dict())
