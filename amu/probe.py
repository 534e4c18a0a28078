"""Selection of an auxiliary feature by superiority and complementarity (Eq. 5, section 4.1 of AMU-Tuning).

Each feature is judged by the logits of a linear probe that is trained on it alone (`amu.heads.LinearProbe`). Complementarity
is computed in benchmark.records.metrics, because every run's record contains it, and re-exported here.
"""

import math
from collections.abc import Mapping

from torch import Tensor

from benchmark.records.metrics import complementarity, cosine

__all__ = ["complementarity", "cosine", "select", "superiority", "top"]


def superiority(logits: Tensor, labels: Tensor) -> float:
    """SUP of AMU-Tuning: the accuracy of the probe's logits alone.

    Args:
        logits: Logits of the probe [N, C].
        labels: Classes [N].

    Returns:
        Accuracy, 0 to 1.

    Example:
        >>> import torch
        >>> superiority(torch.tensor([[2.0, 1.0], [0.0, 3.0]]), torch.tensor([0, 0]))
        0.5
    """
    return (logits.argmax(1) == labels).double().mean().item()


def select(sup: Mapping[str, float], cmy: Mapping[str, float], k: int, m: int) -> list[str]:
    """Select the features that are in the top k by superiority and in the top m by complementarity (section 4.1).

    The paper gives neither k nor m, and does not say how to resolve ties. Here a feature tied with the last of the top
    belongs to it. Values of k or m below 1 and NaN raise a ValueError too, in `top`.

    Args:
        sup: Superiority of each feature.
        cmy: Complementarity of each feature.
        k: Number of features taken by superiority.
        m: Number of features taken by complementarity.

    Returns:
        Features in descending superiority, equal ones in the order of `sup`; empty if no feature is in both.

    Raises:
        ValueError: `sup` and `cmy` have different features.

    Example:
        >>> select({"dino": 0.6, "mocov3": 0.7, "mae": 0.5}, {"dino": 0.9, "mocov3": 0.8, "mae": 0.1}, k=1, m=2)
        ['mocov3']
    """
    if sup.keys() != cmy.keys():
        raise ValueError(f"superiority of {', '.join(sup)}, but complementarity of {', '.join(cmy)}")
    chosen = set(top(sup, k)) & set(top(cmy, m))
    return sorted((name for name in sup if name in chosen), key=lambda name: -sup[name])


def top(values: Mapping[str, float], k: int) -> list[str]:
    """Find the names with the k largest values.

    Args:
        values: Value of each name.
        k: Number of names, at least 1.

    Returns:
        Names in the order of `values`: more than k if others tie with the k-th, all if there are fewer than k.

    Raises:
        ValueError: `k` is below 1, or a value is NaN.

    Example:
        >>> top({"a": 3, "b": 2, "c": 2, "d": 1}, 2)
        ['a', 'b', 'c']
    """
    if k < 1:
        raise ValueError(f"the top {k} of {len(values)} features: give at least 1")
    if unknown := [name for name, value in values.items() if math.isnan(value)]:
        raise ValueError(f"the value of {unknown[0]} is NaN, so it has no rank")
    least = sorted(values.values(), reverse=True)[:k][-1:]
    return [name for name, value in values.items() if value >= least[0]]
