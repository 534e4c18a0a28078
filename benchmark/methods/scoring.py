"""Scoring of a predictor on samples in parts: which images it classifies correctly."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import Features, Samples, Scores, placed
from benchmark.methods.sealed import comparing

STATISTICS = ("all", "held")
"""Classes over which statistics such as a z-score are computed under a distribution shift; the first is the default."""

PART = 1000
"""Images scored at a time."""

SMALL = 100
"""Images scored at a time after memory did not suffice for `PART`."""


@contextmanager
def small_parts() -> Iterator[None]:
    """Within the context, `SMALL` images are scored at a time."""
    global PART
    before, PART = PART, min(PART, SMALL)
    try:
        yield
    finally:
        PART = before


@torch.no_grad()
def right(
    predictor: Predictor, samples: Samples, classes: Tensor | None = None, statistics: str = STATISTICS[0]
) -> Tensor:
    """Determine which images the predictor classifies correctly.

    Args:
        predictor: Fitted predictor.
        samples: Images to classify, N in number.
        classes: Classes that may be predicted, for a data set that contains only some (ImageNet-A and ImageNet-R have 200 of
            1,000); None for all.
        statistics: "all" if statistics over an image's classes (z-score, kurtosis) are computed over all classes, "held" if
            over `classes` only.

    Returns:
        Booleans [N].
    """
    if classes is None:
        return right_answers(torch.cat([predictor(x).argmax(-1) for x in moved(samples)]), samples)
    few = predictor.among(classes) if statistics == "held" else Predictor.among(predictor, classes)
    return right_answers(torch.cat([classes[few(x).argmax(-1)] for x in moved(samples)]), samples)


def right_answers(answers: Tensor, samples: Samples, where: slice = slice(None)) -> Tensor:
    """Compare predicted classes [B] with the labels of `samples[where]`, unsealed meanwhile; booleans [B]."""
    with comparing():
        return answers == samples.labels[where]


def joined(found: Sequence[Scores]) -> Scores:
    """Concatenate the scores of several parts along the images."""
    return Scores(*(torch.cat([getattr(s, name) for s in found]) for name in ("zero_shot", "bias", "fused")))


def parts(samples: Samples) -> Iterator[Features]:
    """Split view 0 into parts of `PART` images, which changes only the speed because images are scored independently.

    Affinities of 10,000 images to a cache need newly allocated memory at every step, those of 1,000 stay in the processor's
    cache, which is twice as fast (performance/scoring_speed.py).

    Args:
        samples: Images.

    Yields:
        Features of a part.
    """
    for places in torch.arange(len(samples)).split(PART):
        yield samples.view(0, slice(int(places[0]), int(places[-1]) + 1))


def moved(samples: Samples) -> Iterator[Features]:
    """Those parts, each on the device that methods compute on while it is used."""
    return (placed(x, samples.device) for x in parts(samples))


@contextmanager
def tuned(predictor: Predictor, values: dict[str, float]) -> Iterator[None]:
    """Within the context, set hyper-parameters of the predictor to other values."""
    before = {name: getattr(predictor, name) for name in values}
    try:
        for name, value in values.items():
            setattr(predictor, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(predictor, name, value)
