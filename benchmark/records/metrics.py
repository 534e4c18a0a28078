"""What is measured of the logits besides right or wrong: Eq. 5 of AMU-Tuning, the bias by itself, how sure CLIP is.

Everything here is cheap beside a pass through a predictor, so every run's record has it, whoever will read it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from benchmark.methods.samples import Scores
from benchmark.numerics import beta_curve as sweep

BINS = 40
"""Bars of the histogram of max logits."""

ROWS = 4096
"""Images compared at a time: each needs a few rows of logits more."""

BETAS = tuple(2 ** (k / 8) for k in range(-48, 49))
"""Where the exact curve over beta is kept: eight points an octave from 1/64 to 64."""


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """SIM of Eq. 5, row by row: a · b / (‖a‖₂ ‖b‖₂) of [B, C] and [B, C] -> [B]. A row of zeros is similar to nothing."""
    lengths = a.norm(dim=1) * b.norm(dim=1)
    return (a * b).sum(1) / lengths.clamp_min(torch.finfo(lengths.dtype).tiny)


def complementarity(s0: Tensor, other: Tensor) -> dict[str, float]:
    """CMY = 1 - SIM(s₀, s) of Eq. 5 for zero-shot logits and others, both [B, C], as a mean over the images.

    The paper says neither whether logits are centred nor over which images it averages, and a large common offset, as
    CLIP's logits have, makes raw logits alike or unlike by itself. Three readings: "raw", "centred" (each row less its
    mean) and "probabilities" (softmax of both).
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
    """The numbers that a record keeps of one selection.

    bias_correct: images that the bias alone puts into their class.  cmy_*: complementarity of the method's own
    prediction, its fused logits, to zero-shot CLIP.  bias_cmy_*: that of its bias alone.
    """
    fused, bias = complementarity(s.zero_shot, s.fused), complementarity(s.zero_shot, s.bias)
    return {
        "bias_correct": int((s.bias.argmax(1) == labels).sum()),
        **{f"cmy_{name}": round(value, 6) for name, value in fused.items()},
        **{f"bias_cmy_{name}": round(value, 6) for name, value in bias.items()},
    }


def max_logits(s0: Tensor, labels: Tensor) -> dict[str, Any]:
    """How many images have which largest zero-shot logit, right and wrong apart: equal bins from low to high."""
    largest, answer = s0.max(1)
    low, high = float(largest.min()), float(largest.max())
    high = high if high > low else low + 1
    counts = {
        name: torch.histc(largest[mask].double(), BINS, low, high).long().tolist()
        for name, mask in (("right", answer == labels), ("wrong", answer != labels))
    }
    return {"low": round(low, 6), "high": round(high, 6), **counts}


def beta_curve(s0: Tensor, b: Tensor, labels: Tensor) -> dict[str, Any]:
    """Images classified rightly by s₀ + beta · b: at every beta of `BETAS`, and at the best of all betas from 0 upwards."""
    exact = sweep.exact(s0, b, labels)
    beta, correct = exact.best()
    return {"correct": exact.at(BETAS), "best": {"beta": beta, "correct": correct}}


def readable(curve: Any) -> bool:
    """Whether a record's curve over beta has the form that it is read in."""
    return isinstance(curve, Mapping) and len(curve.get("correct", ())) == len(BETAS)
