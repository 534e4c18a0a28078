"""The architectures are open_clip's and timm's own, small enough to ship."""

import numpy as np
import pytest
import torch

from benchmark.encoders.libraries import open_clip, timm
from benchmark.errors import BenchError
from benchmark.mini import networks, world

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


@pytest.mark.parametrize("role", networks.AUXILIARY_ROLES)
def test_auxiliary_encoders_give_256_numbers(role):
    encoder = networks.build_auxiliary(role)
    assert isinstance(encoder, timm.models.resnet.ResNet)
    assert encoder(networks.preprocess(PICTURES)).shape == (3, 256)


def test_in_half_precision_no_encoder_exceeds_four_megabytes():
    for network in (networks.build_clip("RN50")[0], networks.build_auxiliary("dino")):
        assert 2 * sum(p.numel() for p in network.parameters()) < 4e6


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
