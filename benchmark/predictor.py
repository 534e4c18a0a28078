"""What a predictor is, and what it may see.

Every CLIP few-shot method is read as a logit bias, s = s₀ + w(s₀) · s_bias (Tang et al., CVPR 2024, Table 1).
A method is one class: hyper-parameters go into the constructor, the support set into `fit`, features into `scores`.
Pixels are one more feature space, so prompt methods, adapters and caches need no interface of their own.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark import train

if TYPE_CHECKING:
    from benchmark.encoders.clip import Clip

Features = Mapping[str, Tensor]
"""Feature space -> [B, D], as the encoder gave them: nothing is normalised on the way."""

OPTIONAL = ("clip", "generated", "sentences")
"""Fields of a Task that only a method gets which says in `wants` that it needs them."""


class Batch(NamedTuple):
    """Images in every feature space, x[space] = [B, D], and their classes, labels = [B]."""

    x: Features
    labels: Tensor


@dataclass(frozen=True)
class Samples:
    """Labelled images in one or more feature spaces.

    spaces: name -> [V, N, D] (clip_spatial: [V, N, P, D], of P positions; pixels: uint8 [V, N, 3, H, W]).
    View v of image i is the same crop in every space.
    labels: [N], classes 0 … C-1.
    Raises ValueError when the spaces disagree about V or N.
    """

    spaces: Mapping[str, Tensor]
    labels: Tensor

    def __post_init__(self) -> None:
        """Check the shapes once, where they are made."""
        if not self.spaces:
            raise ValueError("Samples needs at least one feature space, e.g. spaces={'clip': [V, N, D]}")
        for name, value in self.spaces.items():
            if value.ndim < 3:
                raise ValueError(f"space {name!r} has shape {list(value.shape)}; expected [V, N, D]")
            if value.shape[0] != self.views or value.shape[1] != len(self):
                raise ValueError(
                    f"space {name!r} holds {value.shape[0]} views of {value.shape[1]} images;"
                    f" expected {self.views} views of {len(self)} images, as many as there are labels"
                )

    def __len__(self) -> int:
        """How many images, N."""
        return len(self.labels)

    @property
    def views(self) -> int:
        """How many views of every image, V."""
        return next(iter(self.spaces.values())).shape[0]

    def view(self, v: int = 0, index: Tensor | slice = slice(None)) -> Features:
        """View v (counted modulo V) of the images in `index`: space -> [len(index), D]."""
        return {name: value[v % self.views][index] for name, value in self.spaces.items()}

    def to(self, device: torch.device | str) -> "Samples":
        """The same images on a device."""
        spaces = {name: value.to(device) for name, value in self.spaces.items()}
        return Samples(spaces, self.labels.to(device))

    def mean(self, space: str) -> Tensor:
        """Mean over the views of one space, [V, N, D] -> [N, D]."""
        return self.spaces[space].mean(0)

    def only(self, spaces: Sequence[str]) -> "Samples":
        """The same images in the named spaces alone; KeyError names a space that is not there."""
        missing = [name for name in spaces if name not in self.spaces]
        if missing:
            raise KeyError(f"no feature space {missing[0]!r}; there are {', '.join(self.spaces)}")
        return Samples({name: self.spaces[name] for name in spaces}, self.labels)


@dataclass(frozen=True)
class Task:
    """Everything that a predictor may learn from. The test images are not in it.

    classnames: C names.  text: [C, D] unit rows, the zero-shot classifier (prompt ensemble).
    support: K images of each class.  val: min(K, 4) other images of each class, or None.
    logit_scale: multiplies the cosine (the official code of Tip-Adapter, CaFo and AMU writes 100).
    seed: of everything that the method draws.
    clip: the frozen model, for methods that prompt its towers.
    generated: images that no camera made, labelled by the class they were asked for, in the spaces of the support set.
    sentences: [C, D] unit rows, a text classifier from a language model's sentences in place of the templates.
    Each of these three is None unless the method `wants` it.
    All tensors, and the frozen model, are on one device; what a method makes goes there too (`.to(task.text)`).
    """

    text: Tensor
    support: Samples
    classnames: Sequence[str] = ()
    val: Samples | None = None
    logit_scale: float = 100.0
    clip: "Clip | None" = None
    seed: int = 1
    generated: Samples | None = None
    sentences: Tensor | None = None

    @property
    def classes(self) -> int:
        """How many classes, C."""
        return len(self.text)

    def to(self, device: torch.device | str) -> "Task":
        """The task on a device, `clip` moved itself: a method fitted on it works there."""
        moved = {name: value.to(device) for name, value in vars(self).items() if hasattr(value, "to")}
        return replace(self, **moved)

    def generator(self) -> torch.Generator:
        """A fresh random generator at the task's seed: the same draws each time it is asked for.

        It draws on the CPU whatever the device, where the same seed gives the same numbers; move them afterwards.
        """
        return torch.Generator(device="cpu").manual_seed(self.seed)


@dataclass(frozen=True)
class Scores:
    """Logits of a batch, each [B, C]: fused = zero_shot + w · bias with a weight w per image."""

    zero_shot: Tensor
    bias: Tensor
    fused: Tensor


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

    recipe: "train.Recipe | None" = None
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
            train.milestone(self)
        else:
            train.run(self, task, self.recipe)
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
