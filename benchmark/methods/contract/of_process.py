"""Clauses on the process and the machine that a predictor runs in."""

import torch

from benchmark.methods.contract.breach import Breach
from benchmark.methods.contract.fake_device import elsewhere
from benchmark.methods.contract.other_processes import Answer, ask
from benchmark.methods.contract.subject import OTHER, Subject, close, scored

DRAWN = "the random state"
"""First words of what a fit left, if it is a random state."""


def random_state_untouched(subject: Subject) -> None:
    """Fitting and scoring do not use the global random state."""
    for thing in subject.watched.left.changed:
        if thing.startswith(DRAWN):
            raise Breach(f"{thing} moved; draw from task.generator()")


def process_untouched(subject: Subject) -> None:
    """Fitting and scoring leave the process as it was: gradients, types, threads, folders, streams, hooks, functions."""
    left = subject.watched.left
    for thing in (*left.changed, *left.running):
        if not thing.startswith(DRAWN):
            raise Breach(f"left {thing}")


def same_in_another_process(subject: Subject) -> None:
    """In another process, folder and year, with another hash seed, it is the same; no file, network or program is used."""
    begin_elsewhere(subject)
    assert subject.elsewhere is not None
    for answer in subject.elsewhere():
        if answer.error:
            raise Breach(f"in another process: {answer.error}")
        for used in answer.used:
            raise Breach(f"fit uses {used}; it may learn from its Task alone")
        _check(subject, answer)


def begin_elsewhere(subject: Subject) -> None:
    """Have both support sets fitted in other processes, unless they are already; it takes as long as some clauses."""
    subject.elsewhere = subject.elsewhere or ask(subject.cls, subject.settings, (OTHER, 0))


def _check(subject: Subject, answer: Answer) -> None:
    """Check the logits of both fits, which the other process made in another order."""
    for seed, predictor in ((0, subject.fitted), (OTHER, subject.other)):
        if not close(torch.tensor(answer.logits[seed]), scored(predictor, subject.images).fused):
            raise Breach(
                "in another process it has other logits: they depend on the process, its hash seed, the clock, the folder,"
                " uninitialised memory, or on what was fitted before"
            )


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
