"""Initial weights follow nn.Linear's distribution and come from the given generator alone."""

import pytest
import torch
from torch import nn

from benchmark.numerics.initialisation import linear, linear_weight


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_weight_equals_that_of_a_linear_layer_that_is_made_after_the_same_seed() -> None:
    torch.manual_seed(7)
    expected = nn.Linear(4, 3).weight
    assert torch.equal(linear_weight(3, 4, generator(7)), expected)


def test_a_layer_has_the_weight_and_the_bias_of_one_that_is_made_after_the_same_seed() -> None:
    torch.manual_seed(7)
    expected = nn.Linear(4, 3)
    layer = linear(3, 4, generator(7))
    assert torch.equal(layer.weight, expected.weight)
    assert torch.equal(layer.bias, expected.bias)


@pytest.mark.parametrize("inputs", [1, 4, 100])
def test_values_fill_the_range_of_one_over_the_root_of_the_inputs_evenly(inputs: int) -> None:
    layer = linear(2000, inputs, generator())
    for values in (layer.weight.detach().flatten(), layer.bias.detach()):
        scaled = values * inputs**0.5
        assert scaled.abs().max() <= 1 + 1e-6
        quarters = torch.histc(scaled, 4, -1, 1) / len(scaled)
        assert (quarters - 0.25).abs().max() < 0.05


def test_the_global_generator_is_neither_read_nor_moved() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = linear(3, 4, generator())
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(linear(3, 4, generator()).weight, first.weight)


def test_one_generator_gives_one_layer_after_another() -> None:
    source = generator()
    assert not torch.equal(linear(3, 4, source).weight, linear(3, 4, source).weight)


def test_a_layer_is_trained() -> None:
    layer = linear(3, 4, generator())
    assert layer.weight.requires_grad
    assert layer.bias.requires_grad
    assert (layer.in_features, layer.out_features) == (4, 3)
