"""Random crops that methods are trained on: their scale, the smallest and the largest share of an image's area."""

from collections.abc import Iterable

Crops = tuple[float, float]
"""Smallest and largest share of an image's area that a crop covers."""

SCALE: Crops = (0.5, 1.0)  # Tip-Adapter, CaFo and AMU-Tuning, datasets/*.py
"""Scale of the crops where a method names no other."""


def words(scale: Crops) -> str:
    """A scale for people: "0.08 to 1"."""
    return f"{scale[0]:g} to {scale[1]:g}"


def listed(crops: Iterable[tuple[str, str]]) -> str:
    """Pairs of words on crops and the name of a method, in one text: "0.08 to 1 for CoOp, CoCoOp; none for LP-CLIP"."""
    names: dict[str, dict[str, None]] = {}
    for said, name in crops:
        names.setdefault(said, {})[name] = None
    return "; ".join(f"{said} for {', '.join(found)}" for said, found in names.items())
