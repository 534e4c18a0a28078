"""The hundred classes: twenty families of one shape each, five species in a family.

A species is a texture, two colours, a proportion and a texture frequency. Siblings share them in pairs, as breeds do:
textures A A B B C and colours a b a c b, so that neither tells a species alone. The names are invented: they mean
nothing but what the captions make of them.
"""

import numpy as np

from benchmark.mini.world.draws import Draws, Ints
from benchmark.mini.world.scenes import PALETTE
from benchmark.mini.world.shapes import SHAPE_NAMES
from benchmark.mini.world.textures import TEXTURE_NAMES

NOUNS = tuple(
    [
        "dax",
        "wug",
        "blick",
        "kiki",
        "bouba",
        "toma",
        "quol",
        "fep",
        "zorp",
        "lutt",
        "mib",
        "gromm",
        "drin",
        "sarn",
        "vask",
        "pell",
        "nolo",
        "tiv",
        "yorf",
        "hust",
    ]
)
ADJECTIVES = tuple(
    [
        "common",
        "great",
        "lesser",
        "royal",
        "tiger",
        "river",
        "mountain",
        "ember",
        "frost",
        "shadow",
        "island",
        "northern",
        "southern",
        "harbour",
    ]
)
SIBLINGS = 5
CLASSES = len(NOUNS) * SIBLINGS

_families = Draws("species", ids=np.arange(len(NOUNS)))
_species = Draws("species", ids=np.arange(CLASSES))


def _shared(name: str, n: int, pattern: tuple[int, ...]) -> Ints:
    """One of n values for each species, shared inside a family by the pattern, [100]."""
    return _families.permutation(name, n)[:, list(pattern)].reshape(-1)


def _second_colours(first: Ints) -> Ints:
    """For each species the first colour in a random order that stands out against its main colour, [100]."""
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
