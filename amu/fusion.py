"""Uncertainty-based weights of an image's logit bias: Eq. 10 of AMU-Tuning and the alternatives in its released code.

Each function takes the zero-shot logits s₀ [B, C] and the power ρ and returns one weight per image [B], which is smaller the
more confident zero-shot CLIP is; only "var" is larger. Eq. 10 is computed on the logits, the weights of the released code
(clip/amu.py) on p = softmax(s₀). Where a formula would divide by zero (a constant row of logits), the weight of the least
confident row is returned. Every weight is the ρ-th power of the weight at ρ = 1, so ρ can be changed after the logits are
computed; those in `WITHOUT_POWER` do not depend on ρ.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from benchmark.numerics.logits import zscore

Weight = Callable[[Tensor, float], Tensor]

MOMENT_UNIT = 250.0  # released code, not in the paper; suits about 1000 classes only
TEMPERATURE = 2.0  # τ of `energy` in the released code


def none(s0: Tensor, rho: float) -> Tensor:
    """Weight 1 for every image: no uncertainty.

    Args:
        s0: Zero-shot logits [B, C].
        rho: Power ρ, without effect.

    Returns:
        Weights [B].

    Example:
        >>> none(torch.tensor([[3.0, 1.0], [0.0, 9.0]]), 0.4).tolist()
        [1.0, 1.0]
    """
    return torch.ones_like(s0[:, 0])


def kurtosis(s0: Tensor, rho: float) -> Tensor:
    """1 / κ with the kurtosis κ = E[((s₀ - μ) / σ)⁴]^ρ over the classes: Eq. 10 and 11 of AMU-Tuning.

    σ has C in the denominator, so κ is at least 1.

    Args:
        s0: Zero-shot logits [B, C].
        rho: Power ρ.

    Returns:
        Weights [B].

    Example:
        The first row has mean 0, variance 1 and fourth moment (2⁴ + 2⁴) / 8 = 4, the second row fourth moment 1.

        >>> s0 = torch.tensor([[2.0, -2, 0, 0, 0, 0, 0, 0], [1, -1, 1, -1, 1, -1, 1, -1]])
        >>> [round(weight, 4) for weight in kurtosis(s0, 0.5).tolist()]
        [0.5, 1.0]
    """
    fourth = _mean_fourth_power(s0) * (s0.shape[1] / (s0.shape[1] - 1)) ** 2
    return fourth.clamp_min(1) ** -rho


def moment(s0: Tensor, rho: float) -> Tensor:
    """(K / 250)^-ρ with K = mean_c z(p)⁴: "moment" of the released code, Eq. 10 on probabilities.

    Args:
        s0: Zero-shot logits [B, C].
        rho: Power ρ.

    Returns:
        Weights [B].

    Example:
        For p = (1, 0) the z-scores are ±1/√2, so K = 1/4.

        >>> moment(torch.tensor([[1000.0, 0.0]]), 1.0).round().tolist()
        [1000.0]
    """
    classes = s0.shape[1]
    least = ((classes - 1) / classes) ** 2  # by Jensen's inequality, because the mean of z² is (C - 1) / C
    return (_mean_fourth_power(s0.softmax(1)).clamp_min(least) / MOMENT_UNIT) ** -rho


def entropy(s0: Tensor, rho: float) -> Tensor:
    """exp(ρ · H(p) / log C) with the entropy H: "entropy" of the released code.

    Args:
        s0: Zero-shot logits [B, C].
        rho: Power ρ.

    Returns:
        Weights [B], from 1 for a certain image to exp(ρ) for a uniform p.

    Example:
        >>> [round(weight, 4) for weight in entropy(torch.tensor([[0.0, 0.0], [1000.0, 0.0]]), 1.0).tolist()]
        [2.7183, 1.0]
    """
    h = torch.special.entr(s0.softmax(1)).sum(1)
    return torch.exp(rho * h / torch.log(torch.tensor(float(s0.shape[1]))))


def energy(s0: Tensor, rho: float) -> Tensor:
    """E^-ρ with E = τ · (log Σ_c exp((p_c - p₁) / τ) + p₁), τ = 2 and the largest probability p₁.

    This is "energy" of the released code. A free energy in the usual sense is a function of the logits, in which p₁ is not
    multiplied by τ.

    Args:
        s0: Zero-shot logits [B, C].
        rho: Power ρ.

    Returns:
        Weights [B].

    Example:
        For p = (1/2, 1/2) E is 2 · (log 2 + 1/2) = 2.386.

        >>> [round(weight, 3) for weight in energy(torch.tensor([[0.0, 0.0]]), -1.0).tolist()]
        [2.386]
    """
    p = s0.softmax(1)
    largest = p.amax(1)
    logsumexp = torch.logsumexp((p - largest[:, None]) / TEMPERATURE, 1)
    return (TEMPERATURE * (logsumexp + largest)) ** -rho


def largest(s0: Tensor, rho: float) -> Tensor:
    """p₁^-ρ with the largest probability p₁: "max" of the released code.

    Args:
        s0: Zero-shot logits [B, C].
        rho: Power ρ.

    Returns:
        Weights [B].

    Example:
        >>> largest(torch.tensor([[0.0, 0.0, 0.0, 0.0]]), 0.5).tolist()  # √4
        [2.0]
    """
    return s0.softmax(1).amax(1) ** -rho


def spread(s0: Tensor, rho: float) -> Tensor:
    """(p₁ - p_C)^-ρ with the largest probability p₁ and the smallest p_C: "max-min" of the released code.

    Args:
        s0: Zero-shot logits [B, C].
        rho: Power ρ.

    Returns:
        Weights [B].

    Example:
        >>> s0 = torch.tensor([[3.0, 1.0]]).log()  # p = (3/4, 1/4)
        >>> [round(weight, 4) for weight in spread(s0, 1.0).tolist()]
        [2.0]
    """
    p = s0.softmax(1)
    return _positive(p.amax(1) - p.amin(1)) ** -rho


def deviation(s0: Tensor, rho: float) -> Tensor:
    """Standard deviation of p over the classes, with C - 1 in the denominator: "var" of the released code.

    It has no power in the released code and, unlike the others, grows with the confidence of zero-shot CLIP.

    Args:
        s0: Zero-shot logits [B, C].
        rho: Power ρ, without effect.

    Returns:
        Weights [B], from 0 for a uniform p to 1 / √C for a certain image.

    Example:
        >>> s0 = torch.tensor([[3.0, 1.0]]).log()  # p = (3/4, 1/4): √(2 · (1/4)²)
        >>> [round(weight, 4) for weight in deviation(s0, 0.4).tolist()]
        [0.3536]
    """
    return s0.softmax(1).std(1)


def top5(s0: Tensor, rho: float) -> Tensor:
    """(p₁ - p₅)^-ρ with the largest and the fifth largest probability: "top5" of the released code.

    Args:
        s0: Zero-shot logits [B, C]; with fewer than five classes p₅ is the smallest probability.
        rho: Power ρ.

    Returns:
        Weights [B].

    Example:
        >>> s0 = torch.tensor([[12.0, 2.0, 2.0, 2.0, 2.0, 0.0]]).log()  # p₁ = 12/20, p₅ = 2/20
        >>> [round(weight, 4) for weight in top5(s0, 1.0).tolist()]
        [2.0]
    """
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
    "var": deviation,
    "top5": top5,
}

WITHOUT_POWER = ("none", "var")
"""Fusions that ρ has no effect on."""


def _mean_fourth_power(x: Tensor) -> Tensor:
    """Mean over the classes of the fourth power of each row's z-scores, [B, C] -> [B]."""
    return zscore(x).square().square().mean(1)


def _positive(difference: Tensor) -> Tensor:
    """Replace a difference of zero by the machine epsilon."""
    return difference.clamp_min(torch.finfo(difference.dtype).eps)
