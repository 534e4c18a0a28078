"""The predictor contract: checks of all properties of a predictor on which the harness relies.

`check(cls)` checks every clause on a toy task; `bench test-method` prints the results, and the tests run it on every method
of this repository. A clause is a function that returns if the predictor satisfies it and raises otherwise.
"""

import inspect
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmark.methods import training
from benchmark.methods.contract.fake_device import elsewhere
from benchmark.methods.contract.subject import (
    CLASSES,
    Spy,
    Subject,
    changed,
    close,
    copied,
    given,
    random_states,
    scored,
    spied,
)
from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import OPTIONAL, Features
from benchmark.methods.scoring import tuned

Clause = Callable[[Subject], None]


class Breach(AssertionError):
    """A predictor violates a clause; the message says how, in one line."""


@dataclass(frozen=True)
class Result:
    """Result of checking one clause.

    Attributes:
        clause: Name of the clause.
        says: Requirement of the clause.
        reason: Why the clause is violated; empty if it is satisfied.
    """

    clause: str
    says: str
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the clause is satisfied."""
        return not self.reason


def contract() -> list[tuple[str, Clause]]:
    """All clauses with their names, in a sensible order for reading."""
    return [(clause.__name__.replace("_", " "), clause) for clause in CLAUSES]


def check(cls: type[Predictor], **settings: Any) -> list[Result]:
    """Check a predictor class, constructed with `settings`, against every clause."""
    subject = Subject(cls, settings)
    return [Result(name, clause.__doc__ or "", _reason(clause, subject)) for name, clause in contract()]


def _reason(clause: Clause, subject: Subject) -> str:
    """Why a clause is violated, in one line; empty if it is satisfied."""
    try:
        clause(subject)
    except Breach as breach:
        return str(breach)
    except Exception as error:  # a third-party method may raise any exception, which is a result too
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""


def numbers_alone(subject: Subject) -> None:
    """The predictor is constructed from numbers and strings alone and stores each under the argument's name."""
    parameters = inspect.signature(subject.cls).parameters.values()
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters):
        raise Breach("the constructor takes *args or **kwargs; a run is named by arguments with names")
    for arguments in ({}, subject.settings):
        predictor = subject.cls(**arguments)
        settings = predictor.settings()
        json.dumps(settings, allow_nan=False)
        again = subject.cls(**{name: getattr(predictor, name) for name in settings})
        if again.settings() != settings:
            raise Breach("constructed from its own settings it has other settings")
    if subject.fit().settings() != subject.make().settings():
        raise Breach("fit changed the settings")


def clip_untouched(subject: Subject) -> None:
    """Fitting leaves CLIP unchanged: its weights, its eval mode, no gradients."""
    task = subject.task()
    assert task.clip is not None
    model = task.clip.model
    before = copied(model.state_dict())
    subject.fit(task)
    for name in changed(before, model.state_dict()):
        raise Breach(f"fit changed CLIP's {name}")
    if model.training:
        raise Breach("fit left CLIP in training mode")
    for name, parameter in model.named_parameters():
        if parameter.requires_grad or parameter.grad is not None:
            raise Breach(f"fit left gradients on CLIP's {name}")


def parameters_are_trained(subject: Subject) -> None:
    """Exactly the trained tensors are parameters: training changes every parameter and no buffer."""
    task = subject.task()
    built = subject.make()
    built.build(task)
    fitted = subject.fit(task)
    parameters, buffers = dict(fitted.named_parameters()), dict(fitted.named_buffers())
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


def scores_are_logits(subject: Subject) -> None:
    """Scores are three finite tensors [B, C], and forward returns the fused logits."""
    s = scored(subject.fitted, subject.images)
    shape = [len(subject.images[subject.fitted.reads[0]]), CLASSES]
    for name, logits in vars(s).items():
        if list(logits.shape) != shape:
            raise Breach(f"{name} has shape {list(logits.shape)}, expected {shape}")
        if not logits.isfinite().all():
            raise Breach(f"{name} is not finite")
    with torch.no_grad():
        if not torch.equal(subject.fitted(subject.images), s.fused):
            raise Breach("forward(x) is not scores(x).fused")


