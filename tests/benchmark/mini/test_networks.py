"""The architectures are open_clip's and timm's own, small enough to ship."""

import numpy as np
import pytest
import torch

from benchmark.core.errors import BenchError
from benchmark.core.libraries import open_clip, timm
from benchmark.mini import networks
from benchmark.mini.world import world

PICTURES = world.render("monitor", np.arange(3))


def test_pixels_are_mapped_to_minus_two_and_two():
    black_and_white = np.stack([np.zeros((48, 48, 3)), np.full((48, 48, 3), 255)]).astype(np.uint8)
    x = networks.preprocess(black_and_white)
    assert x.dtype == torch.float32
    assert x.shape == (2, 3, 48, 48)
    assert x[0].unique().tolist() == [-2]
    assert x[1].unique().tolist() == [2]


def test_channels_and_rows_keep_their_places():
    picture = np.zeros((1, 48, 48, 3), np.uint8)
    picture[0, 5, 7, 2] = 255
    assert networks.preprocess(picture).flatten().argmax() == 2 * 48 * 48 + 5 * 48 + 7


def test_tensors_and_arrays_are_preprocessed_alike():
    assert networks.preprocess(torch.from_numpy(PICTURES)).equal(networks.preprocess(PICTURES))


def test_the_clip_is_open_clips_and_its_tower_timms():
    model, tokenizer = networks.build_clip("RN50")
    assert type(model) is open_clip.CLIP
    assert isinstance(model.visual.trunk, timm.models.resnet.ResNet)
    assert model.vocab_size == len(tokenizer)
    assert model.encode_image(networks.preprocess(PICTURES)).shape == (3, networks.EMBED)
    assert model.encode_text(tokenizer(["a photo of a dax", "my wug"])).shape == (2, networks.EMBED)


@pytest.mark.parametrize("role", ["RN101", "ViT-B/32", "ViT-B/16"])
def test_every_clip_puts_pictures_and_texts_into_one_space(role):
    model, tokenizer = networks.build_clip(role)
    assert type(model) is open_clip.CLIP
    assert isinstance(model.visual, open_clip.transformer.VisionTransformer) == role.startswith("ViT")
    assert model.encode_image(networks.preprocess(PICTURES)).shape == (3, networks.EMBED)
    assert model.encode_text(tokenizer(["a photo of a dax"])).shape == (1, networks.EMBED)


def test_the_towers_differ_as_their_originals_do():
    blocks, patches = {}, {}
    for role in networks.CLIP_ROLES:
        visual = networks.build_clip(role)[0].visual
        blocks[role] = sum(isinstance(m, timm.models.resnet.BasicBlock) for m in visual.modules())
        patches[role] = getattr(visual, "grid_size", None)
    assert blocks == {"RN50": 4, "RN101": 7, "ViT-B/32": 0, "ViT-B/16": 0}
    assert patches == {"RN50": None, "RN101": None, "ViT-B/32": (4, 4), "ViT-B/16": (6, 6)}


@pytest.mark.parametrize(("role", "places"), [("RN50", 4), ("RN101", 4), ("ViT-B/32", 16), ("ViT-B/16", 36)])
@torch.no_grad()
def test_spatial_features_are_in_the_joint_space(role, places):
    model = networks.build_clip(role)[0].eval()
    assert networks.spatial(model, networks.preprocess(PICTURES)).shape == (3, places, networks.EMBED)


@torch.no_grad()
def test_a_resnets_image_feature_is_the_mean_of_its_spatial_ones():
    model, images = networks.build_clip("RN101")[0].eval(), networks.preprocess(PICTURES)
    torch.testing.assert_close(networks.spatial(model, images).mean(1), model.encode_image(images))


@torch.no_grad()
def test_a_vits_spatial_features_are_its_patch_tokens_treated_as_the_class_token_is():
    visual, images = networks.build_clip("ViT-B/32")[0].eval().visual, networks.preprocess(PICTURES)
    patches = visual.conv1(images).flatten(2).transpose(1, 2)
    tokens = torch.cat([visual.class_embedding.expand(3, 1, -1), patches], dim=1) + visual.positional_embedding
    tokens = visual.ln_post(visual.transformer(visual.ln_pre(tokens))) @ visual.proj
    torch.testing.assert_close(tokens[:, 0], visual(images))
    model = type("Model", (), {"visual": visual})
    torch.testing.assert_close(networks.spatial(model, images), tokens[:, 1:])


@pytest.mark.parametrize("role", networks.AUXILIARY_ROLES)
def test_auxiliary_encoders_are_timms(role):
    encoder = networks.build_auxiliary(role)
    vit = role in ("mae", "milan")
    assert isinstance(encoder, timm.models.vision_transformer.VisionTransformer if vit else timm.models.resnet.ResNet)
    assert encoder(networks.preprocess(PICTURES)).shape == (3, 128 if vit else 256)


def test_the_vits_positions_are_fixed_and_all_different():
    encoder = networks.build_auxiliary("mae")
    assert not encoder.pos_embed.requires_grad
    assert len({tuple(row.tolist()) for row in encoder.pos_embed[0]}) == 36


def test_in_half_precision_no_encoder_exceeds_four_megabytes():
    encoders = [networks.build_clip(role)[0] for role in networks.CLIP_ROLES]
    encoders += [networks.build_auxiliary(role) for role in networks.AUXILIARY_ROLES]
    assert max(2 * sum(p.numel() for p in network.parameters()) for network in encoders) < 4e6


def test_text_is_causal_so_that_later_words_do_not_reach_earlier_ones():
    model, tokenizer = networks.build_clip("RN50")
    model.eval()
    ids = tokenizer(["a photo of a dax", "a photo of a wug"])
    hidden = model.token_embedding(ids) + model.positional_embedding
    out = model.transformer(hidden, attn_mask=model.attn_mask)
    torch.testing.assert_close(out[0, :5], out[1, :5])
    assert not torch.allclose(out[0, 5], out[1, 5])


@pytest.mark.parametrize("build", [networks.build_clip, networks.build_auxiliary])
def test_unknown_roles_are_refused_by_name(build):
    with pytest.raises(BenchError, match="'RN5000'"):
        build("RN5000")


@pytest.mark.parametrize("role", networks.ROLES)
@torch.no_grad()
def test_a_compiled_tower_gives_what_the_tower_gives_and_leaves_it_as_it_was(role):
    tower = networks.build_clip(role)[0].visual if role in networks.CLIP_ROLES else networks.build_auxiliary(role)
    tower = getattr(tower, "trunk", tower).eval()
    images = networks.preprocess(world.render("monitor", np.arange(40)))  # so many that products are large
    before, slow = {name: value.clone() for name, value in tower.state_dict().items()}, tower(images)
    assert slow.std() > 0.01
    assert torch.allclose(networks.compiled(tower)(images), slow, atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in tower.state_dict().items())
    assert torch.equal(tower(images), slow)
