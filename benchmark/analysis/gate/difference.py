"""The difference of our runs from the same runs of the reference, and its error.

Two things are drawn. The test images are: the error over them comes from the answers of both sides, image by image. The path
of training is, because additions in another order change every later step, and with them the epoch and the settings that are
chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, nan, sqrt

import numpy as np

from benchmark.analysis.pairing import Images

IMAGES, COUNTS, MEANS = "images", "counts", "means"
"""Source of the error over images: the answers of both sides, the counts of each, or the intervals of two means."""


@dataclass(frozen=True)
class Difference:
    """Measured less expected, in points or in the unit of a ratio.

    Attributes:
        effect: The difference.
        variance: Its variance over test images; nan if nothing tells it.
        how: `IMAGES`, `COUNTS` or `MEANS`; empty where nothing is compared.
        exact: Whether every answer and every number is as in the reference.
        shares: Key of each run -> its weight in the effect; the weights sum to 1. Empty for `MEANS`.
        degrees: Degrees of freedom of `variance`.
        by_image: Test images -> the part of the effect that each contributes to the mean, [N]; only for `IMAGES`.
    """

    effect: float = nan
    variance: float = nan
    how: str = ""
    exact: bool = False
    shares: Mapping[str, float] = field(default_factory=dict)
    degrees: float = inf
    by_image: Mapping[Images, np.ndarray] = field(default_factory=dict, compare=False, repr=False)

    def error(self, path: float) -> tuple[float, float]:
        """Standard error of the effect.

        Args:
            path: Standard deviation of one run's number over paths of training.

        Returns:
            The error, nan where nothing tells it, and its degrees of freedom.
        """
        over_paths = path**2 * sum(share**2 for share in self.shares.values())
        return sqrt(self.variance + over_paths), self.degrees


def of_answers(by_image: Mapping[Images, np.ndarray], shares: Mapping[str, float]) -> Difference:
    """The difference by the answers to single images; images of several data sets are independent.

    Args:
        by_image: Test images -> contributions in points, [N]; the effect is the sum of their means.
        shares: Key of each run -> its weight in the effect.

    Returns:
        The difference with its variance over images.
    """
    variances = [float(values.var(ddof=1)) / len(values) for values in by_image.values() if len(values) > 1]
    return Difference(
        effect=float(sum(values.mean() for values in by_image.values())),
        variance=sum(variances) if len(variances) == len(by_image) else nan,
        how=IMAGES,
        exact=not any(values.any() for values in by_image.values()),
        shares=shares,
        by_image=by_image,
    )


def average(parts: Sequence[Difference]) -> Difference:
    """The mean of several differences by answers, image by image, because they share images and perhaps runs."""
    by_image: dict[Images, np.ndarray] = {}
    shares: dict[str, float] = {}
    for part in parts:
        for images, values in part.by_image.items():
            by_image[images] = by_image.get(images, np.zeros(len(values))) + values / len(parts)
        for key, share in part.shares.items():
            shares[key] = shares.get(key, 0.0) + share / len(parts)
    return of_answers(by_image, shares)
