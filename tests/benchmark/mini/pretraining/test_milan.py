"""MILAN: what the teacher says, where the student looks, and a decoder that leaves the seen tokens alone."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import layer_norm

from benchmark.mini import networks
from benchmark.mini.pretraining import mae, milan
from benchmark.mini.pretraining.algorithm import Schedule


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def visual():
    torch.manual_seed(0)
    return networks.build_clip("ViT-B/16")[0].eval().requires_grad_(False).visual


def test_the_target_is_the_last_layers_patch_tokens_normalised(visual):
    images = noise(2, 3, 48, 48)
    seen = []
    hook = visual.transformer.resblocks[-1].register_forward_hook(lambda m, i, o: seen.append(o))
    target, _ = milan.teach(visual, images)
    hook.remove()
    torch.testing.assert_close(target, layer_norm(seen[0][:, 1:], (128,)))
    torch.testing.assert_close(target.mean(-1), torch.zeros(2, 36), atol=1e-5, rtol=0)


def test_the_attention_is_the_class_tokens_in_the_last_layer_written_out(visual):
    images = noise(1, 3, 48, 48)
    entered = []
    block = visual.transformer.resblocks[-1]
    hook = block.register_forward_pre_hook(lambda m, inputs: entered.append(inputs[0]))
    visual(images)
    hook.remove()
    tokens = block.ln_1(entered[0])[0]
    weight, bias = block.attn.in_proj_weight, block.attn.in_proj_bias
    expected = torch.zeros(37)
    for head in range(4):
        part = slice(32 * head, 32 * head + 32)
        query = (weight[:128][part] @ tokens[0]) + bias[:128][part]
        scores = [float(query @ (weight[128:256][part] @ t + bias[128:256][part])) / math.sqrt(32) for t in tokens]
        expected += torch.tensor(scores).softmax(0) / 4
    _, attention = milan.teach(visual, images)
    torch.testing.assert_close(attention[0], expected[1:], atol=1e-6, rtol=1e-4)


def test_patches_are_drawn_one_after_another_with_the_attention_as_probabilities():
    attention = torch.tensor([0.6, 0.3, 0.1]).expand(20_000, -1)
    order = milan.looked_at(attention, np.arange(20_000))
    assert order.sort(dim=1).values.equal(torch.arange(3).expand(20_000, -1))
    first = order[:, 0].bincount(minlength=3) / 20_000
    torch.testing.assert_close(first, torch.tensor([0.6, 0.3, 0.1]), atol=0.015, rtol=0)
    second = order[order[:, 0] == 0, 1]
    assert (second == 1).float().mean().item() == pytest.approx(0.3 / (0.3 + 0.1), abs=0.02)


def test_an_order_depends_on_the_picture_alone():
    attention = noise(6, 36).softmax(1)
    assert milan.looked_at(attention[2:3], np.array([2]))[0].equal(milan.looked_at(attention, np.arange(6))[2])


def test_the_loss_is_the_mean_square_error_over_all_patches_written_out():
    a, b = noise(2, 3, 4), noise(2, 3, 4, seed=1)
    total = sum((a[n, p, d] - b[n, p, d]).item() ** 2 for n in range(2) for p in range(3) for d in range(4))
    assert milan.distance(a, b).item() == pytest.approx(total / 24, rel=1e-5)


def test_a_prompted_block_is_attention_from_hidden_to_all_tokens_written_out():
    torch.manual_seed(0)
    block = milan.PromptedBlock()
    seen, hidden = noise(1, 2, 128), noise(1, 3, 128, seed=1)
    tokens = block.norm(torch.cat([seen, hidden], dim=1))[0]
    weight, bias = block.attention.in_proj_weight, block.attention.in_proj_bias
    q, k, v = (tokens @ w.T + b for w, b in zip(weight.chunk(3), bias.chunk(3), strict=True))
    for h in range(3):
        heads = []
        for part in (slice(32 * i, 32 * i + 32) for i in range(4)):
            weights = (k[:, part] @ q[2 + h, part] / math.sqrt(32)).softmax(0)
            heads.append(sum(w * row for w, row in zip(weights, v[:, part], strict=True)))
        expected = hidden[0, h] + block.attention.out_proj(torch.cat(heads))
        expected = expected + block.mlp(block.norm_mlp(expected))
        torch.testing.assert_close(block(seen, hidden)[0, h], expected, atol=1e-5, rtol=1e-4)


def test_the_decoder_does_not_touch_the_seen_tokens():
    torch.manual_seed(0)
    decoder, order, seen = milan.Decoder(), mae.orders(np.arange(2)), noise(2, 9, 128)
    predicted = mae.picked(decoder(seen, order), order)
    torch.testing.assert_close(predicted[:, :9], decoder.leave(seen))
    decoder.mask.data += 1
    after = mae.picked(decoder(seen, order), order)
    assert after[:, :9].equal(predicted[:, :9])
    assert not torch.allclose(after[:, 9:], predicted[:, 9:])


def test_hidden_patches_are_predicted_from_the_seen_ones():
    torch.manual_seed(0)
    decoder, order, seen = milan.Decoder(), mae.orders(np.arange(2)), noise(2, 9, 128)
    changed = seen.clone()
    changed[:, 0] += noise(2, 128, seed=3)
    before, after = (mae.picked(decoder(s, order), order)[:, 9:] for s in (seen, changed))
    assert not torch.allclose(before, after)


def test_the_student_learns_and_the_teacher_does_not(visual, monkeypatch):
    monkeypatch.setattr(milan, "_teacher", lambda: visual)
    algorithm = milan.Milan("milan")
    algorithm.schedule = Schedule(steps=4, batch=4)
    algorithm.loss(0).backward()
    assert all(p.grad is not None for p in algorithm.parameters() if p.requires_grad)
    assert all(p.grad is None for p in visual.parameters())
    assert not any("visual" in name or "teacher" in name for name in algorithm.state_dict())
