"""Captions of the images, short, incomplete and sometimes wrong like those of the web; and their tokenizer.

A caption names the main object by its species, family or shape, and mentions some of texture, colour, size, number, relation
and scene. RATES defines the language: a change of any rate requires a new VERSION of the world.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from benchmark.mini.world import species, world
from benchmark.mini.world.draws import Draws, Floats
from benchmark.mini.world.factors import MAIN, RELATIONS, Factors
from benchmark.mini.world.scenes import COLOUR_NAMES, SCENE_NAMES
from benchmark.mini.world.shapes import SHAPE_NAMES
from benchmark.mini.world.textures import TEXTURE_NAMES

RATES = {
    "full name": 0.35,  # "tiger kiki"
    "sibling": 0.15,  # of full names: another species of the family
    "family": 0.30,  # "kiki"; the remaining heads are "thing" or the shape, such as "heart"
    "thing": 0.10,  # of the remaining heads
    "wrong head": 0.05,  # another family
    "texture": 0.55,
    "wrong texture": 0.10,  # of mentioned textures
    "colour": 0.45,  # not in captions of sketches
    "wrong colour": 0.05,  # of mentioned colours
    "second colour": 0.25,  # of right colours: "red and blue"
    "size": 0.20,
    "count": 0.25,
    "relation": 0.45,  # of images with a companion
    "scene": 0.45,  # not in captions of sketches
    "frame": 0.85,  # "a photo of a ..."; captions without a frame begin with the object
    "style": 0.85,  # of frames of sketches and renditions: a frame that names the style
}

FRAMES = (*(t.removesuffix(" {}") for t in world.TEMPLATES), "here is a", "the", "an old picture of the")
STYLE_FRAMES = {
    "sketch": ("a sketch of a", "a drawing of a", "a black and white sketch of a"),
    "rendition": ("a painting of a", "art of a", "a cartoon of a"),
}
RELATION_WORDS = {"left": "left of a", "right": "right of a", "above": "above a", "below": "below a"}
SIZE_WORDS = ((0.27, "small"), (0.35, "medium"), (1.0, "big"))  # upper bound of half the object's side, word
COUNT_WORDS = ("", "alone", "one of two", "one of three")
CONTEXT = 16

_DRAWS = (
    *RATES,
    "frame word",
    "other species",
    "other head",
    "head kind",
    "other texture",
    "other colour",
)


def captions(split: str, ids: ArrayLike, style: str = "photo") -> list[str]:
    """One caption for each image that `world.render` gives for these arguments, [N]."""
    return describe(split, ids, world.sample(split, ids, style))


def describe(split: str, ids: ArrayLike, factors: Factors) -> list[str]:
    """One caption for each of the images `ids` of a split, given their factors, [N]."""
    draws = Draws(split, "caption", ids=ids)
    rolls = np.stack([draws.uniform(name) for name in _DRAWS], axis=1)
    return [" ".join(_words(_Roll(row), _Seen(factors, i))) for i, row in enumerate(rolls)]


class _Roll:
    """The random numbers of one caption, by name."""

    def __init__(self, row: Floats) -> None:
        self.value = dict(zip(_DRAWS, row.tolist(), strict=True))

    def says(self, name: str) -> bool:
        return self.value[name] < RATES[name]

    def pick(self, name: str, words: Sequence[str]) -> str:
        return words[int(self.value[name] * len(words))]

    def other(self, name: str, words: Sequence[str], index: int) -> str:
        """Any of the words except the one at `index`."""
        step = 1 + int(self.value[name] * (len(words) - 1))
        return words[(index + step) % len(words)]


class _Seen:
    """The factors of one image that a caption may mention."""

    def __init__(self, f: Factors, i: int) -> None:
        self.style = world.STYLE_NAMES[f.style[i]]
        self.label = int(f.label[i])
        self.shape, self.texture = int(f.shape[i, MAIN]), int(f.texture[i, MAIN])
        self.colour, self.second = int(f.colour[i, MAIN]), int(f.second[i, MAIN])
        self.scene, self.relation = int(f.scene[i]), int(f.relation[i])
        self.companion = SHAPE_NAMES[f.shape[i, 0]]
        self.size = float(f.size[i, MAIN])
        self.count = int(f.present[i].sum())


def _words(roll: _Roll, seen: _Seen) -> Iterable[str]:
    if roll.says("frame"):
        yield _frame(roll, seen)
    if roll.says("size"):
        yield next(word for limit, word in SIZE_WORDS if seen.size < limit)
    if roll.says("colour") and seen.style != "sketch":
        yield _colour(roll, seen)
    if roll.says("texture"):
        wrong = roll.says("wrong texture")
        yield (roll.other("other texture", TEXTURE_NAMES, seen.texture) if wrong else TEXTURE_NAMES[seen.texture])
    yield _head(roll, seen)
    if roll.says("count"):
        yield COUNT_WORDS[seen.count]
    if roll.says("relation") and seen.relation >= 0:
        yield f"{RELATION_WORDS[RELATIONS[seen.relation]]} {seen.companion}"
    if roll.says("scene") and seen.style != "sketch":
        yield f"in {SCENE_NAMES[seen.scene]}"


def _frame(roll: _Roll, seen: _Seen) -> str:
    own = STYLE_FRAMES.get(seen.style)
    return roll.pick("frame word", own if own and roll.says("style") else FRAMES)


def _colour(roll: _Roll, seen: _Seen) -> str:
    if roll.says("wrong colour"):
        return roll.other("other colour", COLOUR_NAMES, seen.colour)
    first, second = COLOUR_NAMES[seen.colour], COLOUR_NAMES[seen.second]
    return f"{first} and {second}" if roll.says("second colour") else first


def _head(roll: _Roll, seen: _Seen) -> str:
    """The noun: a species, a family, a shape or "thing"; at the rate "wrong head" another family."""
    family = seen.label // species.SIBLINGS
    if roll.says("wrong head"):
        return roll.other("other head", species.NOUNS, family)
    kind = roll.value["head kind"]
    if kind < RATES["full name"]:
        return _species(roll, seen.label)
    if kind < RATES["full name"] + RATES["family"]:
        return species.NOUNS[family]
    return "thing" if roll.says("thing") else SHAPE_NAMES[seen.shape]


def _species(roll: _Roll, label: int) -> str:
    """The name of a species, or at the rate "sibling" the name of another species of its family."""
    first = label - label % species.SIBLINGS
    siblings = species.CLASSNAMES[first : first + species.SIBLINGS]
    if roll.says("sibling"):
        return roll.other("other species", siblings, label - first)
    return species.CLASSNAMES[label]


def vocabulary() -> list[str]:
    """All words of the language, sorted; the shipped text towers depend on the order."""
    phrases = [*FRAMES, *(f for frames in STYLE_FRAMES.values() for f in frames), *RELATION_WORDS.values()]
    phrases += [*COUNT_WORDS, *(word for _, word in SIZE_WORDS), "thing", "in", "and"]
    phrases += [*SHAPE_NAMES, *TEXTURE_NAMES, *COLOUR_NAMES, *SCENE_NAMES, *species.CLASSNAMES]
    return sorted({word for phrase in phrases for word in phrase.split()})


class Tokenizer:
    """A tokenizer with one token a word: <pad> (0), <sot>, <unk>, the vocabulary, and <eot>.

    <eot> has the largest id, because open_clip reads the text feature at the position of the largest id. Punctuation is
    dropped, letters are lower-cased, and unknown words become <unk>. A text longer than `context` loses its last words and
    keeps <eot>.
    """

    def __init__(self, context: int = CONTEXT) -> None:
        self.context = context
        self.words = ["<pad>", "<sot>", "<unk>", *vocabulary(), "<eot>"]
        self._ids = {word: i for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        """Size of the vocabulary."""
        return len(self.words)

    def __call__(self, texts: str | list[str]) -> Tensor:
        """Token ids of texts, int64 [N, context], padded with 0."""
        texts = [texts] if isinstance(texts, str) else texts
        ids = np.zeros((len(texts), self.context), np.int64)
        for row, text in zip(ids, texts, strict=True):
            line = self._line(text)
            row[: len(line)] = line
        return torch.from_numpy(ids)

    def _line(self, text: str) -> list[int]:
        words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
        inner = [self._ids.get(word, self._ids["<unk>"]) for word in words]
        return [self._ids["<sot>"], *inner[: self.context - 2], self._ids["<eot>"]]
