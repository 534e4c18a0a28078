"""Names of the classes of the downstream tasks and the factors that each class fixes."""

import pytest

from benchmark.mini.world import species
from benchmark.mini.world.factors import RELATIONS
from benchmark.mini.world.scenes import COLOUR_NAMES, SCENE_NAMES
from benchmark.mini.world.shapes import SHAPE_NAMES
from benchmark.mini.world.task_classes import ANY, TASKS
from benchmark.mini.world.textures import TEXTURE_NAMES

WORDS = {
    "shape": SHAPE_NAMES,
    "texture": TEXTURE_NAMES,
    "colour": COLOUR_NAMES,
    "second": COLOUR_NAMES,
    "scene": SCENE_NAMES,
}
CLASSES = {
    "caltech101": 20,
    "oxford_pets": 4 * species.SIBLINGS,
    "stanford_cars": 24,
    "flowers102": 24,
    "food101": 24,
    "fgvc_aircraft": 12,
    "sun397": 16,
    "dtd": 12,
    "ucf101": 20,
}


def fixed(task: str, classname: str) -> dict[str, str]:
    """The factors of a class in words; factors that may be anything are left out."""
    place = TASKS[task].classnames.index(classname)
    values = {factor: values[place] for factor, values in TASKS[task].fixed.items()}
    return {name: WORDS[name][value] for name, value in values.items() if name in WORDS and value != ANY}


def test_there_are_nine_tasks_with_these_numbers_of_classes() -> None:
    assert {name: len(task.classnames) for name, task in TASKS.items()} == CLASSES


@pytest.mark.parametrize("name", TASKS)
def test_every_class_has_a_name_of_its_own_and_a_value_of_every_fixed_factor(name: str) -> None:
    task = TASKS[name]
    assert len(set(task.classnames)) == len(task.classnames)
    assert all(len(values) == len(task.classnames) for values in task.fixed.values())
    assert len(task.species) == (0 if task.fixed else len(task.classnames))
    values = list(zip(*task.fixed.values(), strict=True)) or list(task.species)
    assert len(set(values)) == len(task.classnames)


@pytest.mark.parametrize("name", TASKS)
def test_every_template_names_the_class_once(name: str) -> None:
    assert all(template.count("{}") == 1 for template in TASKS[name].templates)


@pytest.mark.parametrize(
    ("task", "classname", "factors"),
    [
        ("caltech101", "ring", {"shape": "ring"}),
        ("stanford_cars", "striped house", {"shape": "house", "texture": "striped"}),
        ("flowers102", "pink spotted flower", {"shape": "flower", "colour": "pink", "texture": "spotted"}),
        ("food101", "teal dome", {"shape": "dome", "colour": "teal"}),
        ("fgvc_aircraft", "blue and orange arrow", {"shape": "arrow", "colour": "blue", "second": "orange"}),
        ("dtd", "netted", {"texture": "netted", "shape": "square"}),
    ],
)
def test_a_class_fixes_the_factors_that_its_name_says(task: str, classname: str, factors: dict[str, str]) -> None:
    assert fixed(task, classname) == factors


def test_scenes_are_classes_and_objects_stand_in_them() -> None:
    task = TASKS["sun397"]
    assert task.classnames == SCENE_NAMES
    assert task.companion
    assert [fixed("sun397", name)["scene"] for name in SCENE_NAMES] == list(SCENE_NAMES)


@pytest.mark.parametrize(
    ("words", "count", "relation", "landmark"),
    [
        ("alone", 1, None, None),
        ("one of three", 3, None, None),
        ("above a fish", 2, "above", "fish"),
        ("below a fish", 2, "below", "fish"),
    ],
)
def test_an_actor_acts_alone_in_a_crowd_or_beside_a_fish(
    words: str, count: int, relation: str | None, landmark: str | None
) -> None:
    task = TASKS["ucf101"]
    place = task.classnames.index(f"heart {words}")
    found = {factor: values[place] for factor, values in task.fixed.items()}
    assert found == {
        "shape": SHAPE_NAMES.index("heart"),
        "count": count,
        "relation": ANY if relation is None else RELATIONS.index(relation),
        "landmark": ANY if landmark is None else SHAPE_NAMES.index(landmark),
    }


def test_breeds_are_the_species_of_the_first_families() -> None:
    pets = TASKS["oxford_pets"]
    assert pets.classnames == species.CLASSNAMES[: len(pets.species)]
    assert list(pets.species) == list(range(4 * species.SIBLINGS))


def test_only_swatches_are_upright_and_large() -> None:
    assert [name for name, task in TASKS.items() if task.upright] == ["dtd"]
    assert TASKS["dtd"].size == (0.36, 0.48)
