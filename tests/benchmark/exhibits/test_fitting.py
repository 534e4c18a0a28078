"""An exhibit is asked in the roles that a suite has, where it has not those that the exhibit names."""

from typing import Any

import pytest
import toy_world
from toy_house import house

from benchmark.exhibits import exhibit
from benchmark.exhibits.fitting import fitted
from benchmark.suites.suite import Suite

SQUARES = {"reader": "toy_world:Squares"}
CLIP, AUX = {"loader": "toy_world:clip"}, {"loader": "toy_world:projection"}


def toy(*datasets: str, **encoders: dict[str, Any]) -> Suite:
    return toy_world.toy(datasets=dict.fromkeys(datasets, SQUARES), encoders=encoders)


def options(suite: Suite, name: str = "table4") -> str:
    """The options that the suite needs besides the exhibit's number."""
    return fitted(exhibit.load(name), suite).asked.removeprefix(exhibit.load(name).asked).strip()


def test_a_suite_with_the_roles_of_the_paper_needs_none() -> None:
    assert fitted(exhibit.load("table4"), house()) is exhibit.load("table4")


@pytest.mark.parametrize(
    ("suite", "needed"),
    [
        (toy("mine", RN50=CLIP, mocov3=AUX), "--dataset mine"),
        (toy("mine", "other", RN50=CLIP), "--dataset mine"),
        (toy("imagenet", EVA=CLIP, mocov3=AUX), "--backbone EVA"),
        (toy("imagenet", RN50=CLIP, mae=AUX, spark=AUX), "--aux mae"),
        (toy("imagenet", RN50=CLIP, dino=AUX), ""),  # CaFo* reads it
        (toy("mine", mae=AUX, EVA=CLIP), "--dataset mine --aux mae --backbone EVA"),
        (toy("my birds", RN50=CLIP, mocov3=AUX), "--dataset 'my birds'"),
        (toy("mine", mocov3=AUX), ""),  # there is no CLIP to ask with
    ],
)
def test_other_roles_are_asked_for_by_options(suite: Suite, needed: str) -> None:
    assert options(suite) == needed


def test_a_shift_is_not_asked_about_as_if_it_were_trained_on() -> None:
    datasets = {"sketches": SQUARES, "mine": {**SQUARES, "shifts": ["sketches"]}}
    assert options(toy_world.toy(datasets=datasets)) == "--dataset mine"


def test_an_exhibit_that_compares_data_sets_is_left_as_it_is() -> None:
    assert options(toy("mine", RN50=CLIP), "figure5") == ""


def test_the_fitted_exhibit_can_be_run() -> None:
    suite = toy("mine", EVA=CLIP, mae=AUX)
    cells = [cell for cell in fitted(exhibit.load("table4"), suite).cells() if cell.row == "AMU-Tuning"]
    assert cells
    assert {cell.lacks(suite) for cell in cells} == {""}
