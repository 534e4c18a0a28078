"""Which auxiliary feature? Superiority, complementarity (Eq. 5) and the rule of section 4.1 of AMU-Tuning.

Each feature is judged by the logits of a linear probe that was trained on it alone (`amu.heads.LinearProbe`). Every run's
record keeps the complementarity of its logits, so the formula is the harness's (benchmark.records.metrics) and named here.
"""

import math
from collections.abc import Mapping

from torch import Tensor

from benchmark.records.metrics import complementarity, cosine

__all__ = ["complementarity", "cosine", "select", "superiority", "top"]


def superiority(logits: Tensor, labels: Tensor) -> float:
    """SUP: the share of images [N] that the probe's logits [N, C] alone put into their class, 0 to 1."""
    return (logits.argmax(1) == labels).double().mean().item()


def select(sup: Mapping[str, float], cmy: Mapping[str, float], k: int, m: int) -> list[str]:
    """Features among the Top-K in superiority and the Top-M in complementarity at once, the most superior first.

    The paper names the rule, and gives neither K nor M, nor what to do about ties or when no feature is in both. Here
    a tie with the last of the top is in too (see `top`), features equal in superiority keep the order they are given in,
    and where none is in both the answer is empty: the rule then picks nothing.
    ValueError when k or m is below 1, a number is NaN, or the two do not speak of the same features.
    """
    if sup.keys() != cmy.keys():
        raise ValueError(f"superiority of {', '.join(sup)}, but complementarity of {', '.join(cmy)}")
    chosen = set(top(sup, k)) & set(top(cmy, m))
    return sorted((name for name in sup if name in chosen), key=lambda name: -sup[name])


def top(values: Mapping[str, float], k: int) -> list[str]:
    """The k names with the largest values, in the order given, and whoever equals the k-th: a tie decides nothing.

    All of them where there are no more than k. ValueError when k is below 1 or a value is NaN.
    """
    if k < 1:
        raise ValueError(f"the top {k} of {len(values)} features: give at least 1")
    if unknown := [name for name, value in values.items() if math.isnan(value)]:
        raise ValueError(f"the value of {unknown[0]} is NaN, so it has no rank")
    least = sorted(values.values(), reverse=True)[:k][-1:]
    return [name for name, value in values.items() if value >= least[0]]
