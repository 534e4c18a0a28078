"""Metrics of logits besides accuracy: complementarity (Eq. 5 of AMU-Tuning), the bias alone, CLIP's confidence.

All are cheap compared with a predictor's forward pass, so every run's record contains them.
"""

from collections.abc import Callable
from typing import TypeGuard

import torch
from torch import Tensor

from benchmark.methods.samples import Scores
from benchmark.numerics import beta_curve as sweep
from benchmark.numerics.logits import raised
from benchmark.records.record import Best, BetaCurve, Histogram

BINS = 40
"""Bins of the histogram of the largest logits."""

ROWS = 4096
"""Images compared at a time, which bounds the memory for intermediate logits."""

BETAS = tuple(2 ** (k / 8) for k in range(-48, 49))
"""Values of beta at which a record keeps the exact curve: eight per octave from 1/64 to 64."""


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """SIM of Eq. 5 of AMU-Tuning: the cosine similarity a · b / (‖a‖₂ ‖b‖₂) of each row.

    Args:
        a: Logits [B, C].
        b: Logits [B, C].

    Returns:
        Similarities [B]; 0 for a row of zeros.

    Example:
        >>> a, b = torch.tensor([[3.0, 4.0]], dtype=torch.double), torch.tensor([[4.0, 3.0]], dtype=torch.double)
        >>> cosine(a, b).tolist()  # (3 · 4 + 4 · 3) / (5 · 5)
        [0.96]
    """
    a, b = raised(a), raised(b)
    lengths: Tensor = a.norm(dim=1) * b.norm(dim=1)
    return (a * b).sum(1) / lengths.clamp_min(torch.finfo(lengths.dtype).tiny)


def complementarity(s0: Tensor, other: Tensor) -> dict[str, float]:
    """CMY = 1 - SIM(s₀, s) of Eq. 5 of AMU-Tuning as a mean over images, 0 to 2, in three variants.

    The paper does not say whether logits are centred, and a large common offset such as that of CLIP's logits changes the
    similarity of raw logits by itself. It also leaves open over which images it averages.

    Args:
        s0: Zero-shot logits [B, C].
        other: Logits to compare with s₀ [B, C].

    Returns:
        "raw" for the logits as they are, "centred" with its mean subtracted from each row, "probabilities" after softmax.

    Example:
        >>> found = complementarity(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
        >>> round(found["raw"], 4), round(found["centred"], 4)  # a right angle; opposite directions
        (1.0, 2.0)
    """
    parts = list(zip(s0.split(ROWS), other.split(ROWS), strict=True))
    readings: dict[str, Callable[[Tensor], Tensor]] = {
        "raw": lambda s: s,
        "centred": lambda s: s - s.mean(1, keepdim=True),
        "probabilities": lambda s: s.softmax(1),
    }
    similar = {name: torch.cat([cosine(of(a), of(b)) for a, b in parts]) for name, of in readings.items()}
    return {name: 1 - float(found.double().mean()) for name, found in similar.items()}


def of_scores(s: Scores, labels: Tensor) -> dict[str, float]:
    """Compute the metrics that a record keeps for one selection.

    Args:
        s: Scores of all images, each [B, C].
        labels: Classes [B].

    Returns:
        bias_correct, the number of images that the bias alone classifies correctly; cmy_*, the complementarity of the fused
        logits to the zero-shot logits; bias_cmy_*, the complementarity of the bias to the zero-shot logits.

    Example:
        >>> s0, bias = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        >>> found = of_scores(Scores(zero_shot=s0, bias=bias, fused=s0), torch.tensor([1]))
        >>> found["bias_correct"], found["cmy_raw"], found["bias_cmy_raw"]
        (1, 0.0, 1.0)
    """
    fused, bias = complementarity(s.zero_shot, s.fused), complementarity(s.zero_shot, s.bias)
    return {
        "bias_correct": int((s.bias.argmax(1) == labels).sum()),
        **{f"cmy_{name}": round(value, 6) for name, value in fused.items()},
        **{f"bias_cmy_{name}": round(value, 6) for name, value in bias.items()},
    }


def max_logits(s0: Tensor, labels: Tensor) -> Histogram:
    """Histogram of the images' largest zero-shot logits.

    Args:
        s0: Zero-shot logits [B, C].
        labels: Classes [B].

    Returns:
        The range, divided into `BINS` equal bins, and the counts of the images that zero-shot CLIP classifies correctly and
        incorrectly.

    Example:
        >>> found = max_logits(torch.tensor([[1.0, 0.0], [0.0, 5.0]]), torch.tensor([0, 0]))
        >>> found.low, found.high, found.right[0], found.wrong[-1]
        (1.0, 5.0, 1, 1)
    """
    largest, answer = s0.max(1)
    low, high = float(largest.min()), float(largest.max())
    high = high if high > low else low + 1
    right, wrong = (
        torch.histc(largest[mask].double(), BINS, low, high).long().tolist()
        for mask in (answer == labels, answer != labels)
    )
    return Histogram(round(low, 6), round(high, 6), right, wrong)


def beta_curve(s0: Tensor, b: Tensor, labels: Tensor) -> BetaCurve:
    """Count the images that s₀ + beta · b classifies correctly, as a function of beta.

    Args:
        s0: Zero-shot logits [N, C].
        b: Logit bias [N, C].
        labels: Classes [N].

    Returns:
        The counts at `BETAS`, and the best beta from 0 upwards with its count.

    Example:
        >>> found = beta_curve(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([1]))
        >>> found.best.beta, found.best.correct  # correct where beta > 2
        (4.0, 1)
    """
    exact = sweep.exact(s0, b, labels)
    beta, correct = exact.best()
    return BetaCurve(exact.at(BETAS), Best(beta, correct))


def readable(curve: BetaCurve | None) -> TypeGuard[BetaCurve]:
    """Whether a record has a curve over beta with a count for each of BETAS."""
    return curve is not None and len(curve.correct) == len(BETAS)
