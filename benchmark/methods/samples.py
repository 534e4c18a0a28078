"""Inputs and outputs of a predictor: features, samples, the task, scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from benchmark.methods.clip import Clip

Features = Mapping[str, Tensor]
"""Features [B, D] by the name of their feature space, as the encoder computed them, not normalised."""

OPTIONAL = ("clip", "generated", "sentences", "text_norms")
"""Fields of a Task that are given only to a method whose `wants` lists them."""


class Batch(NamedTuple):
    """A batch of labelled images.

    Attributes:
        x: Features [B, D] in each feature space.
        labels: Classes [B].
    """

    x: Features
    labels: Tensor


@dataclass(frozen=True)
class Samples:
    """V views of N labelled images in one or more feature spaces.

    View v of image i is one crop, of which every space holds the features.

    Attributes:
        spaces: Features [V, N, D] by name; "clip_spatial" is [V, N, P, D] with P patches, "pixels" uint8 [V, N, 3, H, W].
        labels: Classes [N], from 0 to C - 1.
    """

    spaces: Mapping[str, Tensor]
    labels: Tensor

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises:
            ValueError: There is no feature space, a space has fewer than three dimensions, or V or N differ.
        """
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
        """Number of images, N."""
        return len(self.labels)

    @property
    def views(self) -> int:
        """Number of views of each image, V."""
        return next(iter(self.spaces.values())).shape[0]

    @property
    def device(self) -> torch.device:
        """The device that methods compute on; large spaces may lie in host memory and are moved part by part."""
        devices = (value.device for value in self.spaces.values())
        return next((device for device in devices if device.type != "cpu"), torch.device("cpu"))

    def view(self, v: int = 0, index: Tensor | slice = slice(None)) -> Features:
        """Features [len(index), D] of view v modulo V of the images in `index`, by feature space."""
        return {name: value[v % self.views][index] for name, value in self.spaces.items()}

    def to(self, device: torch.device | str) -> "Samples":
        """A copy on a device."""
        spaces = {name: value.to(device) for name, value in self.spaces.items()}
        return Samples(spaces, self.labels.to(device))

    def mean(self, space: str) -> Tensor:
        """Features of one space averaged over the views, [V, N, D] -> [N, D]."""
        return self.spaces[space].mean(0)

    def only(self, spaces: Sequence[str]) -> "Samples":
        """A copy with the named feature spaces only; a missing one raises a KeyError."""
        missing = [name for name in spaces if name not in self.spaces]
        if missing:
            raise KeyError(f"no feature space {missing[0]!r}; there are {', '.join(self.spaces)}")
        return Samples({name: self.spaces[name] for name in spaces}, self.labels)


def placed(x: Features, device: torch.device) -> Features:
    """Features on a device; those that are there already are not copied."""
    if device.type == "cpu":  # from where nothing has to be moved
        return x
    return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in x.items()}


def prepared(prepare: Callable[[Features], Features], x: Features, device: torch.device) -> Features:
    """Result of a method's `prepare` of features on a device; what it passes on as it is stays in host memory."""
    moved = placed(x, device)
    made = prepare(moved)
    if all(moved[name] is value for name, value in x.items()):
        return made
    return {name: x[name] if name in x and value is moved[name] else value for name, value in made.items()}


def taken(x: Features, index: Tensor) -> Features:
    """Features of the images in `index`, on its device."""
    return {name: value[index.to(value.device)].to(index.device) for name, value in x.items()}


@dataclass(frozen=True)
class Task:
    """All data that a predictor may learn from; test images are excluded.

    All tensors and the CLIP model are on one device, on which a method creates its own tensors (`.to(task.text)`). The
    fields clip, generated, sentences and text_norms are None unless the method's `wants` lists them.

    Attributes:
        text: Zero-shot text classifier [C, D] of the prompt ensemble, rows L2-normalised.
        support: Support set, K shots of each class.
        classnames: Names of the C classes.
        val: Validation set, min(K, 4) further images of each class, or None.
        logit_scale: Factor of the cosines; 100 in the official code of Tip-Adapter, CaFo and AMU-Tuning.
        clip: Frozen CLIP model, for methods that prompt its towers.
        seed: Seed of all random numbers that the method draws.
        generated: Images from an image generator, labelled with the class of their prompt, in the spaces of the support set.
        sentences: Text classifier [C, D] of a language model's sentences instead of the templates, rows L2-normalised.
        text_norms: Lengths [C] of the mean text embeddings before normalisation, for methods that learn on these.
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
    text_norms: Tensor | None = None

    @property
    def classes(self) -> int:
        """Number of classes, C."""
        return len(self.text)

    def to(self, device: torch.device | str) -> "Task":
        """A copy on a device; the model of `clip` itself is moved, not copied."""
        moved = {name: value.to(device) for name, value in vars(self).items() if hasattr(value, "to")}
        return replace(self, **moved)

    def generator(self) -> torch.Generator:
        """Make a random generator, always in the state given by the task's seed.

        Returns:
            Generator on the CPU, where a seed gives equal numbers for every device; move the drawn tensors afterwards.
        """
        return torch.Generator(device="cpu").manual_seed(self.seed)


@dataclass(frozen=True)
class Scores:
    """Logits of a batch, with fused = zero_shot + w · bias for one weight w per image.

    Attributes:
        zero_shot: Zero-shot logits s₀ [B, C].
        bias: Logit bias [B, C], before multiplication by its weight.
        fused: Logits of the method [B, C].
    """

    zero_shot: Tensor
    bias: Tensor
    fused: Tensor
