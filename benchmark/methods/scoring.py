"""Scoring a predictor on samples, part by part: which images it classifies correctly."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import Features, Samples, Scores
from benchmark.methods.sealed import comparing

STATISTICS = ("all", "held")
"""What a shift may say of its statistics over classes; the first where it says nothing."""

PART = 1000
"""Images scored at a time."""


@torch.no_grad()
def right(
    predictor: Predictor, samples: Samples, classes: Tensor | None = None, statistics: str = STATISTICS[0]
) -> Tensor:
    """Whether the fused logits put each image's own class first, booleans [N].

    classes: those that may be answered at all, where a data set holds only some of them (ImageNet-A and -R have 200 of the
    1,000); the logits of the others are left out.
    statistics: whether what the method works out over an image's classes runs over "all", or over those "held" alone.
    """
    if classes is None:
        return right_answers(torch.cat([predictor(x).argmax(-1) for x in parts(samples)]), samples)
    few = predictor.among(classes) if statistics == "held" else Predictor.among(predictor, classes)
    return right_answers(torch.cat([classes[few(x).argmax(-1)] for x in parts(samples)]), samples)


def right_answers(answers: Tensor, samples: Samples, where: slice = slice(None)) -> Tensor:
    """Which answers [B] are the labels of `samples[where]`, bool [B]. Compared by the harness: test labels are unsealed."""
    with comparing():
        return answers == samples.labels[where]


def joined(found: Sequence[Scores]) -> Scores:
    """The scores of several parts as those of all images."""
    return Scores(*(torch.cat([getattr(s, name) for s in found]) for name in ("zero_shot", "bias", "fused")))


def parts(samples: Samples) -> Iterator[Features]:
    """View 0 in parts of some hundred images. An image is scored alone, so this changes nothing but the time.

    The affinities of 10,000 images to a cache are fresh memory that the system has to hand out and take back at every step;
    those of 1,000 stay in the processor's cache: twice as fast (performance/scoring_speed.py).
    """
    for places in torch.arange(len(samples)).split(PART):
        yield samples.view(0, slice(int(places[0]), int(places[-1]) + 1))


@contextmanager
def tuned(predictor: Predictor, values: dict[str, float]) -> Iterator[None]:
    """The predictor with other hyper-parameters for a while."""
    before = {name: getattr(predictor, name) for name in values}
    try:
        for name, value in values.items():
            setattr(predictor, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(predictor, name, value)
