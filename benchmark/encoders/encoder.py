"""The interface of encoders: frozen networks in eval mode that map images to features."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor

from benchmark.core.devices import CPU
from benchmark.core.resizing import USUAL, Resizing
from benchmark.methods.clip import Clip, Texts

Loader = TypeVar("Loader", bound=Callable[..., Any])


def text_tower(has: bool) -> Callable[[Loader], Loader]:
    """Decorator of a loader that says whether its encoders can be backbones, which is then known without loading one."""

    def mark(loader: Loader) -> Loader:
        loader.text_tower = has  # type: ignore[attr-defined]
        return loader

    return mark


@dataclass(frozen=True)
class Loaded:
    """An encoder in memory; optional parts are None.

    forward: images, uint8 [B, 3, H, W] -> image features [B, D] in the precision of the network. Includes the standardisation
        of pixels; features are not L2-normalised.
    clip: for a CLIP, the model with its text tower.
    spatial: images, uint8 [B, 3, H, W] -> P patch features an image, in the joint space of CLIP, [B, P, D].
    pooled: patch features [B, P, D] -> image features [B, D], for an encoder that computes image features from patch
        features, so that one forward pass gives both.
    texts: source of zero-shot classifiers for an encoder without a text tower.
    device: device of images and features; for published networks the one set by --device.
    """

    forward: Callable[[Tensor], Tensor]
    clip: Clip | None = None
    spatial: Callable[[Tensor], Tensor] | None = None
    pooled: Callable[[Tensor], Tensor] | None = None
    texts: Texts | None = None
    device: torch.device = CPU


class Encoder:
    """One feature space of a suite.

    role: name of the encoder in the suite, such as "RN50" or "mocov3".
    fingerprint: hash of the weights and of the options of their use.
    load: builds the network; called at the first encoding, so that a look-up of stored features builds no network.
    source: file of the weights, for messages; "" if unknown.
    resizing: size and interpolation of the images that it takes; data sets of photographs make them so.
    width, places: numbers of an image feature, and number of patch features; 0 where only the network knows it.
    prompts: why methods cannot prompt its towers as those of OpenAI's CLIP; "" if they can, or it is no CLIP.
    """

    def __init__(
        self,
        role: str,
        fingerprint: str,
        load: Callable[[], Loaded],
        source: str = "",
        resizing: Resizing = USUAL,
        prompts: str = "",
        width: int = 0,
        places: int = 0,
    ) -> None:
        self.role = role
        self.fingerprint = fingerprint
        self.source = source
        self.resizing = resizing
        self.prompts = prompts
        self.width = width
        self.places = places
        self._load = load

    @property
    def words(self) -> str:
        """Name for messages: "encoder mocov3 (/weights/r-50-1000ep.pth.tar)"."""
        return f"encoder {self.role}" + (f" ({self.source})" if self.source else "")

    @cached_property
    def loaded(self) -> Loaded:
        """The network, built at first use."""
        return self._load()

    def unload(self) -> None:
        """Drop the network, which is built anew at its next use."""
        self.__dict__.pop("loaded", None)

    @property
    def clip(self) -> Clip | None:
        """The CLIP with this encoder as its image tower; None for other encoders."""
        return self.loaded.clip

    @property
    def text(self) -> Texts | None:
        """The source of zero-shot classifiers in the space of this encoder, if there is one."""
        return self.loaded.clip or self.loaded.texts

    @torch.no_grad()
    def forward(self, images: Tensor, spatial: bool = False) -> Tensor:
        """Encode one batch of images.

        Args:
            images: uint8 [B, 3, H, W] on `loaded.device`.
            spatial: whether to return patch features.

        Returns:
            Image features [B, D] or patch features [B, P, D], on `loaded.device`, in the precision of the network.

        Raises:
            ValueError: if the encoder has no patch features.
        """
        forward = self.loaded.spatial if spatial else self.loaded.forward
        if forward is None:
            raise ValueError(f"{self.role} has no spatial features")
        return forward(images)

    def encode(self, images: Tensor, batch_size: int, spatial: bool = False) -> Tensor:
        """Encode images in batches.

        Args:
            images: uint8 [N, 3, H, W] on any device.
            batch_size: images in a forward pass.
            spatial: whether to return patch features; raises ValueError if the encoder has none.

        Returns:
            Image features [N, D] or patch features [N, P, D], float32 on the device of `images`.
        """
        batches = images.split(batch_size)
        return torch.cat([self.forward(b.to(self.loaded.device), spatial).float().to(images.device) for b in batches])
