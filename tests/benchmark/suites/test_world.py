"""A suite on this machine: each role is opened once, with the settings where they are asked for, and looked at first."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import toy_openers
from toy_world import toy

from benchmark.core.errors import BenchError
from benchmark.core.settings import Settings
from benchmark.methods.sealed import Breach, comparing, sealing
from benchmark.suites.suite import Suite
from benchmark.suites.world import World

SETTINGS = Settings(cache=Path("/cache"), device="cpu")
DATASETS: dict[str, dict[str, Any]] = {
    "imagenet": {"reader": "toy_openers:Plain", "size": 3},
    "dtd": {"reader": "toy_openers:Placed", "path": "/d"},
}
ENCODERS = {"RN50": {"loader": "toy_openers:encoder", "width": 7}, "dino": {"loader": "toy_openers:encoder"}}


@pytest.fixture(autouse=True)
def calls() -> Iterator[list[dict[str, Any]]]:
    """Arguments of the calls of readers, loaders and inspections."""
    toy_openers.CALLS.clear()
    yield toy_openers.CALLS
    toy_openers.STATE["usable"] = True


def suite(**changes: Any) -> Suite:
    return toy(**{"datasets": DATASETS, "encoders": ENCODERS, **changes})


def world(**changes: Any) -> World:
    return World(suite(**changes), SETTINGS)


def test_a_data_set_is_opened_at_its_first_use_and_once(calls: list[dict[str, Any]]) -> None:
    opened = world()
    assert calls == []
    first = opened.dataset("imagenet")
    assert opened.dataset("imagenet") is first
    assert calls == [{"size": 3}]


def test_an_encoder_is_opened_once_and_given_its_role(calls: list[dict[str, Any]]) -> None:
    opened = world()
    assert opened.encoder("RN50") is opened.encoder("RN50")
    assert opened.encoder("dino").fingerprint == "1 wide"
    assert calls == [{"role": "RN50", "width": 7}, {"role": "dino", "width": 1}]


def test_one_reader_in_two_roles_is_opened_twice() -> None:
    opened = world(datasets={"imagenet": DATASETS["imagenet"], "sun397": DATASETS["imagenet"]})
    assert opened.dataset("imagenet") is not opened.dataset("sun397")


def test_a_data_set_and_an_encoder_of_one_name_are_two_things() -> None:
    opened = world(datasets={"RN50": DATASETS["imagenet"]})
    assert isinstance(opened.dataset("RN50"), toy_openers.Plain)
    assert opened.encoder("RN50").fingerprint == "7 wide"


def test_a_reader_with_a_parameter_settings_is_given_them_and_one_without_is_not(calls: list[dict[str, Any]]) -> None:
    opened = world()
    opened.dataset("dtd")
    opened.dataset("imagenet")
    assert calls == [{"path": "/d", "settings": SETTINGS}, {"size": 3}]


def test_what_the_suite_says_to_the_harness_is_no_argument(calls: list[dict[str, Any]]) -> None:
    keys = [
        "shifts",
        "shift_encoders",
        "generated",
        "sentences",
        "stand_ins",
        "statistics",
        "images",
        "shots",
        "network",
    ]
    said = dict.fromkeys(keys, "for the harness")
    world(datasets={"imagenet": {**DATASETS["imagenet"], **said}}).dataset("imagenet")
    assert calls == [{"size": 3}]


def test_a_copy_that_travels_through_pickle_opens_anew(calls: list[dict[str, Any]]) -> None:
    opened = world()
    first = opened.dataset("dtd")
    opened.encoder("RN50")
    copy = pickle.loads(pickle.dumps(opened))
    assert (copy.suite, copy.settings) == (suite(), SETTINGS)
    calls.clear()
    assert copy.dataset("dtd") is not first
    assert calls == [{"path": "/d", "settings": SETTINGS}]


def test_an_opened_object_that_cannot_be_pickled_does_not_hinder_the_copy() -> None:
    opened = world(datasets={"imagenet": {"reader": "toy_openers:Plain", "cannot": "be pickled"}})
    opened.dataset("imagenet").anything = lambda: None  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(opened)).suite == opened.suite


@pytest.mark.parametrize("ask", ["dataset", "inspect_dataset"])
def test_a_data_set_that_is_not_in_the_suite_names_the_nearest(ask: str) -> None:
    with pytest.raises(BenchError) as told:
        getattr(world(), ask)("imagnet")
    assert str(told.value) == (
        "unknown data set of suite toy 'imagnet': did you mean 'imagenet'? there are imagenet, dtd"
    )


@pytest.mark.parametrize("ask", ["encoder", "inspect_encoder"])
def test_an_encoder_that_is_not_in_the_suite_names_the_nearest(ask: str) -> None:
    with pytest.raises(BenchError, match="unknown encoder of suite toy 'RN51': did you mean 'RN50'"):
        getattr(world(), ask)("RN51")


def test_a_predictor_that_asks_for_a_data_set_breaches_the_seal_even_where_it_is_open() -> None:
    opened = world()
    opened.dataset("imagenet")
    with sealing():
        with pytest.raises(Breach, match="a predictor asked for the data set imagenet"):
            opened.dataset("imagenet")
        with comparing():
            opened.dataset("imagenet")
    opened.dataset("imagenet")


def test_a_predictor_may_ask_for_an_encoder() -> None:
    with sealing():
        assert world().encoder("dino").role == "dino"


def test_looking_at_a_data_set_opens_nothing_and_tells_part_count_and_arguments(calls: list[dict[str, Any]]) -> None:
    opened = world(datasets={"imagenet": {**DATASETS["imagenet"], "generated": 2}})
    found = opened.inspect_dataset("imagenet", "generated")
    assert found is not None
    assert found.path == Path("/cache")
    said = {"opener": "Plain", "role": "", "deep": False, "part": "generated", "count": 2, "size": 3}
    assert calls == [said]


def test_looking_at_an_encoder_tells_its_role_and_arguments(calls: list[dict[str, Any]]) -> None:
    assert world().inspect_encoder("RN50") is not None
    assert calls == [{"opener": "encoder", "role": "RN50", "deep": False, "width": 7}]


def test_a_usable_file_is_looked_at_once_for_each_part_and_again_only_deeply(calls: list[dict[str, Any]]) -> None:
    opened = world()
    for part, deep in (("", False), ("", False), ("sentences", False), ("", True), ("", True)):
        opened.inspect_dataset("imagenet", part, deep)
    assert [(call["part"], call["deep"]) for call in calls] == [
        ("", False),
        ("sentences", False),
        ("", True),
        ("", True),
    ]


def test_an_absent_file_is_looked_for_again(calls: list[dict[str, Any]]) -> None:
    opened = world()
    toy_openers.STATE["usable"] = False
    assert [found.usable for _ in range(2) if (found := opened.inspect_encoder("dino"))] == [False, False]
    toy_openers.STATE["usable"] = True
    assert [found.usable for _ in range(2) if (found := opened.inspect_encoder("dino"))] == [True, True]
    assert len(calls) == 3


def test_a_reader_whose_module_looks_at_nothing_has_no_state() -> None:
    opened = world(datasets={"imagenet": {"reader": "toy_world:Squares"}})
    assert opened.inspect_dataset("imagenet") is None


def test_a_reader_that_cannot_be_imported_has_no_state_and_is_told_when_it_is_opened() -> None:
    opened = world(datasets={"imagenet": {"reader": "no.such:Reader"}})
    assert opened.inspect_dataset("imagenet") is None
    with pytest.raises(BenchError, match=r"data set 'no\.such:Reader' cannot be imported"):
        opened.dataset("imagenet")
