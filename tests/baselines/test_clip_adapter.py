"""CLIP-Adapter's arithmetic, small enough to follow."""

import pytest
import torch
from torch import nn

from baselines.clip_adapter import CLIPAdapter
from benchmark.methods import Samples, Task


@pytest.fixture
def adapter():
    """Two dimensions, one hidden unit: W₁ = (1, 1), W₂ = (2, -1)ᵀ."""
    predictor = CLIPAdapter(ratio=0.25, reduction=2)
    support = Samples({"clip": torch.zeros(1, 2, 2)}, torch.tensor([0, 1]))
    predictor.build(Task(text=torch.eye(2), support=support, logit_scale=10.0))
    predictor.down = nn.Parameter(torch.tensor([[1.0, 1.0]]))
    predictor.up = nn.Parameter(torch.tensor([[2.0], [-1.0]]))
    return predictor


def test_a_quarter_of_the_adapter_and_three_of_the_feature(adapter):
    # W₁ f = 7; W₂ 7 = (14, -7), behind the second ReLU (14, 0); 0.25 · (14, 0) + 0.75 · (3, 4) = (5.75, 3)
    assert torch.allclose(adapter.adapt(torch.tensor([[3.0, 4.0]])), torch.tensor([[5.75, 3.0]]))


def test_a_negative_hidden_unit_is_silent(adapter):
    assert torch.allclose(adapter.adapt(torch.tensor([[-4.0, 0.0]])), torch.tensor([[-3.0, 0.0]]))


def test_fused_logits_are_the_cosines_of_the_adapted_feature(adapter):
    s = adapter.scores({"clip": torch.tensor([[3.0, 4.0]])})
    length = (5.75**2 + 3**2) ** 0.5
    assert s.fused[0].tolist() == pytest.approx([57.5 / length, 30 / length])
    assert s.zero_shot[0].tolist() == pytest.approx([6.0, 8.0])
    assert torch.allclose(s.zero_shot + s.bias, s.fused)


def test_the_feature_enters_with_its_length(adapter):
    """A feature twice as long is adapted twice as much, so that the angle stays: the adapter is homogeneous."""
    f = torch.tensor([[3.0, 4.0]])
    assert torch.allclose(adapter.adapt(2 * f), 2 * adapter.adapt(f))


@pytest.mark.parametrize(("reduction", "hidden"), [(4, 4), (1, 16), (99, 1)])
def test_the_width_is_the_datas_and_the_bottleneck_a_part_of_it(task, reduction, hidden):
    predictor = CLIPAdapter(reduction=reduction)
    predictor.build(task)
    assert predictor.down.shape == (hidden, 16)
    assert predictor.up.shape == (16, hidden)


def test_weights_start_within_one_over_the_root_of_their_inputs(task):
    predictor = CLIPAdapter()
    predictor.build(task)
    assert 0.15 < predictor.down.abs().max() <= 1 / 16**0.5
    assert 0.3 < predictor.up.abs().max() <= 1 / 4**0.5
