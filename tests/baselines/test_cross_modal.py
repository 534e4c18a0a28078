"""Cross-modal probing: zero before training, its batches, and the steps of torch's own AdamW on images and texts."""

from itertools import islice

import pytest
import torch
import torch.nn.functional as F

from baselines.cross_modal import ITERATIONS, RECIPE, CrossModalLP, _batches, _rate
from benchmark.methods import Recipe, training


def test_from_the_texts_it_is_zero_shot_clip_before_training_and_from_random_weights_not(task):
    predictor = CrossModalLP()
    predictor.build(task)
    s = predictor.scores(task.val.view())
    assert torch.equal(s.fused, s.zero_shot)
    predictor = CrossModalLP(init="random")
    predictor.build(task)
    s = predictor.scores(task.val.view())
    weight = predictor.weight.detach()
    expected = [[20 * F.normalize(f, dim=0) @ w for w in weight] for f in task.val.view()["clip"]]
    assert torch.allclose(s.fused, torch.tensor(expected), atol=1e-4)


def test_its_steps_are_torch_s_own_on_the_loss_of_images_and_texts(task):
    """Batches of all ten images twice (two views) and all five texts, so that no order matters."""
    recipe = Recipe(lr=0.01, eps=1e-8, weight_decay=0.01, batch_size=40, epochs=1)
    predictor = CrossModalLP(recipe=recipe)
    predictor.fit(task)
    weight = task.text.double().clone().requires_grad_()
    theirs = torch.optim.AdamW([weight], eps=1e-8, weight_decay=0.01)
    views = [F.normalize(f.double(), dim=0) for view in task.support.spaces["clip"] for f in view]
    images = zip(views, task.support.labels.tolist() * 2, strict=True)
    samples = [*images, *((t.double(), c) for c, t in enumerate(task.text))]
    for step in range(ITERATIONS):
        theirs.param_groups[0]["lr"] = _rate(recipe, 0, step)
        theirs.zero_grad()
        loss = sum(-(20 * weight @ x).log_softmax(0)[label] for x, label in samples) / len(samples)
        loss.backward()
        theirs.step()
    assert torch.allclose(predictor.weight.double(), weight, rtol=1e-2, atol=1e-3)


def test_half_a_beta_averages_the_probe_and_the_texts(task):
    recipe = Recipe(lr=0.01, weight_decay=0.01, batch_size=8, epochs=1)
    predictor = CrossModalLP(beta=0.5, recipe=recipe)
    predictor.fit(task)
    x = task.val.view()
    mixed = (predictor.weight + task.text) / 2
    expected = 20 * F.normalize(x["clip"], dim=1) @ mixed.T
    assert torch.allclose(predictor.scores(x).fused, expected, atol=1e-4)


def test_every_hundred_iterations_are_a_milestone(task):
    seen = []
    with training.watching(lambda p: seen.append(p.weight.detach().clone())):
        CrossModalLP(recipe=Recipe(lr=0.01, batch_size=8, epochs=3)).fit(task)
    assert len(seen) == 3


def test_batches_pass_over_all_samples_and_leave_out_an_incomplete_one():
    found = list(islice(_batches(5, 2, torch.Generator().manual_seed(0)), 6))
    assert all(len(batch) == 2 for batch in found)
    for first in (0, 2, 4):
        assert len(set(torch.cat(found[first : first + 2]).tolist())) == 4
    assert len(next(_batches(3, 8, torch.Generator()))) == 3


def test_the_rate_rises_in_fifty_iterations_and_then_falls_as_a_cosine():
    assert _rate(RECIPE, 0, 0) == 1e-5
    assert _rate(RECIPE, 0, 25) == pytest.approx((1e-5 + 1e-3) / 2)
    assert _rate(RECIPE, 64, 0) == pytest.approx(5e-4)
    assert RECIPE.epochs * ITERATIONS == 12_800


def test_an_unknown_start_is_refused():
    with pytest.raises(ValueError, match="there are zeroshot and random"):
        CrossModalLP(init="text")
