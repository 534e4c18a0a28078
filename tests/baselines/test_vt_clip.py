"""VT-CLIP against loops over classes and places, and where it starts."""

import math

import pytest
import torch

from baselines import vt_clip
from baselines.vt_clip import VTCLIP
from benchmark.methods.contract.toy import toy_task


@pytest.fixture
def task():
    return toy_task(spaces=("clip", "clip_spatial"))


@pytest.fixture
def trained(task):
    """A state away from the start: W_o drawn instead of zero."""
    predictor = VTCLIP()
    predictor.build(task)
    drawn = torch.randn(predictor.out.shape, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        predictor.out.copy_(drawn)
    return predictor


def slow_logits(predictor, f, places, text):
    """One image: each class looks at each place and adds what it finds."""
    logits, f = [], f / f.norm()
    places = [place / place.norm() for place in places]
    for t in text:
        asks = predictor.query @ t
        powers = [math.exp(float(asks @ (predictor.key @ s)) / math.sqrt(len(t))) for s in places]
        found = sum(power / sum(powers) * (predictor.value @ s) for power, s in zip(powers, places, strict=True))
        guided = t + predictor.out @ found
        logits.append(20 * float(f @ guided / guided.norm()))
    return logits


@torch.no_grad()
def test_logits_equal_the_formula_image_by_image(task, trained):
    x = task.val.view()
    fused = trained(x)
    for i in range(len(fused)):
        expected = slow_logits(trained, x["clip"][i], x["clip_spatial"][i], task.text)
        assert fused[i].tolist() == pytest.approx(expected, abs=1e-3)


@torch.no_grad()
def test_it_starts_at_zero_shot_clip(task):
    predictor = VTCLIP()
    predictor.build(task)
    s = predictor.scores(task.val.view())
    assert torch.allclose(s.fused, s.zero_shot, atol=1e-4)


@torch.no_grad()
def test_only_the_direction_of_a_feature_counts(task, trained):
    x = task.val.view()
    longer = {"clip": 3 * x["clip"], "clip_spatial": x["clip_spatial"] * torch.tensor([1.0, 2, 3, 4])[:, None]}
    assert torch.allclose(trained(longer), trained(x), atol=1e-3)


@torch.no_grad()
def test_places_have_no_order(task, trained):
    x = task.val.view()
    assert torch.allclose(trained({**x, "clip_spatial": x["clip_spatial"].flip(1)}), trained(x), atol=1e-3)


def test_training_leaves_the_start(task):
    predictor = VTCLIP()
    predictor.fit(task)
    s = predictor.scores(task.support.view())
    assert (s.fused - s.zero_shot).abs().max() > 0.1


def test_it_says_that_nobody_can_verify_it():
    assert VTCLIP.note == "re-implementation, unverifiable hyper-parameters"
    assert VTCLIP.note in vt_clip.__doc__
