"""CoOp: what it starts from, what it scores, and when it encodes its prompts anew."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from baselines.coop import RECIPE, CoOp
from benchmark.methods.contract.toy import toy_task


@pytest.fixture
def coop(task):
    predictor = CoOp(n_ctx=4, recipe=replace(RECIPE, epochs=2))
    predictor.build(task)
    return predictor.eval()


def test_the_context_is_drawn_with_the_stated_spread_and_seed():
    drawn = []
    for seed in (1, 1, 2):
        predictor = CoOp(ctx_std=0.5)
        predictor.build(toy_task(seed=seed))
        drawn.append(predictor.context.detach())
    assert drawn[0].shape == (16, 24)
    assert drawn[0].std().item() == pytest.approx(0.5, rel=0.15)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_fused_logits_are_scale_times_the_cosine_with_each_prompt(coop, task):
    x = task.support.view()
    s = coop.scores(x)
    prompts = coop.encode(coop.context)
    for i, f in enumerate(x["clip"]):
        for c, g in enumerate(prompts):
            assert s.fused[i, c].item() == pytest.approx(20 * F.cosine_similarity(f, g, 0).item(), abs=1e-3)
    assert torch.allclose(s.zero_shot + s.bias, s.fused, atol=1e-5)


def test_a_task_without_clip_is_refused(task):
    with pytest.raises(ValueError, match="this task has no clip"):
        CoOp().fit(replace(task, clip=None))


def counted(coop):
    """Replace the encoder by one that counts its calls."""
    calls, encode = [], coop.encode

    def counting(context):
        calls.append(1)
        return encode(context)

    coop.encode = counting
    return calls


@torch.no_grad()
def test_prompts_are_encoded_once_for_many_batches(coop, task):
    calls = counted(coop)
    for _ in range(3):
        coop(task.support.view())
    assert len(calls) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda p, other: p.context.add_(1.0),
        lambda p, other: p.context.data.add_(1.0),
        lambda p, other: setattr(p.context, "data", p.context.data + 1),
        lambda p, other: p.load_state_dict(other),
    ],
)
@torch.no_grad()
def test_however_the_context_is_changed_the_prompts_are_encoded_anew(coop, task, change):
    x = task.support.view()
    other = {name: value + 1 if name == "context" else value for name, value in coop.state_dict().items()}
    before = coop(x)
    change(coop, other)
    after = coop(x)
    assert not torch.allclose(before, after)
    fresh = CoOp(n_ctx=4)
    fresh.build(task)
    fresh.context.copy_(coop.context)
    assert torch.equal(fresh(x), after)


def test_a_training_step_is_seen_by_the_next_score(task):
    predictor = CoOp(n_ctx=4, recipe=replace(RECIPE, epochs=1, warmup_epochs=0, lr=1.0))
    predictor.build(task)
    x = task.support.view()
    with torch.no_grad():
        before = predictor(x)
    predictor.fit(task)
    with torch.no_grad():
        assert not torch.allclose(before, predictor(x))


def test_with_gradients_the_prompts_are_never_remembered(coop, task):
    with torch.no_grad():
        coop(task.support.view())
    coop(task.support.view()).sum().backward()
    assert coop.context.grad.abs().max() > 0
