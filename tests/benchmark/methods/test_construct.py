"""From a method's name and plain data to a predictor, and the mistakes that are told in one line."""

from typing import Any

import pytest
from toy_methods import Flat

from amu.tuning import RECIPE, AMUTuning
from baselines.tip_adapter import TipAdapter
from baselines.zero_shot import ZeroShotCLIP
from benchmark.core.errors import BenchError
from benchmark.methods import Choice, Released
from benchmark.methods import construct as module
from benchmark.methods.construct import construct, facts, predictor_class
from benchmark.methods.recipe import Recipe

TIP, ZERO, AMU = "baselines.tip_adapter:TipAdapter", "baselines.zero_shot:ZeroShotCLIP", "amu.tuning:AMUTuning"


def test_a_name_stands_for_its_class() -> None:
    assert predictor_class(ZERO) is ZeroShotCLIP


@pytest.mark.parametrize("name", ["toy_methods:NoPredictor", "toy_methods:work", "benchmark.core.errors:BenchError"])
def test_what_is_no_predictor_is_refused(name: str) -> None:
    with pytest.raises(BenchError, match=r"is no benchmark\.methods\.predictor\.Predictor; see CONTRIBUTING\.md"):
        predictor_class(name)


def test_without_arguments_the_defaults_hold_and_arguments_override_them() -> None:
    default, changed = construct(TIP, {}), construct(TIP, {"beta": 3.0})
    assert isinstance(default, TipAdapter)
    assert isinstance(changed, TipAdapter)
    assert (default.beta, changed.beta) == (TipAdapter().beta, 3.0)
    assert default.sharpness == changed.sharpness


def test_a_recipe_that_is_given_in_part_keeps_the_method_s_own_rest() -> None:
    made = construct(AMU, {"recipe": {"epochs": 3}})
    assert isinstance(made, AMUTuning)
    assert made.recipe is not None
    assert (made.recipe.epochs, made.recipe.lr, made.recipe.eps) == (3, RECIPE.lr, RECIPE.eps)


def test_a_recipe_reaches_a_method_that_has_none_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bare(ZeroShotCLIP):
        def __init__(self, *, recipe: Recipe | None = None) -> None:
            super().__init__()
            self.recipe = recipe

    monkeypatch.setattr(module, "predictor_class", lambda _: Bare)
    made = construct("some:Bare", {"recipe": {"lr": 1.0, "epochs": 2, "batch_size": 3}})
    assert made.recipe == Recipe(1.0, 2, 3)
    with pytest.raises(BenchError, match=r"some:Bare: .*batch_size"):
        construct("some:Bare", {"recipe": {"lr": 1.0, "epochs": 2}})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"betta": 1.0}, "unknown parameter of amu.tuning:AMUTuning 'betta': did you mean 'beta'"),
        ({"recipe": {"epoch": 1}}, "unknown recipe field of amu.tuning:AMUTuning 'epoch': did you mean 'epochs'"),
        ({"recipe": {"lr": 0}}, "amu.tuning:AMUTuning: recipe lr=0 must be positive"),
    ],
)
def test_a_mistake_in_the_arguments_is_told(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        construct(AMU, arguments)


def test_facts_are_the_settings_with_every_default_the_spaces_and_the_wanted_fields() -> None:
    tip = facts(TIP, {"beta": 2.0})
    assert tip.settings == {**TipAdapter().settings(), "beta": 2.0}
    assert (tip.reads, tip.wants) == (("clip",), ())
    assert facts("baselines.coop:CoOp", {}).wants == ("clip",)
    assert facts(AMU, {"recipe": {"epochs": 3}}).settings["recipe"]["epochs"] == 3


def test_published_settings_are_asked_of_a_method_once_and_may_be_changed_by_who_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def settings(dataset: str, shots: int) -> dict[str, Any]:
        asked.append((dataset, shots))
        return {"beta": 1.5}

    monkeypatch.setattr(TipAdapter, "published", settings)
    found = module.published(TIP, "a data set of this test", 3)
    found["beta"] = 2.5
    assert module.published(TIP, "a data set of this test", 3) == {"beta": 1.5}
    assert asked == [("a data set of this test", 3)]


def test_facts_of_equal_arguments_are_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"beta": 2.25, "sharpness": 1.75}
    first = facts(TIP, asked)
    monkeypatch.setattr(module, "construct", lambda *_: pytest.fail("constructed again"))
    assert facts(TIP, dict(reversed(asked.items()))) is first


@pytest.mark.parametrize(
    ("released", "said"),
    [
        ("test", "toy_methods:Flat: released is 'test', not a benchmark.methods.Released"),
        (Released("x", Choice(settings="val", tunes=("strenght",))), "unknown setting that toy_methods:Flat tunes"),
        (Released("x", on={"dtd": Choice(settings="val", tunes=("rho",))}), "in its released choice 'rho'"),
    ],
)
def test_a_released_choice_of_another_kind_or_of_what_is_not_tuned_is_refused(
    monkeypatch: pytest.MonkeyPatch, released: Any, said: str
) -> None:
    monkeypatch.setattr(Flat, "tunes", {"strength": (1.0, 2.0)})
    monkeypatch.setattr(Flat, "released", Released("x", Choice(settings="val", tunes=("strength",))))
    assert facts("toy_methods:Flat", {"strength": 1.5}).released.choice.tunes == ("strength",)
    monkeypatch.setattr(Flat, "released", released)
    with pytest.raises(BenchError, match=said):
        facts("toy_methods:Flat", {"strength": 1.75})


@pytest.mark.parametrize(
    "crops", [0.5, (0.5,), (0.0, 1.0), (0.9, 0.5), (0.5, 1.5), ("a", "b"), (float("nan"), 1.0), (), "ab"]
)
def test_crops_that_are_no_shares_of_an_area_are_refused(monkeypatch: pytest.MonkeyPatch, crops: Any) -> None:
    monkeypatch.setattr(Flat, "crops", crops)
    monkeypatch.setattr(module, "_facts", module._facts.__wrapped__)
    with pytest.raises(BenchError, match=r"toy_methods:Flat: crops is .*; give two shares of an image's area, such as"):
        facts("toy_methods:Flat", {})


@pytest.mark.parametrize("method", ["toy_methods:Forgetful", "toy_methods:Unnameable"])
def test_a_method_without_settings_in_plain_data_names_no_run(method: str) -> None:
    with pytest.raises(BenchError, match=f"{method}: a run is named by its settings, kept as plain data"):
        facts(method, {})


def test_arguments_that_are_no_plain_data_are_told() -> None:
    with pytest.raises(BenchError, match="a run is named by its settings"):
        facts("toy_methods:Flat", {"strength": object()})
