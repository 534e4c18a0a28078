"""The shipped weights: whole, the ones of the card, and as good as it says."""

import hashlib
import json
import shutil

import pytest

from benchmark.core.errors import BenchError
from benchmark.methods.clip import Clip
from benchmark.mini import networks, weights
from benchmark.mini.pretraining import monitor
from benchmark.mini.weights import stem
from benchmark.mini.world import world


def network(role):
    """The shipped encoder of a role, in eval mode, and its tokenizer if it has one."""
    built = networks.build_clip(role) if role in networks.CLIP_ROLES else (networks.build_auxiliary(role), None)
    built[0].load_state_dict(weights.load(role), strict=True)
    return built[0].eval(), built[1]


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the weights that may be damaged."""
    folder = tmp_path / "weights"
    shutil.copytree(weights.FOLDER, folder)
    monkeypatch.setattr(weights, "FOLDER", folder)
    return folder


@pytest.mark.parametrize("role", networks.ROLES)
def test_weights_load_strictly_and_are_small(role):
    model, _ = network(role)
    assert all(p.isfinite().all() for p in model.parameters())
    assert (weights.FOLDER / f"{stem(role)}.safetensors").stat().st_size < 4e6


def test_all_weights_together_are_at_most_thirty_megabytes():
    assert sum(path.stat().st_size for path in weights.FOLDER.glob("*.safetensors")) < 30e6


@pytest.mark.parametrize("role", networks.ROLES)
def test_the_fingerprint_is_the_files_and_the_cards(role):
    found = hashlib.sha256((weights.FOLDER / f"{stem(role)}.safetensors").read_bytes()).hexdigest()
    card = json.loads((weights.FOLDER / f"{stem(role)}.json").read_text())
    assert weights.fingerprint(role) == found == card["sha256"]
    assert (card["role"], card["world"]) == (role, world.VERSION)


def test_one_wrong_byte_is_refused_by_name(copied):
    path = copied / "dino.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BenchError, match=r"dino\.safetensors: damaged"):
        weights.load("dino")
    weights.load("mocov3")


def test_a_missing_file_is_named_with_the_command_that_makes_it(copied):
    (copied / "dino.safetensors").unlink()
    with pytest.raises(BenchError, match=r"dino\.safetensors: missing.*bench pretrain dino"):
        weights.load("dino")


def test_unknown_roles_are_refused_by_name():
    with pytest.raises(BenchError, match="'RN5000'"):
        weights.fingerprint("RN5000")


def test_the_clip_knows_the_species_it_was_never_taught_as_classes():
    model, tokenizer = network("RN50")
    assert 50 < monitor.zero_shot(Clip(model, tokenizer), 500) < 75


@pytest.mark.parametrize(("role", "floor"), [("mocov3", 25), ("dino", 10)])
def test_auxiliary_features_tell_species_apart(role, floor):
    # With random weights and ten pictures a species, neighbours reach 2 per cent and the linear probe 4.
    probes = monitor.probes(network(role)[0], train=1000, test=500)
    assert min(probes.values()) > floor


@pytest.mark.parametrize(("role", "floor"), [("mae", 7), ("spark", 5), ("milan", 18)])
def test_masked_modelling_leaves_features_that_a_linear_probe_can_use(role, floor):
    assert monitor.probes(network(role)[0], train=1000, test=500)["linear"] > floor


@pytest.mark.parametrize(("role", "low", "high"), [("RN101", 60, 75), ("ViT-B/32", 45, 61), ("ViT-B/16", 55, 70)])
def test_the_other_clips_are_as_good_as_their_card_says(role, low, high):
    model, tokenizer = network(role)
    assert low < monitor.zero_shot(Clip(model, tokenizer), 500) < high
