"""The mini suite's encoders: shipped weights in the networks, frozen, and a fast forward pass equal to the plain one."""

import numpy as np
import pytest
import torch

from benchmark.core.errors import BenchError
from benchmark.core.settings import Settings
from benchmark.mini import encoders, networks, weights
from benchmark.mini.world import world

IMAGES = torch.from_numpy(world.render("test", np.arange(3))).permute(0, 3, 1, 2)
SETTINGS = Settings()


def plain(role: str) -> torch.nn.Module:
    """The network of a role with its weights, in eval mode, without any speeding up."""
    network = networks.build_clip(role)[0] if role in networks.CLIP_ROLES else networks.build_auxiliary(role)
    network.load_state_dict(weights.load(role))
    return network.eval()


def inputs() -> torch.Tensor:
    return (IMAGES.float() / 255 - networks.MEAN) / networks.STD


@pytest.mark.parametrize("role", ["RN50", "ViT-B/16"])
def test_a_clip_s_features_are_the_output_of_its_image_tower(role: str) -> None:
    encoder, network = encoders.clip(role, settings=SETTINGS), plain(role)
    with torch.no_grad():
        expected = network.encode_image(inputs())
    found = encoder.forward(IMAGES)
    assert (found.shape, found.dtype) == ((3, networks.EMBED), torch.float32)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("role", "positions"), [("RN50", 4), ("ViT-B/32", 16), ("ViT-B/16", 36)])
def test_a_clip_s_patch_features_lie_in_the_joint_space(role: str, positions: int) -> None:
    encoder, network = encoders.clip(role, settings=SETTINGS), plain(role)
    with torch.no_grad():
        expected = networks.spatial(network, inputs())
    found = encoder.forward(IMAGES, spatial=True)
    assert found.shape == (3, positions, networks.EMBED)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_of_a_resnet_the_image_feature_is_the_mean_of_its_patch_features_and_of_a_vit_it_is_not() -> None:
    resnet, vit = (encoders.clip(role, settings=SETTINGS) for role in ("RN50", "ViT-B/32"))
    places = resnet.forward(IMAGES, spatial=True)
    assert resnet.loaded.pooled is not None
    torch.testing.assert_close(resnet.loaded.pooled(places), resnet.forward(IMAGES))
    torch.testing.assert_close(places.mean(1), resnet.forward(IMAGES))
    assert vit.loaded.pooled is None
    assert not torch.allclose(vit.forward(IMAGES, spatial=True).mean(1), vit.forward(IMAGES), atol=1e-2)


@pytest.mark.parametrize("role", ["mocov3", "mae"])
def test_an_auxiliary_encoder_s_features_are_its_network_s_output(role: str) -> None:
    encoder, network = encoders.auxiliary(role, settings=SETTINGS), plain(role)
    with torch.no_grad():
        expected = network(inputs())
    torch.testing.assert_close(encoder.forward(IMAGES), expected, atol=1e-4, rtol=1e-4)
    assert (encoder.clip, encoder.text, encoder.loaded.spatial) == (None, None, None)


def test_the_fingerprint_is_that_of_the_shipped_weights_and_needs_no_network() -> None:
    for make, role in ((encoders.clip, "RN101"), (encoders.auxiliary, "spark")):
        encoder = make(role, settings=SETTINGS)
        assert encoder.fingerprint == weights.fingerprint(role)
        assert "loaded" not in vars(encoder)


def test_networks_are_frozen_and_a_clip_is_in_eval_mode_with_its_own_tokenizer() -> None:
    clip = encoders.clip("RN50", settings=SETTINGS).clip
    assert clip is not None
    assert not clip.model.training
    assert not any(parameter.requires_grad for parameter in clip.model.parameters())
    assert not encoders.auxiliary("mae", settings=SETTINGS).loaded.forward(IMAGES).requires_grad
    text = clip.classifier(["red ring", "blue ring"], ["a photo of a {}"])
    assert text.shape == (2, networks.EMBED)
    torch.testing.assert_close(text.norm(dim=-1), torch.ones(2))
    assert not torch.equal(text[0], text[1])


@pytest.mark.parametrize("make", [encoders.clip, encoders.auxiliary])
def test_an_unknown_role_is_told_before_anything_is_built(make: object) -> None:
    with pytest.raises(BenchError, match="mini encoder 'RN5' has no shipped weights; there are"):
        make("RN5", settings=SETTINGS)  # type: ignore[operator]
