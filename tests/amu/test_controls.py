"""Controls of the fusion: the weights are other images', their mean is the same, and nothing else differs."""

import pytest
import torch

from amu.controls import FusionControl
from amu.fusion import kurtosis
from amu.tuning import AMUTuning
from benchmark.methods.contract.toy import toy_samples, toy_task


@pytest.fixture(scope="module")
def many():
    """Five classes with 40 images each."""
    return toy_task(shots=40, views=1)


def weights(predictor, x):
    """Weight of each image: what the bias is multiplied by, without beta."""
    s = predictor.scores(x)
    return ((s.fused - s.zero_shot) * s.bias).sum(1) / s.bias.square().sum(1) / predictor.beta


def built(task, **settings):
    predictor = FusionControl(**settings)
    predictor.build(task)
    return predictor.requires_grad_(False)


def test_drawn_weights_are_those_of_support_images_spread_over_all_of_them(many):
    x = toy_samples(("clip", "mocov3"), 5, 40, seed=5).view()
    control = built(many)
    own = kurtosis(control.classifier(many.support.view()["clip"]), 0.4)
    found = weights(control, x)
    nearest = (found[:, None] - own[None]).abs()
    assert nearest.amin(1).max() < 1e-3
    assert len(nearest.argmin(1).unique()) > 80  # of 200, about 126 are expected
    assert found.mean().item() == pytest.approx(own.mean().item(), abs=4 * own.std().item() / 200**0.5)
    amu = AMUTuning()
    amu.build(many)
    assert abs(torch.corrcoef(torch.stack([found, weights(amu.requires_grad_(False), x)]))[0, 1]) < 0.25


def test_an_image_draws_the_same_in_every_batch_and_another_at_another_seed(many):
    x = toy_samples(("clip", "mocov3"), 5, 4, seed=5).view()
    control, other = built(many), built(toy_task(shots=40, views=1, seed=2))
    alone = torch.cat([weights(control, {name: value[[i]] for name, value in x.items()}) for i in range(20)])
    assert torch.allclose(alone, weights(control, x), rtol=1e-3)
    assert not torch.allclose(weights(other, x), weights(control, x), rtol=1e-3)


def test_the_constant_is_the_mean_weight_of_the_support_set(many):
    control = built(many, weights="mean")
    x = toy_samples(("clip", "mocov3"), 5, 4, seed=5).view()
    mean = kurtosis(control.classifier(many.support.view()["clip"]), 0.4).mean()
    assert torch.allclose(weights(control, x), mean.expand(20), rtol=1e-3)
    assert list(control.tunes) == ["beta"]


def test_without_uncertainty_it_is_amu_tuning(many):
    x = toy_samples(("clip", "mocov3"), 5, 4, seed=5).view()
    amu = AMUTuning(fusion="none")
    amu.build(many)
    for kind in ("drawn", "mean"):
        assert torch.allclose(built(many, weights=kind, fusion="none").scores(x).fused, amu.scores(x).fused)


def test_unknown_weights_are_refused():
    with pytest.raises(ValueError, match="there are drawn and mean"):
        FusionControl(weights="shuffled")
