"""How much an image's bias should count: Eq. 10 of AMU-Tuning and the rivals in its released code.

Each function takes the zero-shot logits s₀ [B, C] and the power ρ, and gives a weight [B] for the bias: the
surer zero-shot CLIP is, the smaller. Eq. 10 looks at the logits; the released code (clip/amu.py) at p =
softmax(s₀). Where the formula would divide by nothing (a constant row of logits), the weight of the least
sure row stands instead. Every weight is a power of its own at ρ = 1, so that ρ can be changed after the logits are seen.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from benchmark.numerics.logits import zscore

Weight = Callable[[Tensor, float], Tensor]

MOMENT_UNIT = 250.0  # released code; not in the paper, and of a sensible size for about 1000 classes only
TEMPERATURE = 2.0  # released code, energy


def none(s0: Tensor, rho: float) -> Tensor:
    """1: every image's bias counts alike."""
    return torch.ones_like(s0[:, 0])


def kurtosis(s0: Tensor, rho: float) -> Tensor:
    """1 / κ with κ = E[((s₀ - μ) / σ)⁴]^ρ over the classes: Eq. 10 in Eq. 11.

    σ is the population's (C in the denominator), so that κ is never below 1.
    """
    fourth = _mean_fourth_power(s0) * (s0.shape[1] / (s0.shape[1] - 1)) ** 2
    return fourth.clamp_min(1) ** -rho


def moment(s0: Tensor, rho: float) -> Tensor:
    """(K / 250)^-ρ with K = mean_c z(p)⁴: what the released code calls moment, Eq. 10 on probabilities."""
    classes = s0.shape[1]
    least = ((classes - 1) / classes) ** 2  # by Jensen, as the squares of z have the mean (C - 1) / C
    return (_mean_fourth_power(s0.softmax(1)).clamp_min(least) / MOMENT_UNIT) ** -rho


def entropy(s0: Tensor, rho: float) -> Tensor:
    """exp(ρ · H(p) / log C) with the entropy H."""
    h = torch.special.entr(s0.softmax(1)).sum(1)
    return torch.exp(rho * h / torch.log(torch.tensor(float(s0.shape[1]))))


def energy(s0: Tensor, rho: float) -> Tensor:
    """E^-ρ with E = τ · (log Σ_c exp((p_c - p₁) / τ) + p₁), τ = 2 and p₁ the largest probability.

    As released: an energy would be taken of the logits, and would not multiply p₁ by τ.
    """
    p = s0.softmax(1)
    largest = p.amax(1)
    logsumexp = torch.logsumexp((p - largest[:, None]) / TEMPERATURE, 1)
    return (TEMPERATURE * (logsumexp + largest)) ** -rho


def largest(s0: Tensor, rho: float) -> Tensor:
    """p₁^-ρ with the largest probability p₁."""
    return s0.softmax(1).amax(1) ** -rho


def spread(s0: Tensor, rho: float) -> Tensor:
    """(p₁ - p_C)^-ρ: the largest probability less the smallest."""
    p = s0.softmax(1)
    return _positive(p.amax(1) - p.amin(1)) ** -rho


def top5(s0: Tensor, rho: float) -> Tensor:
    """(p₁ - p₅)^-ρ: the largest probability less the fifth (the smallest, where there are fewer classes)."""
    top = s0.softmax(1).topk(min(5, s0.shape[1]), 1).values
    return _positive(top[:, 0] - top[:, -1]) ** -rho


FUSIONS: Mapping[str, Weight] = {
    "none": none,
    "kurtosis": kurtosis,
    "moment": moment,
    "entropy": entropy,
    "energy": energy,
    "max": largest,
    "max-min": spread,
    "top5": top5,
}


def _mean_fourth_power(x: Tensor) -> Tensor:
    return zscore(x).square().square().mean(1)


def _positive(difference: Tensor) -> Tensor:
    return difference.clamp_min(torch.finfo(difference.dtype).eps)
