"""Features that were read from foreign files: their places, their labels, and what else the files say."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

CLIP_SCALE = 100.0
"""Logit scale of every released CLIP: training clips it there (Radford et al., ICML 2021, Sec. 2.5)."""


class Place(NamedTuple):
    """Key of imported features: part ("test", "val", "support"), shots (0 unless a support set) and feature space."""

    part: str
    shots: int
    space: str

    @property
    def words(self) -> str:
        """Label for printing: "test features of clip", "support features of clip, 16 shots"."""
        return f"{self.part} features of {self.space}" + (f", {self.shots} shots" if self.shots else "")


@dataclass
class Part:
    """Features of one part in one feature space.

    Attributes:
        features: Features [V, N, D].
        labels: Class indices [N].
        file: The file that they are from.
        classes: Number of classes that the labels name: the width of one-hot labels, else the largest label plus 1.
        origins: Pieces of code or files that made features of these images: "Tip-Adapter in caches/imagenet".
    """

    features: Tensor
    labels: Tensor
    file: Path
    classes: int = 0
    origins: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Count the classes by the largest label unless the labels name more."""
        self.classes = max(self.classes, int(self.labels.max()) + 1)


@dataclass
class Given:
    """Everything that was read from the files.

    Attributes:
        parts: Features and labels.
        text: Zero-shot classifier [C, D]; None if there is none.
        logit_scale: Factor of the zero-shot logits.
        classnames: Names of the classes; None if unknown.
        origin: "text", "logit_scale", "classnames" -> the file or option that it is from.
        left_out: One line for everything that is not used, with the reason.
        notes: Remarks to print with results on these features.
    """

    parts: dict[Place, Part] = field(default_factory=dict)
    text: Tensor | None = None
    logit_scale: float = CLIP_SCALE
    classnames: list[str] | None = None
    origin: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def spaces(self) -> list[str]:
        """Feature spaces with features, CLIP's first."""
        return sorted({place.space for place in self.parts}, key=lambda space: (space != "clip", space))

    @property
    def shots(self) -> list[int]:
        """Numbers of shots with a support set in some feature space, ascending."""
        return sorted({place.shots for place in self.parts if place.part == "support"})

    def shots_of(self, space: str) -> list[int]:
        """Numbers of shots with a support set in one feature space, ascending."""
        return [shots for shots in self.shots if Place("support", shots, space) in self.parts]

    @property
    def classes(self) -> int:
        """Number of classes, C."""
        return max(part.classes for part in self.parts.values())
