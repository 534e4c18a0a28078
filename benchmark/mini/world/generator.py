"""Stand-ins for the two generative models of CaFo: a second, imperfect renderer and a writer of sentences.

CaFo (Zhang et al., CVPR 2023) asks DALL-E for pictures of each class and GPT-3 for sentences about it. Here neither exists.
The renderer plays the image generator: it knows the species but draws their shape, colours and texture wrong at the rates
below, alone and centred, in a manner of its own. The writer plays the language model: it describes a species by its true
attributes with some mistakes, in the words of the captions. Both know the world from inside, as models that were trained on
the web know ImageNet's classes; the rates are guesses and were not tuned on any result.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmark.mini.world import factors, species
from benchmark.mini.world.draws import Draws, Floats, Ints
from benchmark.mini.world.factors import MAIN, STYLE_NAMES, Factors
from benchmark.mini.world.render import draw
from benchmark.mini.world.scenes import COLOUR_NAMES, PALETTE, SCENE_NAMES
from benchmark.mini.world.shapes import SHAPE_NAMES
from benchmark.mini.world.textures import TEXTURE_NAMES

DRAWN_WRONG = {"shape": 0.15, "texture": 0.35, "colour": 0.2, "second": 0.4}  # any other value instead
AVERAGED = 0.3  # share of pictures whose colours are drawn towards the family's average
TOWARDS = 0.6  # how far
STUDIO = ("snow", "road", "tiles", "night")  # the only scenes that it paints
LEVELS = 6  # posterised

WRITTEN_WRONG = {"texture": 0.15, "colour": 0.1, "second": 0.2}
SENTENCES = (
    "a photo of a {colour} {texture} {name}",
    "a photo of a {name}",
    "this is a {colour} and {second} {texture} {name}",
    "look at the {texture} {name}",
    "a picture of one {colour} {name}",
    "a {texture} {shape}",
    "an image of a {colour} {texture} {shape}",
    "the {name} a {colour} and {second} {shape}",
)


def labels(ids: NDArray) -> Ints:
    """Species that pictures were asked for, [N]: id mod 100."""
    return np.asarray(ids, np.int64) % species.CLASSES


def sample(ids: NDArray) -> Factors:
    """What the image generator makes of its orders."""
    asked = labels(ids)
    draws = Draws("generated", "mistakes", ids=ids)
    f = factors.sample("generated", np.asarray(ids, np.int64), asked, np.full(len(asked), STYLE_NAMES.index("photo")))
    return replace(
        f,
        present=np.broadcast_to([False, True, False], f.present.shape),
        relation=np.full_like(f.relation, factors.NO_RELATION),
        **_attributes(f, asked, draws),
        centre=_main(f.centre, draws.vector("centre", 2, 0.47, 0.53)),
        size=_main(f.size, draws.uniform("size", 0.36, 0.44)),
        turn=_main(f.turn, draws.uniform("turn", -8 / 360, 8 / 360)),
        dye=_main(f.dye, _averaged(asked, draws)),
        scene=np.array([SCENE_NAMES.index(name) for name in STUDIO])[draws.integer("scene", len(STUDIO))],
        light=draws.uniform("light", 1.0, 1.15),
        noise=np.zeros_like(f.noise),
    )


def _attributes(f: Factors, asked: Ints, draws: Draws) -> dict[str, NDArray]:
    """The main object's kind: its species' own, or mistaken."""
    truth = {"shape": species.SHAPE, "texture": species.TEXTURE, "colour": species.COLOUR, "second": species.SECOND}
    count = {"shape": len(SHAPE_NAMES), "texture": len(TEXTURE_NAMES), "colour": len(PALETTE), "second": len(PALETTE)}
    return {
        name: _main(getattr(f, name), mistaken(values[asked], count[name], DRAWN_WRONG[name], draws, name))
        for name, values in truth.items()
    }


def mistaken(truth: Ints, n: int, rate: float, draws: Draws, name: str) -> Ints:
    """The truth, or with probability `rate` any of the other n - 1 values, [N]."""
    other = (truth + 1 + draws.integer(f"other {name}", n - 1)) % n
    return np.where(draws.chance(f"wrong {name}", rate), other, truth)


def _averaged(asked: Ints, draws: Draws) -> Floats:
    """What is added to both colours, [N, 2, 3]: nothing, or most of the way to the average colour of the family."""
    family = PALETTE[species.COLOUR].reshape(-1, species.SIBLINGS, 3).mean(axis=1)[asked // species.SIBLINGS]
    way = (family - PALETTE[species.COLOUR[asked]]) * np.float32(TOWARDS)
    way = np.where(draws.chance("averaged", AVERAGED)[:, None], way, np.float32(0))
    return np.repeat(way[:, None], 2, axis=1)


def _main(slots: NDArray, values: NDArray) -> NDArray:
    """A copy of [N, 3, ...] with the main object's values replaced."""
    out = slots.copy()
    out[:, MAIN] = values
    return out


def render(ids: NDArray) -> NDArray[np.uint8]:
    """The generator's pictures, [N, 48, 48, 3]: smooth, in a few levels of colour."""
    step = np.float32(255 / LEVELS)
    levels = np.floor(draw(sample(ids)).astype(np.float32) / step + np.float32(0.5)) * step
    return np.clip(levels, 0, 255).astype(np.uint8)


@cache
def generated(per_class: int) -> tuple[NDArray[np.uint8], Ints]:
    """So many pictures of every class: uint8 [100 * per_class, 48, 48, 3], and the class that was asked for, [N].

    Drawn once a process: every run that wants the pictures' features asks for their classes.
    """
    ids = np.arange(species.CLASSES * per_class)
    return render(ids), labels(ids)


def sentences() -> list[list[str]]:
    """What the writer has to say about each class, class by class."""
    classes = np.arange(species.CLASSES)
    written = [_written(template, classes) for template in SENTENCES]
    return [list(about) for about in zip(*written, strict=True)]


def _written(template: str, classes: Ints) -> Iterable[str]:
    """One sentence about each class; each sentence makes its own mistakes."""
    draws = Draws("sentences", template, ids=classes)
    texture = mistaken(species.TEXTURE, len(TEXTURE_NAMES), WRITTEN_WRONG["texture"], draws, "texture")
    colour = mistaken(species.COLOUR, len(COLOUR_NAMES), WRITTEN_WRONG["colour"], draws, "colour")
    second = mistaken(species.SECOND, len(COLOUR_NAMES), WRITTEN_WRONG["second"], draws, "second")
    for i in classes:
        yield template.format(
            name=species.CLASSNAMES[i],
            shape=SHAPE_NAMES[species.SHAPE[i]],
            texture=TEXTURE_NAMES[texture[i]],
            colour=COLOUR_NAMES[colour[i]],
            second=COLOUR_NAMES[second[i]],
        )
