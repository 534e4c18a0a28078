"""Check of features for values that are not finite, before they are kept."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.core.errors import BenchError
from benchmark.encoders.encoder import Encoder
from benchmark.exhibits.run import SPATIAL
from benchmark.features.requests import Request, images_of
from benchmark.suites.world import World


def check(requests: Sequence[Request], ids: np.ndarray, made: Sequence[Tensor], world: World) -> None:
    """Check the features of images in several spaces.

    Args:
        requests: one for each feature space.
        ids: ids of the images, [N].
        made: features, [V, N, ...], one tensor for each request.
        world: suite on this machine.

    Raises:
        BenchError: if a value is not finite; the message names the encoder, its file and the first such image.
    """
    for request, features in zip(requests, made, strict=True):
        if features.is_floating_point() and not torch.isfinite(features).all():
            finite = torch.isfinite(features.transpose(0, 1).flatten(1)).all(1)
            broken = ids[~finite.numpy()]
            encoder = world.encoder(request.role.removesuffix(SPATIAL))
            raise BenchError(
                f"{encoder.words}: features of {len(broken):,} of {len(ids):,} images are not finite, the first of "
                f"{_name(request, broken[:1], world)}; they are not kept: {_remedy(world)}"
            )


def check_text(encoder: Encoder, classnames: Sequence[str], made: Tensor, logit_scale: float, world: World) -> None:
    """Check a zero-shot classifier.

    Args:
        encoder: the encoder with the text tower.
        classnames: names of the C classes.
        made: the classifier, [C, D].
        logit_scale: factor of its cosines.
        world: suite on this machine.

    Raises:
        BenchError: if a value is not finite; the message names the encoder, its file and the first such class.
    """
    broken = (~torch.isfinite(made).all(1)).nonzero().flatten().tolist()
    if broken:
        raise BenchError(
            f"{encoder.words}: text features of {len(broken):,} of {len(made):,} classes are not finite, the first of "
            f"{classnames[broken[0]]!r}; they are not kept: {_remedy(world)}"
        )
    if not isfinite(logit_scale):
        raise BenchError(f"{encoder.words}: its logit scale is {logit_scale}; {_remedy(world)}")


def _name(request: Request, broken: np.ndarray, world: World) -> str:
    """The file of an image, or its number where it has none."""
    dataset: Any = world.dataset(request.dataset)
    split = images_of(request, world).split
    if split != "generated" and hasattr(dataset, "stored"):
        return str(dataset.stored(split, broken)[0])
    return f"{request.part} image {broken[0]} of {request.dataset}"


def _remedy(world: World) -> str:
    precision = world.settings.precision
    if precision != "fp32":
        return f"take --precision fp32, as {precision} may be too narrow for this network"
    return "get another copy of its weights; bench doctor --deep looks into them"
