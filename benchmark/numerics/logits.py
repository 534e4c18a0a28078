"""The arithmetic that every method shares: unit features, zero-shot logits, z-scores."""

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.numerics.matmul import product


def unit(x: Tensor) -> Tensor:
    """Rows of length one: x / ‖x‖₂ over the last dimension, [..., D] -> [..., D]."""
    return F.normalize(x, dim=-1)


def cosine_logits(features: Tensor, weights: Tensor, scale: float | Tensor) -> Tensor:
    """Logits scale · f̂ Wᵀ of features [B, D] for class weights [C, D] whose rows are unit already -> [B, C].

    With the text classifier as weights this is zero-shot CLIP, s₀ in the paper.
    """
    return product(scale * unit(features), weights)


def zscore(logits: Tensor) -> Tensor:
    """Each row less its mean over its standard deviation (C - 1 in the denominator), [B, C] -> [B, C].

    Official AMU-Tuning and CaFo code alike. A constant row has no spread and becomes zeros.
    """
    centred = logits - logits.mean(-1, keepdim=True)
    # Not torch.std, which goes along a row number by number: half of the time that CaFo takes to mix its caches.
    spread = torch.linalg.vector_norm(centred, dim=-1, keepdim=True) / (logits.shape[-1] - 1) ** 0.5
    # Asked of the values: rounding in the mean leaves a constant row with a spread that is tiny but not zero.
    constant = logits.amax(-1, keepdim=True) == logits.amin(-1, keepdim=True)
    return centred.masked_fill(constant, 0) / spread.masked_fill(constant, 1)
