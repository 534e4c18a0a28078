"""What a predictor is, and what it may see.

Every CLIP few-shot method is read as a logit bias, s = s₀ + w(s₀) · s_bias (Tang et al., CVPR 2024, Table 1).
A method is one class: hyper-parameters go into the constructor, the support set into `fit`, features into `scores`.
Pixels are one more feature space, so prompt methods, adapters and caches need no interface of their own.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.methods import training
from benchmark.methods.recipe import Recipe
from benchmark.methods.samples import Batch, Features, Scores, Task


class Predictor(nn.Module):
    """A few-shot method: constructed from numbers, fitted on a Task, asked for Scores.

    A subclass gives `build` (make parameters and buffers) and `scores`. `parameters()` is exactly what is trained; what
    else scoring needs (text classifier, cache keys, logit scale) is a buffer, so a state_dict holds the whole predictor.
    Every constructor argument is kept under its own name. An image is scored alone: no statistic runs over a batch.
    """

    reads: Sequence[str] = ("clip",)
    """Feature spaces that `scores` looks up."""

    wants: Sequence[str] = ()
    """Fields of the Task, out of OPTIONAL, that fitting needs."""

    recipe: Recipe | None = None
    """How it is trained; None where nothing is."""

    tunes: Mapping[str, Sequence[float]] = {}
    """Hyper-parameters that may change after training, with the values searched. The harness searches, never the method.

    "beta", which must multiply the bias and nothing else, is searched everywhere between its smallest and largest value.
    """

    feature: ClassVar[str] = "-"
    predictor: ClassVar[str] = "-"
    fusion_kind: ClassVar[str] = "-"
    """The three columns of Table 1."""

    note: ClassVar[str] = ""
    """What has to be said wherever a number of this method is shown."""

    def __init__(self) -> None:
        super().__init__()

    @classmethod
    def published(cls, dataset: str, shots: int) -> Mapping[str, Any]:
        """Constructor arguments that the authors published for a data set (by its role, "oxford_pets") at so many shots,
        where they differ from the defaults; a suite asks for them that says `published = true`.
        """
        return {}

    def build(self, task: Task) -> None:
        """Make parameters and buffers for the task; nothing is trained yet."""
        raise NotImplementedError(f"{type(self).__name__} has no build(task)")

    def fit(self, task: Task) -> None:
        """Learn from task.support, and end in eval mode."""
        self.build(task)
        if self.recipe is None:
            training.milestone(self)
        else:
            training.run(self, task, self.recipe)
        self.eval()

    def scores(self, x: Features) -> Scores:
        """Score images: x[space] = [B, D] -> Scores of [B, C]."""
        raise NotImplementedError(f"{type(self).__name__} has no scores(x)")

    def prepare(self, x: Features) -> Features:
        """What scoring makes of the features before any parameter or tunable setting comes in; here nothing.

        The harness prepares an epoch's images, and those it scores after every epoch, once. A method that overrides
        this or `match` gives `combine` too, and `scores(x)` must be `combine(match(prepare(x)))`.
        """
        return x

    def match(self, prepared: Features) -> Features:
        """What scoring makes of prepared images and the parameters before any tunable setting comes in; here nothing.

        The harness does this once for all settings that it searches.
        """
        return prepared

    def combine(self, matched: Features) -> Scores:
        """Score images that are prepared and matched already."""
        return self.scores(matched)

    def among(self, classes: Tensor) -> "Predictor":
        """The fitted predictor as it answers where only `classes` [C'] are asked about: logits [B, C'], in their order.

        Here its own logits of these classes, which is right where each class has its logit to itself. A method that works
        something out over the classes of an image (a kurtosis, a z-score) gives one in which that runs over these alone.
        """
        return _Columns(self, classes)

    def forward(self, x: Features) -> Tensor:
        """Fused logits, [B, C]."""
        return self.scores(x).fused

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the fused logits, unless the method says otherwise. The batch's images are prepared."""
        return F.cross_entropy(self.combine(self.match(batch.x)).fused, batch.labels)

    def settings(self) -> dict[str, Any]:
        """Every hyper-parameter as it stands, defaults spelt out: what a run is named by."""
        names = [name for name in inspect.signature(type(self).__init__).parameters if name != "self"]
        values = {name: getattr(self, name) for name in names}
        return {name: asdict(v) if is_dataclass(v) and not isinstance(v, type) else v for name, v in values.items()}


class _Columns(Predictor):
    """Some columns of another predictor's logits."""

    def __init__(self, whole: Predictor, classes: Tensor) -> None:
        super().__init__()
        self.whole = whole
        self.classes = classes
        self.reads = whole.reads

    def scores(self, x: Features) -> Scores:
        s = self.whole.scores(x)
        return Scores(*(part[:, self.classes] for part in (s.zero_shot, s.bias, s.fused)))
