"""The hundred classes: twenty families of one shape each, five species in a family.

A species has a texture, two colours, an aspect ratio and a texture frequency. The species of a family share textures in the
pattern A A B B C and colours in the pattern a b a c b, so that neither determines a species alone. The names are invented
words without a meaning outside of the captions.
"""

import numpy as np

from benchmark.mini.world.draws import Draws, Ints
from benchmark.mini.world.scenes import PALETTE
from benchmark.mini.world.shapes import SHAPE_NAMES
from benchmark.mini.world.textures import TEXTURE_NAMES

NOUNS = (
    "dax", "wug", "blick", "kiki", "bouba", "toma", "quol", "fep", "zorp", "lutt", "mib", "gromm", "drin", "sarn", "vask",
    "pell", "nolo", "tiv", "yorf", "hust",
)  # fmt: skip
ADJECTIVES = (
    "common", "great", "lesser", "royal", "tiger", "river", "mountain", "ember", "frost", "shadow", "island", "northern",
    "southern", "harbour",
)  # fmt: skip
SIBLINGS = 5
CLASSES = len(NOUNS) * SIBLINGS

_families = Draws("species", ids=np.arange(len(NOUNS)))
_species = Draws("species", ids=np.arange(CLASSES))


def _shared(name: str, n: int, pattern: tuple[int, ...]) -> Ints:
    """One of n values for each species, [100], shared within a family by the pattern."""
    return _families.permutation(name, n)[:, list(pattern)].reshape(-1)


def _second_colours(first: Ints) -> Ints:
    """For each species, the first colour of a random order that contrasts with its main colour, [100]."""
    order = _species.permutation("second colour", len(PALETTE))
    distance = np.abs(PALETTE[order] - PALETTE[first][:, None]).max(axis=2)
    return order[np.arange(CLASSES), (distance > 0.45).argmax(axis=1)]


SHAPE = np.repeat(np.arange(len(SHAPE_NAMES)), SIBLINGS)
TEXTURE = _shared("texture", len(TEXTURE_NAMES), (0, 0, 1, 1, 2))
COLOUR = _shared("colour", len(PALETTE), (0, 1, 0, 2, 1))
SECOND = _second_colours(COLOUR)
ASPECT = np.array([0.86, 1.0, 1.16], np.float32)[_species.integer("aspect", 3)]
FREQUENCY = np.array([0.7, 0.95], np.float32)[_species.integer("frequency", 2)]

_adjectives = _families.permutation("adjective", len(ADJECTIVES))[:, :SIBLINGS]
CLASSNAMES = tuple(f"{ADJECTIVES[a]} {noun}" for noun, row in zip(NOUNS, _adjectives, strict=True) for a in row)
