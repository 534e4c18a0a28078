"""The interface of a few-shot method.

Every CLIP few-shot method is a logit bias, s = s₀ + w(s₀) · s_bias (Tang et al., CVPR 2024, Table 1). A method is
a class: the constructor takes hyper-parameters, `fit` the task with its support set, `scores` the features of images. Pixels
are a feature space too, so that prompt learning, adapters and caches share this interface.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.core.digest import Json
from benchmark.methods import training
from benchmark.methods.choice import Released
from benchmark.methods.crops import SCALE, Crops
from benchmark.methods.recipe import Recipe
from benchmark.methods.samples import Batch, Features, Scores, Task


class Predictor(nn.Module):
    """A few-shot method: constructed from hyper-parameters, fitted on a Task, and applied to features to give Scores.

    A subclass implements `build` (parameters and buffers) and `scores`. Exactly the trained tensors are parameters; all other
    tensors that scoring needs (text classifier, cache keys, logit scale) are buffers, so a state_dict contains the whole
    predictor. Every constructor argument is stored as an attribute of its name. The scores of an image do not depend on other
    images of the batch.
    """

    reads: Sequence[str] = ("clip",)
    """Feature spaces that `scores` reads."""

    wants: Sequence[str] = ()
    """Fields of the Task, among `OPTIONAL`, that fitting needs."""

    recipe: Recipe | None = None
    """Training settings; None for a method without training."""

    tunes: Mapping[str, Sequence[float]] = {}
    """Hyper-parameters that may change after training, with the values that the harness searches.

    "beta" must multiply the bias and nothing else; it is searched exactly between its smallest and its largest value.
    """

    feature: ClassVar[str] = "-"
    """Table 1, column feature: the features of the logit bias, for example "CLIP" or "Aux"."""

    predictor: ClassVar[str] = "-"
    """Table 1, column predictor: the predictor of the logit bias, for example "LP" or "Cache"."""

    fusion_kind: ClassVar[str] = "-"
    """Table 1, column fusion: how the logit bias is weighted, for example "Manual Tuning"."""

    crops: ClassVar[Crops | None] = SCALE
    """Scale of the random crops in the authors' code, shares of the image's area; None for training on images as tested."""

    released: ClassVar[Released] = Released()
    """Choice of epoch and tunable settings in the authors' code, with its source; by default none: the last epoch."""

    note: ClassVar[str] = ""
    """Remark shown with every result of this method."""

    def __init__(self) -> None:
        super().__init__()

    @classmethod
    def published(cls, dataset: str, shots: int) -> Json:
        """Look up constructor arguments that the authors published, used by a suite with `published = true`.

        Args:
            dataset: Role of a data set in a suite, for example "oxford_pets".
            shots: Number of shots.

        Returns:
            Arguments that differ from the defaults.
        """
        return {}

    def build(self, task: Task) -> None:
        """Create parameters and buffers for the task, without training."""
        raise NotImplementedError(f"{type(self).__name__} has no build(task)")

    def fit(self, task: Task) -> None:
        """Build the predictor, train it on the support set if it has a recipe, and leave it in eval mode."""
        self.build(task)
        if self.recipe is None:
            training.milestone(self)
        else:
            training.run(self, task, self.recipe)
        self.eval()

    def scores(self, x: Features) -> Scores:
        """Compute the logits [B, C] of images from their features x[space] of shape [B, D]."""
        raise NotImplementedError(f"{type(self).__name__} has no scores(x)")

    def prepare(self, x: Features) -> Features:
        """Compute the part of scoring that depends neither on parameters nor on tunable hyper-parameters.

        The harness calls it once for the images of an epoch and once for the images that it scores after every epoch. A
        method that overrides `prepare` or `match` overrides `combine` too, such that scores(x) = combine(match(prepare(x))).

        Args:
            x: Features [B, D] by feature space.

        Returns:
            Input of `match`; by default x.
        """
        return x

    def match(self, prepared: Features) -> Features:
        """Compute the part of scoring that depends on parameters but not on tunable hyper-parameters.

        The harness calls it once for all values of a search.

        Args:
            prepared: Output of `prepare`.

        Returns:
            Input of `combine`; by default `prepared`.
        """
        return prepared

    def combine(self, matched: Features) -> Scores:
        """Compute the logits [B, C] from the output of `match`."""
        return self.scores(matched)

    def among(self, classes: Tensor) -> "Predictor":
        """Restrict the fitted predictor to some classes, for data sets that contain only these.

        By default the logits of all other classes are dropped, which is exact if the logit of a class does not depend on
        other classes. A method with a statistic over an image's classes (a kurtosis, a z-score) overrides `among` such that
        the statistic is computed over `classes` only.

        Args:
            classes: Indices of the classes [C'].

        Returns:
            Predictor with logits [B, C'] in the order of `classes`.
        """
        return _Columns(self, classes)

    def forward(self, x: Features) -> Tensor:
        """Fused logits, [B, C]."""
        return self.scores(x).fused

    def loss(self, batch: Batch) -> Tensor:
        """Loss of a batch whose features are the output of `prepare`; by default cross-entropy of the fused logits."""
        return F.cross_entropy(self.combine(self.match(batch.x)).fused, batch.labels)

    def settings(self) -> Json:
        """Current values of all constructor arguments, which identify a run."""
        names = [name for name in inspect.signature(type(self).__init__).parameters if name != "self"]
        values = {name: getattr(self, name) for name in names}
        return {name: asdict(v) if is_dataclass(v) and not isinstance(v, type) else v for name, v in values.items()}


class _Columns(Predictor):
    """A predictor whose logits are some columns of those of another predictor."""

    def __init__(self, whole: Predictor, classes: Tensor) -> None:
        super().__init__()
        self.whole = whole
        self.classes = classes
        self.reads = whole.reads

    def scores(self, x: Features) -> Scores:
        s = self.whole.scores(x)
        return Scores(*(part[:, self.classes] for part in (s.zero_shot, s.bias, s.fused)))
