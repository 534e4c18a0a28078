"""A run is named by everything that is asked for, and by nothing else."""

import re
from dataclasses import replace
from typing import Any

import pytest
from toy_world import some_run, toy

from baselines.tip_adapter import RECIPE, TipAdapterF
from benchmark.core import digest
from benchmark.core.errors import BenchError
from benchmark.exhibits import run as runs
from benchmark.exhibits.question import Question
from benchmark.methods import construct

CELL = {"method": "baselines.tip_adapter:TipAdapterF", "dataset": "imagenet", "backbone": "RN50", "shots": 4}


WORLD = toy(datasets={name: toy().datasets["imagenet"] for name in ("imagenet", "dtd")})


def made(**changes: Any) -> runs.Run:
    return runs.make(WORLD, Question.from_json({**CELL, **changes}), seed=1)


def test_a_key_is_twenty_hexadecimal_digits() -> None:
    assert re.fullmatch("[0-9a-f]{20}", made().key)


@pytest.mark.parametrize(
    "change",
    [
        {"suite": "paper"},
        {"dataset": "pets"},
        {"backbone": "RN101"},
        {"method": "baselines.cafo:CaFo"},
        {"shots": 2},
        {"seed": 2},
        {"views": 3},
        {"settings": {"beta": 1.5, "sharpness": 5.5}},
        {"settings": {"beta": 1.0}},
        {"released": {"epoch": "test"}},
        {"crops": (0.08, 1.0)},
        {"crops": None},
    ],
)
def test_the_key_depends_on_everything_asked(change: dict[str, Any]) -> None:
    assert some_run(**change).key != some_run().key


@pytest.mark.parametrize("field", RECIPE.__dataclass_fields__)
def test_the_key_depends_on_every_field_of_the_recipe(field: str) -> None:
    others = {"optimizer": "sgd", "schedule": "epoch", "drop_last": True}
    other = others.get(field, getattr(RECIPE, field) + 1 if field not in others else None)
    assert made(**{"with": {"recipe": {field: other}}}).key != made().key


@pytest.mark.parametrize("parameter", ["beta", "sharpness"])
def test_the_key_depends_on_every_parameter(parameter: str) -> None:
    assert made(**{"with": {parameter: 0.123}}).key != made().key


def test_a_run_says_what_its_released_code_chooses_on_its_data_set() -> None:
    searched = {"epoch": "test", "settings": "val", "better": "test"}
    assert made().asked()["released"] == {"epoch": "test", "settings": "test"}
    assert made(dataset="dtd").asked()["released"] == searched
    assert made(method="baselines.vt_clip:VTCLIP").asked()["released"] == {}


def test_the_protocol_is_part_of_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    before = some_run().key
    monkeypatch.setattr(runs, "PROTOCOL", runs.PROTOCOL + 1)
    assert some_run().key != before


def test_a_default_spelt_out_is_the_default_left_out() -> None:
    spelt = {"beta": 1.17, "sharpness": 1.0, "recipe": {"lr": 1e-3, "epochs": 20}}
    assert made(**{"with": spelt}).key == made().key


def test_a_whole_number_is_the_same_with_and_without_its_point() -> None:
    assert made(**{"with": {"sharpness": 1}}).key == made(**{"with": {"sharpness": 1.0}}).key


def test_true_is_not_one() -> None:
    assert digest.digest({"x": True}) != digest.digest({"x": 1})


def test_the_order_of_settings_does_not_count() -> None:
    one, two = some_run(settings={"a": 1, "b": 2}), some_run(settings={"b": 2, "a": 1})
    assert one.key == two.key


def test_the_method_s_own_code_does_not_need_to_be_fitted_to_name_a_run() -> None:
    assert made().settings["recipe"]["batch_size"] == 256


def test_seeds_of_one_cell_share_the_cell_s_key() -> None:
    one, two = some_run(seed=1), some_run(seed=2)
    assert one.cell_key == two.cell_key != some_run(shots=2).cell_key


def test_a_recipe_in_part_leaves_the_rest_as_the_method_has_it() -> None:
    predictor = construct.construct(CELL["method"], {"recipe": {"epochs": 3}})  # type: ignore[arg-type]
    assert predictor.recipe == replace(RECIPE, epochs=3)


def test_suite_and_cell_may_each_give_a_part_of_the_recipe_and_the_cell_wins() -> None:
    suite = toy(methods={CELL["method"]: {"beta": 2.0, "recipe": {"epochs": 3, "lr": 0.5}}})
    settings = runs.make(suite, Question.from_json({**CELL, "with": {"recipe": {"epochs": 4}}}), 1).settings
    assert (settings["beta"], settings["recipe"]["epochs"], settings["recipe"]["lr"]) == (2.0, 4, 0.5)


def test_settings_make_the_predictor_again() -> None:
    run = made(**{"with": {"beta": 0.7, "recipe": {"epochs": 2}}})
    predictor = run.predictor()
    assert isinstance(predictor, TipAdapterF)
    assert predictor.settings() == run.settings


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"bta": 1}, "unknown parameter of baselines.tip_adapter:TipAdapterF 'bta': did you mean 'beta'?"),
        ({"recipe": {"epoch": 1}}, "did you mean 'epochs'?"),
        ({"recipe": {"lr": -1}}, "recipe lr=-1 must be positive"),
        ({"recipe": {"optimizer": "rmsprop"}}, "there are 'adamw', 'adam' and 'sgd'"),
        ({"recipe": 3}, "TipAdapterF: "),
    ],
)
def test_arguments_that_the_method_does_not_take_are_said(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BenchError, match=re.escape(complaint)):
        made(**{"with": arguments})


@pytest.mark.parametrize(
    ("method", "complaint"),
    [
        ("toy_methods:NoPredictor", "is no benchmark.methods.predictor.Predictor"),
        ("toy_methods:work", "is no benchmark.methods.predictor.Predictor"),
        ("toy_methods:Nobody", "has no 'Nobody'"),
        ("toy_method:Flat", "cannot be imported"),
        ("toy_methods:Forgetful", "'Forgetful' object has no attribute 'strength'"),
        ("toy_methods:Unnameable", "kept as plain data"),
    ],
)
def test_a_method_that_cannot_be_measured_says_why(method: str, complaint: str) -> None:
    with pytest.raises(BenchError, match=re.escape(complaint)):
        made(method=method)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"dataset": "imagnet"}, "unknown data set of suite toy 'imagnet': did you mean 'imagenet'?"),
        ({"backbone": "RN5"}, "unknown backbone of suite toy 'RN5': did you mean 'RN50'?"),
    ],
)
def test_a_role_that_the_suite_does_not_have_says_so(change: dict[str, str], complaint: str) -> None:
    with pytest.raises(BenchError, match=re.escape(complaint)):
        made(**change)
