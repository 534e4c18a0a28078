"""Settings per data set and shots: those of the released configurations, as results/reference/paper keeps them."""

import pytest

from baselines.cafo import CaFo
from baselines.clip_adapter import CLIPAdapter
from baselines.coop import CoOp
from baselines.tip_adapter import TipAdapter, TipAdapterF
from benchmark.methods.construct import construct
from benchmark.records import reference

ROLES = {
    "imagenet": "ImageNet",
    "caltech101": "Caltech101",
    "oxford_pets": "OxfordPets",
    "stanford_cars": "StanfordCars",
    "flowers102": "Flowers102",
    "food101": "Food101",
    "fgvc_aircraft": "FGVCAircraft",
    "sun397": "SUN397",
    "dtd": "DTD",
    "eurosat": "EuroSAT",
    "ucf101": "UCF101",
}
COLUMNS = {
    "sharpness": "init_beta",
    "beta": "init_alpha",
    "search.sharpness": "search_beta_max",
    "search.beta": "search_alpha_max",
    "search.steps": "beta_steps",
    "generated_shots": "dalle_shots",
}
"""Our names and the authors'."""


def settings(method, dataset, shots):
    return construct(f"{method.__module__}:{method.__name__}", method.published(dataset, shots)).settings()


def configuration(method, dataset, **more):
    found = reference.cited("tip_cafo_configs.csv", {"method": method, "dataset": ROLES[dataset], **more})
    assert found
    return found


def assert_agree(ours, theirs):
    searched = {f"search.{name}": value for name, value in ours["search"].items()}
    for name, column in COLUMNS.items():
        if name in {**ours, **searched}:
            assert {**ours, **searched}[name] == float(theirs[column]), name
    if "recipe" in ours:
        assert (ours["recipe"]["epochs"], ours["recipe"]["lr"]) == (int(theirs["epochs"]), float(theirs["lr"]))


@pytest.mark.parametrize("method", [TipAdapter, TipAdapterF])
@pytest.mark.parametrize("dataset", ROLES)
def test_tip_adapter_has_one_configuration_a_data_set(method, dataset):
    theirs = configuration("Tip-Adapter(-F)", dataset)
    for shots in (1, 16):
        assert_agree(settings(method, dataset, shots), theirs)


@pytest.mark.parametrize("shots", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("dataset", ROLES)
def test_cafo_has_one_for_every_data_set_and_number_of_shots(dataset, shots):
    assert_agree(settings(CaFo, dataset, shots), configuration("CaFo", dataset, shots=shots))


def test_a_number_of_shots_that_cafo_has_no_configuration_for_takes_the_next_smaller():
    assert CaFo.published("oxford_pets", 12) == CaFo.published("oxford_pets", 8)


@pytest.mark.parametrize("method", [CoOp, CLIPAdapter])
@pytest.mark.parametrize(("dataset", "epochs"), [("imagenet", [50, 50, 50, 50, 50]), ("dtd", [50, 100, 100, 200, 200])])
def test_prompts_are_learnt_for_more_epochs_where_there_are_more_images_but_not_on_imagenet(method, dataset, epochs):
    assert [settings(method, dataset, k)["recipe"]["epochs"] for k in (1, 2, 4, 8, 16)] == epochs


@pytest.mark.parametrize("method", [TipAdapter, TipAdapterF, CaFo])
def test_where_nobody_published_settings_the_defaults_hold(method):
    assert method.published("folder", 16) == {}


def test_what_is_learnt_from_nothing_has_no_configuration():
    assert CaFo.published("imagenet", 0) == {}


@pytest.mark.parametrize("method", [TipAdapterF, CaFo])
def test_the_settings_of_a_method_by_itself_are_those_of_16_shots_on_imagenet(method):
    own = method().settings()
    released = settings(method, "imagenet", 16)
    assert {name: own[name] for name in ("beta", "sharpness")} == {
        name: released[name] for name in ("beta", "sharpness")
    }
