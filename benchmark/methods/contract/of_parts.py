"""Clauses on the parts of scoring, on what is tuned, and on the choice of classes."""

import inspect
import math

import torch
from torch import Tensor

from benchmark.methods.contract.breach import Breach
from benchmark.methods.contract.subject import CLASSES, Subject, close, fused, scored
from benchmark.methods.predictor import Predictor
from benchmark.methods.scoring import tuned


def prepared_alike(subject: Subject) -> None:
    """combine(match(prepare(x))) equals scores(x), also for a predictor fitted on another support set."""
    for predictor in (subject.fitted, subject.other):
        if not torch.equal(fused(predictor, subject.images), scored(predictor, subject.images).fused):
            raise Breach("combine(match(prepare(x))) is not scores(x)")


def prepared_before_training(subject: Subject) -> None:
    """`prepare` does not depend on parameters: images prepared before training have the logits of those prepared after it."""
    predictor = subject.make()
    predictor.build(subject.task())
    with torch.no_grad():
        early = predictor.prepare(subject.images)
        predictor.load_state_dict(subject.fitted.state_dict())
        late = predictor.eval().combine(predictor.match(early)).fused
        if not torch.equal(late, predictor.scores(subject.images).fused):
            raise Breach("images prepared before training are scored otherwise after it")


def matched_before_tuning(subject: Subject) -> None:
    """`match` does not depend on tunable hyper-parameters: images matched before a change have the logits after it."""
    for name, values in subject.fitted.tunes.items():
        with torch.no_grad():
            early = subject.fitted.match(subject.fitted.prepare(subject.images))
            with tuned(subject.fitted, {name: values[-1]}):
                if not torch.equal(subject.fitted.combine(early).fused, subject.fitted.scores(subject.images).fused):
                    raise Breach(f"images matched before {name} changes are scored otherwise after it")


def beta_multiplies(subject: Subject) -> None:
    """A tunable beta multiplies the bias and nothing else, in a range above 0, as its exact search assumes."""
    if "beta" not in subject.fitted.tunes:
        return
    low, high = min(subject.fitted.tunes["beta"]), max(subject.fitted.tunes["beta"])
    if not low > 0:
        raise Breach(f"tunes lists beta={low:g}; its range must lie above 0, where it can be halved and doubled")
    lines = []
    for beta in (low, high):
        with tuned(subject.fitted, {"beta": beta}):
            s = scored(subject.fitted, subject.images)
        lines.append((s.zero_shot, (s.fused - s.zero_shot) * (high / beta)))
    if not torch.equal(lines[0][0], lines[1][0]):
        raise Breach(f"beta={low:g} and beta={high:g} have other zero-shot logits")
    # The bias at the small beta has the rounding error of the logits that it was added to, times high / low.
    rounding = 1e-6 * float(lines[0][0].abs().max()) * high / low
    if not torch.allclose(lines[0][1], lines[1][1], rtol=1e-3, atol=1e-4 + rounding):
        raise Breach(f"the bias added at beta={high:g} is not {high / low:g} times that at beta={low:g}")


def tunes_its_own(subject: Subject) -> None:
    """Every hyper-parameter in `tunes` can be changed after training to each of its listed values, and back again."""
    names = inspect.signature(subject.cls).parameters
    for name, values in subject.fitted.tunes.items():
        if name not in names:
            raise Breach(f"tunes names {name!r}, which is no argument of the constructor")
        if not len(values) or not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
            raise Breach(f"tunes lists {values!r} for {name}, which are no numbers to search")
        predictor, logits = subject.fit(), list[Tensor]()
        own = scored(predictor, subject.images).fused
        for value in (values[0], values[-1]):
            with tuned(predictor, {name: value}):
                logits.append(scored(predictor, subject.images).fused)
        if torch.equal(*logits) or not torch.stack(logits).isfinite().all():
            raise Breach(f"{name}={values[0]:g} and {name}={values[-1]:g} do not give two finite scores")
        if not torch.equal(own, scored(predictor, subject.images).fused):
            raise Breach(f"after {name} was changed and put back images have other logits")


def among_some_classes(subject: Subject) -> None:
    """`among` some classes gives a logit for each in their order, among all the whole's, and leaves the whole as it is."""
    whole, every = scored(subject.fitted, subject.images).fused, torch.arange(CLASSES)
    few, turned, same = (_among(subject.fitted, every[index], subject) for index in ([2, 0], [0, 2], slice(None)))
    if few.shape != (len(whole), 2):
        raise Breach(f"among two classes the logits have shape {list(few.shape)}, expected {[len(whole), 2]}")
    if not close(few, turned[:, [1, 0]]):
        raise Breach("among two classes in another order the logits are not in this order")
    if not close(same, whole):
        raise Breach("among all of the classes the logits are others than without")
    if not torch.equal(whole, scored(subject.fitted, subject.images).fused):
        raise Breach("asked for some classes the whole predictor changed")


@torch.no_grad()
def _among(predictor: Predictor, classes: Tensor, subject: Subject) -> Tensor:
    return predictor.among(classes).scores(subject.images).fused
