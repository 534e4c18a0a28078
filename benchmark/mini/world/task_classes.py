"""Classes of the nine rendered downstream tasks, and the factors that each class fixes.

The tenth task, in the role of EuroSAT, consists of real scans (digits.py). Class names and templates use the vocabulary of
the captions. Three tasks were changed after a look at their images and at the accuracy of one CLIP and of a linear probe on
"monitor" ids, because they were near chance or hid their object: caltech101 lost its companions, dtd became upright swatches,
and ucf101 got actors instead of sixteen relations. No few-shot method had been run at that time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.mini.world import species
from benchmark.mini.world.factors import RELATIONS
from benchmark.mini.world.scenes import COLOUR_NAMES, SCENE_NAMES
from benchmark.mini.world.shapes import SHAPE_NAMES
from benchmark.mini.world.textures import TEXTURE_NAMES

NOUN_TEMPLATES = ("a photo of a {}", "an image of a {}", "a picture of one {}", "this is a {}")
VEHICLES = ("arrow", "fish", "house", "mug")
DISHES = ("ring", "dome")
BEDS = ("red", "yellow", "blue", "purple", "pink", "white")
LIVERIES = (
    ("red", "white"),
    ("red", "black"),
    ("red", "blue"),
    ("blue", "white"),
    ("blue", "yellow"),
    ("blue", "orange"),
    ("green", "white"),
    ("green", "black"),
    ("green", "pink"),
    ("yellow", "black"),
    ("yellow", "purple"),
    ("yellow", "teal"),
)
ACTORS = ("star", "heart", "square", "house", "tree")
LANDMARK = "fish"
ANY = -1


@dataclass(frozen=True)
class Task:
    """One downstream task.

    content: description of the task in words.
    classnames, templates: class names and prompt templates, in the vocabulary of the captions.
    fixed: factor -> value in each class, [C], or ANY. "count", "relation" and "scene" are factors of the image, "landmark" is
        the shape of the companion, and all other factors are of the main object. Factors without an entry are random.
    size: range of half the main object's side, in image widths.
    upright: whether no object is turned by more than 5 degrees.
    companion: whether images may have companions.
    test: number of test images.
    species: the species that are the classes, for a task without `fixed` factors.
    """

    content: str
    classnames: tuple[str, ...]
    fixed: Mapping[str, Sequence[int]]
    templates: tuple[str, ...] = NOUN_TEMPLATES
    size: tuple[float, float] = (0.3, 0.44)
    upright: bool = False
    companion: bool = False
    test: int = 2000
    species: Sequence[int] = ()


def _pets() -> Task:
    chosen = range(4 * species.SIBLINGS)  # the first four families
    return Task("breeds: the species of four families", species.CLASSNAMES[: len(chosen)], {}, species=chosen)


def _cars() -> Task:
    pairs = [(s, t) for s in VEHICLES for t in ("plain", "striped", "checked", "spotted", "bricked", "netted")]
    return Task(
        "makes and models: six textures on four shapes, in any colour",
        tuple(f"{t} {s}" for s, t in pairs),
        {"shape": _index(SHAPE_NAMES, [s for s, _ in pairs]), "texture": _index(TEXTURE_NAMES, [t for _, t in pairs])},
    )


def _flowers() -> Task:
    pairs = [(c, t) for c in BEDS for t in ("plain", "striped", "spotted", "gridded")]
    return Task(
        "one shape in six colours and four textures",
        tuple(f"{c} {t} flower" for c, t in pairs),
        {
            "shape": _index(SHAPE_NAMES, ["flower"] * len(pairs)),
            "colour": _index(COLOUR_NAMES, [c for c, _ in pairs]),
            "texture": _index(TEXTURE_NAMES, [t for _, t in pairs]),
        },
    )


def _food() -> Task:
    pairs = [(s, c) for s in DISHES for c in COLOUR_NAMES]
    return Task(
        "two dishes in twelve colours, with any texture",
        tuple(f"{c} {s}" for s, c in pairs),
        {"shape": _index(SHAPE_NAMES, [s for s, _ in pairs]), "colour": _index(COLOUR_NAMES, [c for _, c in pairs])},
    )


def _aircraft() -> Task:
    return Task(
        "liveries: one shape with any pattern, told by the pair of its colours",
        tuple(f"{a} and {b} arrow" for a, b in LIVERIES),
        {
            "shape": _index(SHAPE_NAMES, ["arrow"] * len(LIVERIES)),
            "colour": _index(COLOUR_NAMES, [a for a, _ in LIVERIES]),
            "second": _index(COLOUR_NAMES, [b for _, b in LIVERIES]),
        },
    )


def _actions() -> Task:
    deeds = (  # words, number of objects, relation, shape of the companion
        ("alone", 1, ANY, ANY),
        ("one of three", 3, ANY, ANY),
        (f"above a {LANDMARK}", 2, RELATIONS.index("above"), SHAPE_NAMES.index(LANDMARK)),
        (f"below a {LANDMARK}", 2, RELATIONS.index("below"), SHAPE_NAMES.index(LANDMARK)),
    )
    pairs = [(actor, deed) for actor in ACTORS for deed in deeds]
    return Task(
        "five actors, each alone, one of three, above or below a fish (which flipping does not change)",
        tuple(f"{actor} {words}" for actor, (words, *_) in pairs),
        {
            "shape": _index(SHAPE_NAMES, [actor for actor, _ in pairs]),
            "count": [count for _, (_, count, _, _) in pairs],
            "relation": [relation for _, (_, _, relation, _) in pairs],
            "landmark": [landmark for _, (_, _, _, landmark) in pairs],
        },
        ("a photo of a {}", "an image of a {}", "this is a {}"),
        companion=True,
    )


def _index(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    return [names.index(name) for name in wanted]


TASKS: dict[str, Task] = {
    "caltech101": Task("the twenty shapes", SHAPE_NAMES, {"shape": range(len(SHAPE_NAMES))}),
    "oxford_pets": _pets(),
    "stanford_cars": _cars(),
    "flowers102": _flowers(),
    "food101": _food(),
    "fgvc_aircraft": _aircraft(),
    "sun397": Task(
        "the sixteen scenes, whatever stands in them",
        SCENE_NAMES,
        {"scene": range(len(SCENE_NAMES))},
        ("a photo of a thing in {}", "an image of a thing in {}", "this is a thing in {}"),
        companion=True,
    ),
    "dtd": Task(
        "the twelve textures, on square swatches",
        TEXTURE_NAMES,
        {"texture": range(len(TEXTURE_NAMES)), "shape": [SHAPE_NAMES.index("square")] * len(TEXTURE_NAMES)},
        ("a photo of a {} thing", "an image of a {} thing", "this is a {} thing"),
        size=(0.36, 0.48),
        upright=True,  # "striped" turned by a quarter is "banded"
    ),
    "ucf101": _actions(),
}
