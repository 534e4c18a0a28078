"""The size that images are resized to for an encoder, and the interpolation."""

from typing import NamedTuple

KERNELS = ("bicubic", "bilinear")
"""Interpolations of PIL that published encoders are evaluated with, by their names in timm and open_clip."""


class Resizing(NamedTuple):
    """How an encoder wants its images.

    Attributes:
        side: Side of the square images in pixels.
        kernel: Interpolation, one of `KERNELS`.
    """

    side: int = 224
    kernel: str = "bicubic"

    @property
    def words(self) -> str:
        """Text such as "518 pixels, bicubic"."""
        return f"{self.side} pixels, {self.kernel}"


USUAL = Resizing()
"""Size and kernel of OpenAI's CLIPs, of the released code of few-shot methods, and of every encoder of the paper."""
