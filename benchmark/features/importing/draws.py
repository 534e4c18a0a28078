"""Whether features from several sources are of the same images, as far as the features show it.

Caches of released code hold neither file names nor seeds, and labels are equal for every draw. Two files of features in one
space are compared directly. Features in two spaces share no axis, but images that are alike in one are rather alike in
another: where two files are of the same images in one order, the similarities between images of a class go together.
"""

from math import inf

import numpy as np
import torch
from torch import Tensor

from benchmark.core.errors import BenchError
from benchmark.features.importing.given import Given, Part, Place
from benchmark.numerics.logits import unit

PARALLEL = 0.99
"""Least cosine of two features of one image without augmentation; half precision leaves more than 0.999."""

SIGMAS = 3.0
"""Standard errors by which the mean correlation over classes lies above zero where features are of the same images."""

WIDEST = 64
"""Images of a class that are compared with one another; more say nothing new."""

SEEDS = "Tip-Adapter draws with seed 1, AMU-Tuning and CaFo with 2 on ImageNet"
"""Seeds of the authors' README files and configurations."""


def join(before: Part, now: Part, place: Place) -> None:
    """Note in `before` that `now`, features in the same space, is of the same images.

    A support set may have been augmented differently, so that its features are similar and not equal.

    Args:
        before: Features that are kept.
        now: Features of the same place from another file.
        place: Part, shots and space of both.

    Raises:
        BenchError: If the files are of other images, of another order, or of another encoder.
    """
    check_labels(before, now)
    check_width(before, now)
    left, right = (unit(part.features.float().mean(0)) for part in (before, now))
    if bool(((left * right).sum(-1) > PARALLEL).all()):
        before.origins |= now.origins
    elif place.part != "support" or _at_own_place(left, right, before.labels) is False:
        raise BenchError(
            f"{before.file} and {now.file} are not of the same images, though their labels agree: their {place.words} differ;"
            " import those that were made together"
        )
    elif _at_own_place(left, right, before.labels):
        before.origins |= now.origins


def check_labels(first: Part, second: Part) -> None:
    """Raise BenchError where two parts have other labels."""
    if not torch.equal(first.labels, second.labels):
        raise BenchError(f"{second.file} and {first.file} are not of the same images: their labels differ")


def check_width(first: Part, second: Part) -> None:
    """Raise BenchError where two parts have features of another width."""
    if first.features.shape[2] != second.features.shape[2]:
        widths = f"{second.features.shape[2]} and {first.features.shape[2]}"
        raise BenchError(f"{second.file} and {first.file} are not of one encoder: features of width {widths}")


def _at_own_place(left: Tensor, right: Tensor, labels: Tensor) -> bool | None:
    """Whether most images are most similar to the one at their own place among those of their class; None for one a class."""
    places = [(labels == c).nonzero()[:WIDEST, 0] for c in labels.unique()]
    places = [ids for ids in places if len(ids) > 1]
    if not places:
        return None
    own = [((left[ids] @ right[ids].T).argmax(1) == torch.arange(len(ids))).float().mean() for ids in places]
    chance = np.mean([1 / len(ids) for ids in places])
    return bool(torch.stack(own).mean() > (1 + chance) / 2)


def note(given: Given) -> None:
    """Add a note on features in two spaces that were made apart and do not show that they are of the same images."""
    found: dict[tuple[str, str], list[Place]] = {}
    for place, part in given.parts.items():
        first = given.parts[Place(place.part, place.shots, "clip")]
        if not first.origins & part.origins and _together(first, part) < SIGMAS:
            found.setdefault((place.part, place.space), []).append(place)
    for (part_name, space), places in found.items():
        shots = ", ".join(str(place.shots) for place in places if place.shots)
        first, other = (given.parts[places[0]._replace(space=name)] for name in ("clip", space))
        seeds = f"; {SEEDS}" if first.file.suffix == other.file.suffix == ".pt" else ""
        given.notes.append(
            f"{part_name} features of clip{f', {shots} shots,' if shots else ''} ({first.file.name}) and of {space}"
            f" ({other.file.name}) were made apart, and it cannot be seen in them that they are of the same images in one"
            f" order, though their labels agree{seeds}"
        )


def _together(first: Part, second: Part) -> float:
    """By how many standard errors similarities of images of a class go together in two spaces; 0 where it cannot be said."""
    labels = first.labels
    places = [ids for c in labels.unique() if len(ids := (labels == c).nonzero()[:WIDEST, 0]) > 2]
    both = [torch.stack([_similarities(part.features[:, ids]) for part in (first, second)]) for ids in places]
    found = [float(torch.corrcoef(pair)[0, 1]) for pair in both if bool((pair.amax(1) > pair.amin(1)).all())]
    if len(found) < 2:
        return 0.0
    mean, error = np.mean(found), np.std(found, ddof=1) / np.sqrt(len(found))
    return float(mean / error) if error else inf * float(np.sign(mean)) if mean else 0.0


def _similarities(features: Tensor) -> Tensor:
    """Cosines between all pairs of images of a class, [V, N, D] -> [N (N - 1) / 2], seen from their mean."""
    whole = features.float().mean(0)
    centred = unit(whole - whole.mean(0))
    return (centred @ centred.T)[*torch.triu_indices(len(centred), len(centred), 1)]
