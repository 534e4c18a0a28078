"""Clauses on scores: their form, and what the scores of an image may depend on."""

from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from benchmark.methods.contract.breach import Breach
from benchmark.methods.contract.subject import CLASSES, Subject, close, fused, scored, some, tensors_since
from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import Features, Samples, Scores, Task
from benchmark.methods.scoring import PART
from benchmark.numerics.logits import cosine_logits

MANY_CLASSES = 1001
"""More classes than ImageNet has."""

ROUNDS = 4
"""How often new images are scored, for things that are kept of each to show."""


def scores_are_logits(subject: Subject) -> None:
    """Scores are three finite float32 tensors [B, C], and forward returns the fused logits."""
    images = subject.images
    s = scored(subject.fitted, images)
    _check_form(s, 2 * CLASSES, CLASSES)
    with torch.no_grad():
        if not torch.equal(subject.fitted(images), s.fused):
            raise Breach("forward(x) is not scores(x).fused")


def _check_form(s: Scores, images: int, classes: int) -> None:
    """Check the type, the shape and the values of scores."""
    if not isinstance(s, Scores):
        raise Breach(f"scores(x) returns a {type(s).__name__}, not Scores")
    for name, logits in vars(s).items():
        if list(logits.shape) != [images, classes]:
            raise Breach(f"{name} has shape {list(logits.shape)}, expected {[images, classes]}")
        if logits.dtype != torch.float32:
            raise Breach(f"{name} is {logits.dtype}, expected torch.float32")
        if not logits.isfinite().all():
            raise Breach(f"{name} is not finite")


def zero_shot_is_clip(subject: Subject) -> None:
    """`zero_shot` are the logits of zero-shot CLIP: logit scale times the cosines of the images with the task's texts."""
    if "clip" in subject.images:
        _check_zero_shot(scored(subject.fitted, subject.images), subject.images, subject.task())


def _check_zero_shot(s: Scores, images: Features, task: Task) -> None:
    """Check that the zero-shot logits are those of the templates, or of the sentences where the method wants them."""
    texts = [text for text in (task.text, task.sentences) if text is not None]
    if not any(close(s.zero_shot, cosine_logits(images["clip"], text, task.logit_scale)) for text in texts):
        raise Breach(
            "zero_shot are not the logits of zero-shot CLIP, task.logit_scale times the cosines with task.text"
        )


def fused_is_a_sum(subject: Subject) -> None:
    """The fused logits are zero_shot + w · bias with one weight w per image."""
    _check_sum(scored(subject.fitted, subject.images))


def _check_sum(s: Scores) -> None:
    rest, bias = (s.fused - s.zero_shot).double(), s.bias.double()
    weight = (rest * bias).sum(1) / bias.square().sum(1).clamp_min(1e-30)
    if not close(weight[:, None] * bias, rest):
        raise Breach("fused - zero_shot is no multiple of bias")


def alone(subject: Subject) -> None:
    """The scores of an image depend neither on the other images of its batch nor on its position among them."""
    together = scored(subject.fitted, subject.images).fused
    n = len(together)
    for index in [[i] for i in range(n)] + [list(reversed(range(n)))]:
        if not close(scored(subject.fitted, some(subject.images, index)).fused, together[index]):
            raise Breach("an image has other logits in another batch")


def in_large_batches(subject: Subject) -> None:
    """Images have the same scores in the batches that the harness scores, of 1,000, as in small and odd ones."""
    images = subject.images_of(CLASSES, PART // CLASSES)
    whole = fused(subject.fitted, images)
    for part in (slice(0, 1), slice(1, 8), slice(8, 40), slice(500, 633), slice(PART - 1, PART)):
        if not close(fused(subject.fitted, some(images, part)), whole[part]):
            raise Breach(f"in a batch of {PART} an image has other logits than in one of {part.stop - part.start}")


def scored_again(subject: Subject) -> None:
    """Images have the same scores whenever they are scored: again, after others, with gradients, and in a used tensor."""
    images = subject.images  # kept, so that no other images are made at their address
    first = scored(subject.fitted, images).fused
    others = subject.images_of(CLASSES, 2, seed=78)
    apart = scored(subject.fitted, others).fused
    if not close(subject.fitted.scores(images).fused.detach(), first):
        raise Breach("scored with gradients images have other logits than without")
    if not torch.equal(scored(subject.fitted, images).fused, first):
        raise Breach("scored again, after other images, images have other logits")
    for name, x in images.items():
        x.copy_(others[name])
    if not torch.equal(scored(subject.fitted, images).fused, apart):
        raise Breach("other images in the same tensor have the logits of those before")


def keeps_no_images(subject: Subject) -> None:
    """Scoring keeps nothing that grows with the images that were scored."""
    counts = []
    predictor = subject.fitted
    with tensors_since() as alive:
        for turn in range(ROUNDS):
            scored(predictor, subject.images_of(CLASSES, 2, seed=100 + turn))
            counts.append(len(alive()))
    if all(later > earlier for earlier, later in pairwise(counts)):
        raise Breach(f"more tensors are alive after each scoring: {', '.join(map(str, counts))}")


def tasks_of_any_size(subject: Subject) -> None:
    """Tasks of other sizes are fitted too: 2, 11, 1001 classes, 1 shot, as many as a class has, 1 or 3 views, any order."""
    small = replace(subject.task(classes=2, shots=1, views=1), val=None)
    odd = _uneven(subject.task(classes=11, shots=3, views=3))
    for task in (small, odd):
        _check_task(subject, subject.fit(task), task)
    many = subject.task(classes=MANY_CLASSES, shots=1, views=1)
    built = subject.make()
    built.build(many)
    _check_task(subject, built, many)
    _check_order(subject, odd)


def _check_task(subject: Subject, predictor: Predictor, task: Task) -> None:
    """Check the scores of four images."""
    images = some(subject.images_of(2, 2), slice(0, 4))
    try:
        s = scored(predictor, images)
        _check_form(s, 4, task.classes)
        _check_sum(s)
        if "clip" in images:
            _check_zero_shot(s, images, task)
        if not close(scored(predictor, some(images, [2])).fused, s.fused[[2]]):
            raise Breach("an image has other logits in another batch")
        if not torch.equal(fused(predictor, images), s.fused):
            raise Breach("combine(match(prepare(x))) is not scores(x)")
    except Breach as breach:
        raise Breach(f"of {task.classes} classes: {breach}") from breach


def _uneven(task: Task) -> Task:
    """The task with one image less of every second class, in another order."""
    labels = task.support.labels
    first = torch.cat([torch.ones(1, dtype=torch.bool), labels[1:] != labels[:-1]])
    kept = (~(first & (labels % 2 == 0))).nonzero()[:, 0]
    order = kept[torch.randperm(len(kept), generator=torch.Generator().manual_seed(3))]
    return replace(task, support=_chosen(task.support, order))


def _chosen(samples: Samples, index: Tensor) -> Samples:
    return Samples({name: x[:, index] for name, x in samples.spaces.items()}, samples.labels[index])


def _check_order(subject: Subject, task: Task) -> None:
    """Check that what is built does not depend on the order of the support set."""
    found, order = [], task.support.labels.argsort(stable=True)
    for support in (task.support, _chosen(task.support, order)):
        predictor = subject.make()
        predictor.build(replace(task, support=support))
        found.append(scored(predictor, subject.images_of(task.classes, 1)).fused)
    if not close(*found):
        raise Breach("the order of the support set matters before any training; images are not sorted by class")
