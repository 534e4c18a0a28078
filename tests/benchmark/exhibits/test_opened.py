"""A run with all that it names opened: encoders by role, fingerprints by name, and data sets that predictors may not have."""

from pathlib import Path
from typing import Any

import pytest
import torch
import toy_world
from toy_house import house
from toy_world import some_run, toy

from benchmark.core import code
from benchmark.core.errors import BenchError
from benchmark.core.settings import Settings
from benchmark.exhibits.opened import Opened
from benchmark.methods.sealed import Breach, sealing
from benchmark.suites.suite import Suite
from benchmark.suites.world import World

AMU = {"method": "amu.tuning:AMUTuning", "settings": {}}
CAFO = {"method": "baselines.cafo:CaFo", "settings": {"generated": True}}
MAPLE = {"method": "baselines.maple:MaPLe", "settings": {}}
SHIFTS = ["imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"]


def opened(suite: Suite | None = None, machine: Settings | None = None, **changes: Any) -> Opened:
    suite = suite or toy()
    run = some_run(suite=suite.name, **changes)
    return Opened(run, World(suite, machine or Settings(cache=Path("/nowhere"))))


OF_THE_TOYS = " " + code.fingerprint(toy_world.Squares)
"""Readers and loaders outside of the harness are known by their code too."""


def test_a_run_on_one_space_rests_on_its_data_its_backbone_and_its_own_code() -> None:
    found = opened().fingerprints
    assert list(found) == ["data", "draw", "prompts", "method", "RN50"]
    assert (found["data"], found["RN50"]) == (f"squares-1{OF_THE_TOYS}", f"clip-RN50{OF_THE_TOYS}")


def test_every_encoder_that_the_method_reads_has_a_fingerprint() -> None:
    assert opened(**AMU).fingerprints["mocov3"] == f"projection-mocov3{OF_THE_TOYS}"


def test_shots_seed_and_sampler_are_told_by_the_draw_and_no_shots_have_none() -> None:
    draws = [opened(shots=shots, seed=seed).fingerprints["draw"] for shots, seed in ((1, 1), (2, 1), (1, 2), (1, 1))]
    assert len({*draws}) == 3
    assert draws[0] == draws[3]
    assert "draw" not in opened(shots=0).fingerprints


def test_templates_are_told_by_the_prompts() -> None:
    other = toy(datasets={"imagenet": {"reader": "toy_world:Squares", "templates": ["another {}"]}})
    before, after = opened().fingerprints, opened(other).fingerprints
    assert [name for name in before if before[name] != after[name]] == ["prompts"]


def test_another_method_is_other_code() -> None:
    assert opened().fingerprints["method"] != opened(**AMU).fingerprints["method"]


def test_every_shift_has_a_fingerprint() -> None:
    found = opened(house()).fingerprints
    assert list(found) == ["data", "draw", "prompts", "method", *SHIFTS, "RN50"]
    assert found["data"].startswith("tiles-0-None ")


def test_statistics_other_than_the_default_are_a_part_of_a_shift_s_fingerprint() -> None:
    datasets = {**house().datasets}
    plain = opened(house()).fingerprints["imagenet_a"]
    datasets["imagenet_a"] = {**datasets["imagenet_a"], "statistics": "held"}
    other = opened(house(datasets=datasets))
    assert (other.statistics("imagenet_a"), other.statistics("imagenet_r")) == ("held", "all")
    assert other.fingerprints["imagenet_a"] == f"{plain.removesuffix(' held')} held"
    datasets["imagenet_a"] = {**datasets["imagenet_a"], "statistics": "all"}
    assert opened(house(datasets=datasets)).fingerprints["imagenet_a"] == plain.removesuffix(" held")


def test_generated_images_and_sentences_have_fingerprints_where_the_method_wants_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from toy_house import Tiles

    monkeypatch.setattr(Tiles, "fingerprint_of", lambda self, part: f"{part}-1", raising=False)
    found = opened(house(), **CAFO).fingerprints
    number = house().datasets["imagenet"]["generated"]
    assert {"generated": f"generated-1 {number}", "sentences": "sentences-1"}.items() <= found.items()
    assert not {"generated", "sentences"} & set(opened(house()).fingerprints)


def test_a_part_that_the_data_s_own_fingerprint_covers_has_none() -> None:
    assert not {"generated", "sentences"} & set(opened(house(), **CAFO).fingerprints)


def test_roles_fill_the_spaces_and_the_encoders_are_those_of_the_roles_once_each() -> None:
    one = opened(house(), **CAFO)
    assert one.roles == {"clip": "RN50", "dino": "dino"}
    assert {role: encoder.fingerprint for role, encoder in one.encoders.items()} == {
        "RN50": "clip-RN50",
        "dino": "projection-dino",
    }
    assert one.backbone is one.encoders["RN50"]


def test_pixels_need_no_encoder_but_the_backbone_is_always_one() -> None:
    both, alone = opened(**MAPLE), opened(method="toy_methods:PixelsAlone", settings={})
    assert (both.roles, alone.roles) == ({"clip": "RN50", "pixels": "pixels"}, {"pixels": "pixels"})
    assert list(both.encoders) == list(alone.encoders) == ["RN50"]


def test_patch_features_are_of_the_backbone_itself() -> None:
    one = opened(house(), method="baselines.vt_clip:VTCLIP", settings={})
    assert one.roles["clip_spatial"] == "RN50:spatial"
    assert list(one.encoders) == ["RN50"]


def test_the_data_set_and_the_shifts_are_refused_while_labels_are_sealed() -> None:
    one = opened(house())
    assert one.dataset is one.world.dataset("imagenet")
    assert list(one.shifts) == SHIFTS
    with sealing():
        with pytest.raises(Breach, match="asked for the data set imagenet"):
            _ = one.dataset
        with pytest.raises(Breach, match="asked for the data set imagenetv2"):
            _ = one.shifts
        assert one.backbone.role == "RN50"


def test_the_device_is_that_of_the_settings_and_checked() -> None:
    assert opened().device == torch.device("cpu")
    with pytest.raises(BenchError, match="device 'abacus' cannot be used"):
        _ = opened(machine=Settings(device="abacus")).device
