"""What a predictor is given and what it gives: features, samples, the task, scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from benchmark.methods.clip import Clip

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