def prepared_alike(subject: Subject) -> None:
    """combine(match(prepare(x))) equals scores(x), also for a predictor fitted on another support set."""
    for predictor in (subject.fitted, subject.fit(subject.task(support_seed=5))):
        with torch.no_grad():
            prepared = predictor.prepare(subject.images)
            if not torch.equal(_combined(predictor, prepared), predictor.scores(subject.images).fused):
                raise Breach("combine(match(prepare(x))) is not scores(x)")


def prepared_before_training(subject: Subject) -> None:
    """`prepare` does not depend on parameters: images prepared before training have the logits of those prepared after it."""
    task = subject.task()
    predictor = subject.make()
    predictor.build(task)
    with torch.no_grad():
        early = predictor.prepare(subject.images)
        predictor.load_state_dict(subject.fitted.state_dict())
        if not torch.equal(_combined(predictor.eval(), early), predictor.scores(subject.images).fused):
            raise Breach("images prepared before training are scored otherwise after it")


def matched_before_tuning(subject: Subject) -> None:
    """`match` does not depend on tunable hyper-parameters: images matched before a change have the logits after it."""
    for name, values in subject.fitted.tunes.items():
        with torch.no_grad():
            early = subject.fitted.match(subject.fitted.prepare(subject.images))
            with tuned(subject.fitted, {name: values[-1]}):
                if not torch.equal(subject.fitted.combine(early).fused, subject.fitted.scores(subject.images).fused):
                    raise Breach(f"images matched before {name} changes are scored otherwise after it")


def _combined(predictor: Predictor, prepared: Features) -> Tensor:
    """Fused logits of prepared images."""
    return predictor.combine(predictor.match(prepared)).fused


def fused_is_a_sum(subject: Subject) -> None:
    """The fused logits are zero_shot + w · bias with one weight w per image."""
    s = scored(subject.fitted, subject.images)
    rest, bias = (s.fused - s.zero_shot).double(), s.bias.double()
    weight = (rest * bias).sum(1) / bias.square().sum(1).clamp_min(1e-30)
    if not close(weight[:, None] * bias, rest):
        raise Breach("fused - zero_shot is no multiple of bias")


def alone(subject: Subject) -> None:
    """The scores of an image depend neither on the other images of its batch nor on its position among them."""
    together = scored(subject.fitted, subject.images).fused
    n = len(together)
    for index in [[i] for i in range(n)] + [list(reversed(range(n)))]:
        apart = scored(subject.fitted, {space: x[index] for space, x in subject.images.items()}).fused
        if not close(apart, together[index]):
            raise Breach("an image has other logits in another batch")


def deterministic(subject: Subject) -> None:
    """Equal seeds give equal results for any global random state."""
    fused = []
    with torch.random.fork_rng(devices=[]):
        for seed in (1, 2):
            torch.manual_seed(seed)
            fused.append(scored(subject.fit(), subject.images).fused)
    if not torch.equal(*fused):
        raise Breach("two fits at one seed differ; draw from task.generator()")


def moves_with_its_task(subject: Subject) -> None:
    """The predictor works on the task's device: no tensor stays on the CPU, and draws and logits equal those on the CPU."""
    with elsewhere() as device:
        predictor = subject.fit(subject.task().to(device))
        for name, value in predictor.state_dict().items():
            if value.device != device:
                raise Breach(f"{name} was left on the CPU; make it of the task's tensors, or move it by .to(task.text)")
        images = {space: x.to(device) for space, x in subject.images.items()}
        s = scored(predictor, images)
        for name, logits in vars(s).items():
            if logits.device != device:
                raise Breach(f"{name} is on the CPU, and the images are not")
        fused = s.fused.cpu()
    if not close(fused, scored(subject.fitted, subject.images).fused):
        raise Breach(
            "on another device it has other logits; draw from task.generator(), on the CPU, and move what is drawn"
        )


def random_state_untouched(subject: Subject) -> None:
    """Fitting and scoring do not use the global random state."""
    task, images, predictor = subject.task(), subject.images, subject.make()
    before = random_states()
    predictor.fit(task)
    scored(predictor, images)
    if before != random_states():
        raise Breach("the global random state moved; draw from task.generator()")


def independent(subject: Subject) -> None:
    """Two predictors share no state: fitting one leaves the other unchanged."""
    one = subject.fit()
    before = scored(one, subject.images).fused
    subject.fit(subject.task(support_seed=5))
    if not torch.equal(before, scored(one, subject.images).fused):
        raise Breach("fitting a second predictor changed the first")


