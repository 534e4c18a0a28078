"""Arithmetic shared by all methods: L2-normalised features, zero-shot logits, z-scores."""

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.numerics.matmul import product

SMALL = 2.0**-50
"""Numbers below are raised before they are squared; the square of 1e-23 is 0 in single precision."""


def unit(x: Tensor) -> Tensor:
    """L2-normalise the last dimension: x / ‖x‖₂, [..., D] -> [..., D].

    Args:
        x: Vectors [..., D].

    Returns:
        Vectors of length 1 [..., D]; a vector of zeros stays zero.

    Example:
        >>> unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]], dtype=torch.double)).tolist()
        [[0.6, 0.8], [0.0, 0.0]]
    """
    return F.normalize(x, dim=-1)


def cosine_logits(features: Tensor, weights: Tensor, scale: float | Tensor) -> Tensor:
    """Cosine logits scale · f̂ Wᵀ; with a text classifier as weights, the zero-shot logits s₀ of CLIP.

    Args:
        features: Image features [B, D], not necessarily normalised.
        weights: Class weights W [C, D], rows L2-normalised.
        scale: Factor of the cosines; CLIP's is 100.

    Returns:
        Logits [B, C].

    Example:
        >>> cosine_logits(torch.tensor([[0.0, 2.0]]), torch.eye(2), 100).tolist()
        [[0.0, 100.0]]
    """
    return product(scale * unit(features), weights)


def raised(rows: Tensor) -> Tensor:
    """Multiply rows of numbers so small that their squares are 0 by 2^100, which changes no direction and rounds nothing.

    Args:
        rows: Numbers [B, C].

    Returns:
        Numbers [B, C]; rows with a number of at least 2^-50 as they are.

    Example:
        >>> rows = raised(torch.tensor([[3e-30, 4e-30], [3.0, 4.0]]))
        >>> [round(float(x), 4) for x in rows[:, 1] / rows[:, 0]]
        [1.3333, 1.3333]
    """
    small = rows.detach().abs().amax(-1, keepdim=True) < SMALL
    return torch.where(small, rows * 2.0**100, rows)


def zscore(logits: Tensor) -> Tensor:
    """Standardise each row: subtract its mean, divide by its standard deviation with C - 1 in the denominator.

    The official code of AMU-Tuning and of CaFo defines it so.

    Args:
        logits: Logits [B, C].

    Returns:
        Z-scores [B, C]; a constant row becomes zeros.

    Example:
        >>> zscore(torch.tensor([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]])).tolist()
        [[-1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """
    centred = logits - logits.mean(-1, keepdim=True)
    # Compare the values: after rounding of the mean, the spread of a constant row is tiny but not zero.
    extent = logits.amax(-1, keepdim=True) - logits.amin(-1, keepdim=True)
    if bool((extent < SMALL).any()):
        centred = raised(centred)
    # torch.std is slow on rows: it took half of the time in which CaFo fuses the logits of its caches.
    spread: Tensor = torch.linalg.vector_norm(centred, dim=-1, keepdim=True) / (logits.shape[-1] - 1) ** 0.5
    constant = extent == 0
    return centred.masked_fill(constant, 0) / spread.masked_fill(constant, 1)
