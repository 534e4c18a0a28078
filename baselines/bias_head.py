"""The frame of heads that add beta · b(f̂) to zero-shot CLIP's logits, where b is a function of one feature space."""

from torch import Tensor

from baselines.zero_shot import TextClassifier
from benchmark.methods import Features, Predictor, Samples, Scores
from benchmark.numerics.logits import unit


class BiasHead(Predictor):
    """s = s₀ + beta · b(f̂) with the L2-normalised feature f̂ of the space `aux`; a subclass defines `bias`, and builds.

    Args:
        aux: Feature space of the bias; "clip" is CLIP's own, as the authors of these heads have it.
        beta: Weight of the bias.
    """

    feature = "CLIP"
    classifier: TextClassifier

    def __init__(self, *, aux: str, beta: float) -> None:
        super().__init__()
        self.aux = aux
        self.reads = tuple(dict.fromkeys(("clip", aux)))
        self.beta = beta

    def bias(self, f: Tensor) -> Tensor:
        """Logit bias of L2-normalised features, [B, D] -> [B, C]."""
        raise NotImplementedError(f"{type(self).__name__} has no bias(f)")

    def prepare(self, x: Features) -> Features:
        """s₀ [B, C] and f̂ [B, D]."""
        return {"s0": self.classifier(x["clip"]), "aux": unit(x[self.aux])}

    def match(self, prepared: Features) -> Features:
        """s₀ and the bias, [B, C] each."""
        return {"s0": prepared["s0"], "bias": self.bias(prepared["aux"])}

    def combine(self, matched: Features) -> Scores:
        """Add the bias; `bias` is b before multiplication by beta."""
        s0, bias = matched["s0"], matched["bias"]
        return Scores(zero_shot=s0, bias=bias, fused=s0 + self.beta * bias)

    def scores(self, x: Features) -> Scores:
        """s of the features in `reads`, [B, D] each."""
        return self.combine(self.match(self.prepare(x)))


def class_counts(support: Samples, classes: int, method: str) -> Tensor:
    """Number of support images of each class [C].

    Args:
        support: Support set.
        classes: Number of classes C.
        method: Name of the method, for the message.

    Returns:
        Counts, all positive.

    Raises:
        ValueError: A class has no support image.

    Example:
        >>> import torch
        >>> class_counts(Samples({"clip": torch.zeros(1, 3, 2)}, torch.tensor([0, 0, 1])), 2, "GDA").tolist()
        [2, 1]
    """
    counts = support.labels.bincount(minlength=classes)
    absent = (counts == 0).nonzero()
    if len(absent):
        raise ValueError(f"class {int(absent[0])} has no support image; {method} needs one of each")
    return counts
