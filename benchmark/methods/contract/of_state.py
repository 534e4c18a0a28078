"""Clauses on the state of a predictor: that it is whole, its own, and can be copied."""

import io
from copy import deepcopy
from dataclasses import replace

import torch

from benchmark.methods.contract.breach import Breach
from benchmark.methods.contract.subject import OTHER, Subject, copied, scored
from benchmark.methods.samples import Task


def independent(subject: Subject) -> None:
    """Two predictors share no state: fitting one leaves the other unchanged."""
    one = subject.fit()
    before = scored(one, subject.images).fused
    subject.fit(subject.task(OTHER))
    if not torch.equal(before, scored(one, subject.images).fused):
        raise Breach("fitting a second predictor changed the first")


def state_is_whole(subject: Subject) -> None:
    """A state_dict contains the whole predictor: loaded into one of another task of this size, it restores the logits."""
    file = io.BytesIO()
    torch.save(subject.fitted.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    twin = subject.fit(_other_task(subject))
    scored(twin, subject.images)  # so that a cache from before the load would show
    twin.load_state_dict(state)
    if not torch.equal(scored(twin, subject.images).fused, scored(subject.fitted, subject.images).fused):
        raise Breach("a loaded twin has other logits; what scoring needs must be a parameter or a buffer")
    built = subject.make()
    built.build(_other_task(subject))
    built.load_state_dict(state)
    if not torch.equal(scored(built, subject.images).fused, scored(subject.fitted, subject.images).fused):
        raise Breach("loaded into a predictor that was built and not fitted, it has other logits")


def _other_task(subject: Subject) -> Task:
    """A task of the same sizes with another support set, seed, logit scale and other texts, of the same CLIP and names."""
    task = subject.task(OTHER, seed=7)
    assert task.clip is not None
    text = task.clip.classifier(task.classnames, ["a drawing of the {}."])
    sentences = None if task.sentences is None else text.flip(1)
    return replace(task, text=text, sentences=sentences, logit_scale=0.5 * task.logit_scale)


def copied_whole(subject: Subject) -> None:
    """A deep copy is a predictor of its own: it scores alike, and what is loaded into it changes it alone."""
    before = scored(subject.fitted, subject.images).fused
    copy = deepcopy(subject.fitted)
    if not torch.equal(scored(copy, subject.images).fused, before):
        raise Breach("a deep copy has other logits")
    copy.load_state_dict(copied(subject.other.state_dict()))
    if not torch.equal(scored(copy, subject.images).fused, scored(subject.other, subject.images).fused):
        raise Breach("a deep copy does not score by what is loaded into it")
    if not torch.equal(scored(subject.fitted, subject.images).fused, before):
        raise Breach("loading a state into a deep copy changed the predictor that was copied")
