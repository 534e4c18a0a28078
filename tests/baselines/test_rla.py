"""RLA: zero-shot CLIP before training, torch's own Adam on the penalised loss, a penalty of 1 / K."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from baselines.rla import RLA
from benchmark.methods import Samples


def test_before_training_it_is_zero_shot_clip_to_the_last_digit(task):
    predictor = RLA()
    predictor.build(task)
    s = predictor.scores(task.val.view())
    assert torch.equal(s.fused, s.zero_shot)


def test_training_is_torch_s_own_on_the_paper_s_loss(task):
    one = replace(task, support=Samples({"clip": task.support.spaces["clip"][:1]}, task.support.labels))
    predictor = RLA(recipe=replace(RLA().recipe, lr=0.01, epochs=3, warmup_epochs=3, warmup_lr=0.01))
    predictor.fit(one)
    adapter = torch.eye(16, dtype=torch.double, requires_grad=True)
    theirs = torch.optim.Adam([adapter], lr=0.01, eps=1e-4)
    for _ in range(3):
        theirs.zero_grad()
        loss = 0.5 * (adapter - torch.eye(16)).square().sum()  # two shots
        for image, label in zip(one.support.spaces["clip"][0].double(), one.support.labels, strict=True):
            f = adapter @ image
            logits = torch.stack([20 * F.cosine_similarity(f, t.double(), 0) for t in one.text])
            loss = loss - logits.log_softmax(0)[label] / len(one.support)
        loss.backward()
        theirs.step()
    assert torch.allclose(torch.eye(16) + predictor.shift, adapter.float(), rtol=1e-3, atol=1e-5)


def test_the_penalty_weakens_with_shots_unless_it_is_given(task):
    default, given = RLA(), RLA(lam=3.0)
    default.build(task)
    given.build(task)
    assert (default.strength.item(), given.strength.item()) == (0.5, 3.0)


def test_a_strong_penalty_is_zero_shot_clip(task):
    near, far = RLA(lam=1e6, recipe=replace(RLA().recipe, lr=1e-3)), RLA(lam=0.0, recipe=replace(RLA().recipe, lr=1e-3))
    near.fit(task)
    far.fit(task)
    x = task.val.view()
    assert near.scores(x).bias.abs().max() < 0.1 * far.scores(x).bias.abs().max()


@pytest.mark.parametrize("row", [0, 3])
def test_the_bias_is_the_difference_of_cosines(task, row):
    predictor = RLA(recipe=replace(RLA().recipe, lr=1e-2, epochs=5))
    predictor.fit(task)
    x = task.val.view()
    adapted = (torch.eye(16) + predictor.shift) @ x["clip"][row]
    expected = [20 * F.cosine_similarity(adapted, t, 0).item() for t in task.text]
    assert predictor.scores(x).fused[row].tolist() == pytest.approx(expected, abs=1e-4)
