"""FLIP: half of the patches while training, all of them otherwise, and text towers that are inherited."""

import pytest
import torch

from benchmark.mini import networks, weights
from benchmark.mini.pretraining import clip_pretrain, flip
from benchmark.mini.pretraining.algorithm import Schedule


@pytest.fixture
def algorithm(monkeypatch):
    monkeypatch.setattr(clip_pretrain, "inherit_text", lambda model, role: "")
    torch.manual_seed(0)
    made = flip.Flip("ViT-B/16")
    made.schedule = Schedule(steps=4, batch=4)
    return made


def lengths(algorithm, images) -> list[int]:
    """How many tokens the transformer was given."""
    found = []
    hook = algorithm.model.visual.transformer.register_forward_pre_hook(lambda m, i: found.append(i[0].shape[1]))
    algorithm.model.encode_image(images)
    hook.remove()
    return found


def test_the_first_token_and_half_of_the_others_are_kept():
    tokens = torch.arange(37.0)[None, :, None].expand(50, -1, 2)
    out = flip.kept(tokens, 0.5)
    assert out.shape == (50, 19, 2)
    assert (out[:, 0] == 0).all()
    assert all(len(set(row.tolist())) == 18 and 0 not in row for row in out[:, 1:, 0])
    assert len({tuple(sorted(row.tolist())) for row in out[:, 1:, 0]}) == 50


def test_patches_are_left_out_only_while_training_and_not_in_the_last_steps(algorithm):
    images = torch.zeros(2, 3, 48, 48)
    assert lengths(algorithm.train(), images) == [19]
    assert lengths(algorithm.eval(), images) == [37]
    algorithm.after(0.86)
    assert lengths(algorithm.train(), images) == [37]


def test_a_continued_run_knows_how_far_it_is(algorithm):
    algorithm.after(0.9)
    again = flip.Flip("ViT-B/16")
    again.load_state_dict(algorithm.state_dict())
    assert lengths(again.train(), torch.zeros(1, 3, 48, 48)) == [37]
    assert "progress" not in algorithm.product().state_dict()


def test_a_step_leaves_out_the_same_patches_whenever_it_is_taken(algorithm):
    algorithm.train()
    first = algorithm.loss(1).item()
    torch.rand(3)
    before = torch.get_rng_state()
    assert algorithm.loss(1).item() == first
    assert torch.get_rng_state().equal(before)


def test_after_a_look_at_the_monitor_split_the_same_things_are_trained(algorithm, monkeypatch):
    monkeypatch.setattr(clip_pretrain.monitor, "zero_shot", lambda clip, *_: 0.0)
    trained = [name for name, p in algorithm.named_parameters() if p.requires_grad]
    algorithm.monitor()
    assert [name for name, p in algorithm.named_parameters() if p.requires_grad] == trained
    assert "model.visual.positional_embedding" not in trained


def test_an_inherited_text_tower_is_the_other_roles_and_nothing_else_is(monkeypatch):
    torch.manual_seed(0)
    donor, heir = networks.build_clip("RN50")[0], networks.build_clip("ViT-B/32")[0]
    donor.logit_scale.data.fill_(3.0)
    monkeypatch.setattr(weights, "load", lambda role: donor.state_dict())
    image_tower = {k: v.clone() for k, v in heir.visual.state_dict().items()}
    monkeypatch.setattr(weights, "fingerprint", lambda role: "0123456789abcdef")
    assert "RN50 role's (sha256 0123456789ab...)" in clip_pretrain.inherit_text(heir, "RN50")
    assert heir.text_projection.equal(donor.text_projection)
    assert heir.token_embedding.weight.equal(donor.token_embedding.weight)
    assert all(v.equal(image_tower[k]) for k, v in heir.visual.state_dict().items())
    assert heir.logit_scale.item() != 3.0


def test_a_text_tower_of_another_size_is_refused(monkeypatch):
    donor = networks.build_clip("RN50")[0].state_dict()
    donor.pop("text_projection")
    monkeypatch.setattr(weights, "load", lambda role: donor)
    with pytest.raises(ValueError, match="text_projection"):
        clip_pretrain.inherit_text(networks.build_clip("ViT-B/32")[0], "RN50")
