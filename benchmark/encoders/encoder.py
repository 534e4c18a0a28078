"""What an encoder is to the harness: frozen, in eval mode, images in, features out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from benchmark.core.devices import CPU
from benchmark.methods.clip import Clip, Texts


@dataclass(frozen=True)
class Loaded:
    """An encoder in memory.

    forward: uint8 [B, 3, H, W] -> features [B, D], its own normalisation included, in the precision that it works in.
    clip: the whole model with its text tower, where it has one.
    spatial: uint8 [B, 3, H, W] -> features at P places of the image in CLIP's joint space, [B, P, D], where it has them.
    pooled: [B, P, D] -> [B, D], where the features of the whole image are made of those at its places: who wants both
    then looks at the image once.
    texts: what gives its zero-shot classifiers where it has no text tower.
    device: where it takes its images and gives its features; published networks go where --device says.
    """

    forward: Callable[[Tensor], Tensor]
    clip: Clip | None = None
    spatial: Callable[[Tensor], Tensor] | None = None
    pooled: Callable[[Tensor], Tensor] | None = None
    texts: Texts | None = None
    device: torch.device = CPU


class Encoder:
    """One feature space of a suite.

    role: its name there ("RN50", "mocov3").
    fingerprint: sha256 of its weights and, where there is a choice, of how they are used.
    load: builds the network; called only when something is encoded, so that asking what is stored needs no network.
    """

    def __init__(self, role: str, fingerprint: str, load: Callable[[], Loaded]) -> None:
        self.role = role
        self.fingerprint = fingerprint
        self._load = load

    @cached_property
    def loaded(self) -> Loaded:
        """The network, built at first use."""
        return self._load()

    @property
    def clip(self) -> Clip | None:
        """The CLIP model that this is the image tower of, if it is one."""
        return self.loaded.clip

    @property
    def text(self) -> Texts | None:
        """What gives zero-shot classifiers in this encoder's space, if anything does."""
        return self.loaded.clip or self.loaded.texts

    @torch.no_grad()
    def forward(self, images: Tensor, spatial: bool = False) -> Tensor:
        """Features of uint8 images [B, 3, H, W] as the network gives them, [B, D], or [B, P, D] with `spatial`.

        Images are taken, and features given, on `loaded.device`, in the precision that the network works in.
        ValueError where the encoder has no features by place.
        """
        forward = self.loaded.spatial if spatial else self.loaded.forward
        if forward is None:
            raise ValueError(f"{self.role} has no spatial features")
        return forward(images)

    def encode(self, images: Tensor, batch_size: int, spatial: bool = False) -> Tensor:
        """Features of uint8 images [N, 3, H, W], wherever they are, batch by batch -> float32 [N, D], or [N, P, D]."""
        batches = images.split(batch_size)
        return torch.cat([self.forward(b.to(self.loaded.device), spatial).float().to(images.device) for b in batches])
