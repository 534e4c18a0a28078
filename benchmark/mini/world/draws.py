"""Counter-based random numbers: each is a pure function of (keys, image id, name of the factor).

An image therefore depends neither on its batch nor on the order in which factors are drawn, and a new factor leaves all
existing ones unchanged. The mixer is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014).
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(z: Words) -> Words:
    """The finaliser of SplitMix64, elementwise, modulo 2^64."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@cache
def word(key: str) -> int:
    """The 64-bit FNV-1a hash of the UTF-8 bytes of a name."""
    value = 0xCBF29CE484222325
    for byte in key.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


class Draws:
    """Random numbers of the images `ids`, [N] non-negative integers, under a chain of keys.

    Keys are names or numbers, such as ("pretrain", "pose", view). Each method takes the name of a factor.
    """

    def __init__(self, *keys: str | int, ids: ArrayLike) -> None:
        state = np.zeros(1, np.uint64)
        for key in keys:
            state = mix((state ^ np.uint64(word(str(key)))) + GOLDEN)
        self._state: Words = mix(np.asarray(ids).astype(np.uint64) * GOLDEN + state)

    def bits(self, name: str) -> Words:
        """24 random bits an image, [N]."""
        return mix((self._state ^ np.uint64(word(name))) + GOLDEN) >> np.uint64(40)

    def uniform(self, name: str, low: float = 0.0, high: float = 1.0) -> Floats:
        """Uniform on [low, high), [N]; bit-identical on all machines."""
        unit = self.bits(name).astype(np.float32) * np.float32(2.0**-24)
        return unit * np.float32(high - low) + np.float32(low)

    def integer(self, name: str, n: int) -> Ints:
        """Uniform on 0 .. n-1, [N]."""
        return ((self.bits(name) * np.uint64(n)) >> np.uint64(24)).astype(np.int64)

    def chance(self, name: str, p: float) -> NDArray[np.bool_]:
        """True with probability p, [N]."""
        return self.uniform(name) < np.float32(p)

    def vector(self, name: str, n: int, low: float = 0.0, high: float = 1.0) -> Floats:
        """n independent uniforms an image, [N, n]."""
        return np.stack([self.uniform(f"{name}/{i}", low, high) for i in range(n)], axis=1)

    def permutation(self, name: str, n: int) -> Ints:
        """A random order of 0 .. n-1 an image, [N, n]."""
        return np.argsort(self.vector(name, n), axis=1, kind="stable")
