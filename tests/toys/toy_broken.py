"""Encoders whose features are not finite, and images with files."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from toy_world import Squares

from benchmark.encoders.encoder import Encoder, Loaded
from benchmark.methods.contract.toy import toy_clip


class Filed(Squares):
    """Squares that have files, or so they say, as large as photographs."""

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        return super().images(split, ids).repeat(28, 1).repeat(28, 2)

    def stored(self, split: str, ids: np.ndarray) -> list[Path]:
        return [Path(f"/squares/{split}/{i}.png") for i in ids]


def endless(role: str, at: float = 1e9) -> Encoder:
    """Features that are infinite for images whose first pixel is above `at`."""

    def forward(images: Tensor) -> Tensor:
        first = images[:, 0, 0, 0].float()
        return torch.where(first > at, torch.inf, first)[:, None].repeat(1, 4)

    return Encoder(role, f"endless-{at}", lambda: Loaded(forward), "/weights/own.pt")


def broken_clip(role: str, where: str) -> Encoder:
    """A CLIP whose text features or logit scale are no numbers."""
    clip = toy_clip()
    clip.model.get_parameter(where).data.fill_(torch.nan)
    return Encoder(role, f"broken-{where}", lambda: Loaded(lambda images: images, clip), "/weights/clip.pt")
