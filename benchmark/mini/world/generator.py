"""Stand-ins for the two generative models of CaFo: a second, imperfect renderer and a writer of sentences.

CaFo (Zhang et al., CVPR 2023) asks DALL-E for images of each class and GPT-3 for sentences about it. Here, a renderer stands
in for the image generator: it draws a species alone and centred, in a style of its own, with wrong shape, colours and texture
at the rates DRAWN_WRONG. A writer stands in for the language model: it describes a species by its true attributes, with
mistakes at the rates WRITTEN_WRONG, in the vocabulary of the captions. Both know the attributes of the species, as models
trained on the web know the classes of ImageNet. The rates are guesses and were not tuned on any result.
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

DRAWN_WRONG = {"shape": 0.15, "texture": 0.35, "colour": 0.2, "second": 0.4}  # probability of another value
AVERAGED = 0.3  # share of images with colours moved towards the average of the family
TOWARDS = 0.6  # share of the way
STUDIO = ("snow", "road", "tiles", "night")  # the scenes of generated images
LEVELS = 6  # levels to posterise to

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
    """Requested species of generated images, [N]: id mod 100."""
    return np.asarray(ids, np.int64) % species.CLASSES


def sample(ids: NDArray) -> Factors:
    """Factors of the generated images `ids`."""
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
    """Shape, texture and colours of the main object: those of its species, wrong at the rates DRAWN_WRONG."""
    truth = {"shape": species.SHAPE, "texture": species.TEXTURE, "colour": species.COLOUR, "second": species.SECOND}
    count = {"shape": len(SHAPE_NAMES), "texture": len(TEXTURE_NAMES), "colour": len(PALETTE), "second": len(PALETTE)}
    return {
        name: _main(getattr(f, name), mistaken(values[asked], count[name], DRAWN_WRONG[name], draws, name))
        for name, values in truth.items()
    }


def mistaken(truth: Ints, n: int, rate: float, draws: Draws, name: str) -> Ints:
    """Replace true values [N] with probability `rate` by any of the other n - 1 values."""
    other = (truth + 1 + draws.integer(f"other {name}", n - 1)) % n
    return np.where(draws.chance(f"wrong {name}", rate), other, truth)


def _averaged(asked: Ints, draws: Draws) -> Floats:
    """Offsets of both colours, [N, 2, 3]: zero, or the share TOWARDS of the way to the average colour of the family."""
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
    """Generated images, uint8 [N, 48, 48, 3], without noise and posterised to LEVELS."""
    step = np.float32(255 / LEVELS)
    levels = np.floor(draw(sample(ids)).astype(np.float32) / step + np.float32(0.5)) * step
    return np.clip(levels, 0, 255).astype(np.uint8)


@cache
def generated(per_class: int) -> tuple[NDArray[np.uint8], Ints]:
    """Generated images of all classes, rendered once a process.

    Args:
        per_class: number of images a class.

    Returns:
        Images, uint8 [100 * per_class, 48, 48, 3], and requested classes, int64 [100 * per_class].
    """
    ids = np.arange(species.CLASSES * per_class)
    return render(ids), labels(ids)


def sentences() -> list[list[str]]:
    """Sentences about the classes: one list a class, in the order of the class names."""
    classes = np.arange(species.CLASSES)
    written = [_written(template, classes) for template in SENTENCES]
    return [list(about) for about in zip(*written, strict=True)]


def _written(template: str, classes: Ints) -> Iterable[str]:
    """One sentence about each class; mistakes are drawn for each template."""
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