def state_is_whole(subject: Subject) -> None:
    """A state_dict contains the whole predictor: loaded into a predictor fitted on other images, it restores the logits."""
    file = io.BytesIO()
    torch.save(subject.fitted.state_dict(), file)
    file.seek(0)
    twin = subject.fit(subject.task(support_seed=5))
    scored(twin, subject.images)  # so that a cache from before the load would show
    twin.load_state_dict(torch.load(file, weights_only=True))
    if not torch.equal(scored(twin, subject.images).fused, scored(subject.fitted, subject.images).fused):
        raise Breach("a loaded twin has other logits; what scoring needs must be a parameter or a buffer")


def reads_what_it_says(subject: Subject) -> None:
    """`scores` reads exactly the feature spaces in `reads`, and no labels."""
    spy = Spy(subject.images)
    scored(subject.fitted, spy)
    if unknown := sorted(spy.asked - set(subject.fitted.reads)):
        raise Breach(f"scores(x) asked for {unknown[0]!r}, which `reads` does not name")
    if idle := sorted(set(subject.fitted.reads) - spy.asked):
        raise Breach(f"`reads` names {idle[0]!r}, which scores(x) does not look up")


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
    """Neither fit nor scores changes its inputs."""
    task, images = subject.task(), {name: value.clone() for name, value in subject.images.items()}
    before = copied(given(task, images))
    predictor = subject.make()
    predictor.fit(task)
    scored(predictor, images)
    for name in changed(before, given(task, images)):
        raise Breach(f"{name} was changed")


def eval_after_fit(subject: Subject) -> None:
    """After fit the predictor is in eval mode."""
    if any(module.training for module in subject.fit().modules()):
        raise Breach("fit ended in training mode")


def milestones(subject: Subject) -> None:
    """Fitting runs the epoch-end callback, the last time in the fitted state, and the callback does not change the result."""
    seen: list[Tensor] = []
    with training.watching(lambda predictor: seen.append(predictor.scores(subject.images).fused)):
        watched = subject.fit()
    if not seen:
        raise Breach("fit passed no milestone; end it with train.milestone(self)")
    if not torch.equal(seen[-1], scored(watched, subject.images).fused):
        raise Breach("the last milestone is not the fitted state")
    if not torch.equal(seen[-1], scored(subject.fitted, subject.images).fused):
        raise Breach("being watched changed the result")


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
    """Every hyper-parameter in `tunes` can be changed after training to each of its listed values."""
    names = inspect.signature(subject.cls).parameters
    for name, values in subject.fitted.tunes.items():
        if name not in names:
            raise Breach(f"tunes names {name!r}, which is no argument of the constructor")
        predictor, logits = subject.fit(), []
        for value in (values[0], values[-1]):
            setattr(predictor, name, value)
            logits.append(scored(predictor, subject.images).fused)
        if torch.equal(*logits) or not torch.stack(logits).isfinite().all():
            raise Breach(f"{name}={values[0]:g} and {name}={values[-1]:g} do not give two finite scores")


def among_some_classes(subject: Subject) -> None:
    """`among` some classes gives one logit for each of them, among all classes the logits of the whole predictor."""
    whole, every = scored(subject.fitted, subject.images).fused, torch.arange(CLASSES)
    with torch.no_grad():
        few, same = (subject.fitted.among(c).scores(subject.images).fused for c in (every[[2, 0]], every))
    if few.shape != (len(whole), 2):
        raise Breach(f"among two classes the logits have shape {list(few.shape)}, expected {[len(whole), 2]}")
    if not close(same, whole):
        raise Breach("among all of the classes the logits are others than without")


CLAUSES: Sequence[Clause] = (
    numbers_alone,
    clip_untouched,
    parameters_are_trained,
    scores_are_logits,
    prepared_alike,
    prepared_before_training,
    matched_before_tuning,
    fused_is_a_sum,
    alone,
    deterministic,
    moves_with_its_task,
    random_state_untouched,
    independent,
    state_is_whole,
    reads_what_it_says,
    wants_what_it_says,
    inputs_untouched,
    eval_after_fit,
    milestones,
    beta_multiplies,
    tunes_its_own,
    among_some_classes,
)
