"""Unit rows, cosine logits, z-scores."""

import statistics

import pytest
import torch

from benchmark.numerics.logits import cosine_logits, unit, zscore


def test_three_and_four_make_a_unit_row_of_six_and_eight_tenths():
    assert torch.allclose(unit(torch.tensor([[3.0, 4.0]])), torch.tensor([[0.6, 0.8]]))


def test_cosine_logits_do_not_depend_on_the_length_of_a_feature():
    weights = torch.eye(2)
    logits = cosine_logits(torch.tensor([[3.0, 4.0], [30.0, 40.0]]), weights, 10.0)
    assert torch.allclose(logits, torch.tensor([[6.0, 8.0], [6.0, 8.0]]))


def test_zscore_of_one_two_three_is_minus_one_zero_one():
    assert torch.allclose(zscore(torch.tensor([[1.0, 2.0, 3.0]])), torch.tensor([[-1.0, 0.0, 1.0]]))


def test_zscore_equals_its_formula_row_by_row():
    x = torch.randn(4, 7, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    for row, z in zip(x.tolist(), zscore(x).tolist(), strict=True):
        mean, spread = statistics.mean(row), statistics.stdev(row)
        assert z == pytest.approx([(value - mean) / spread for value in row])


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, 7.7, 23.456, -1e4])
@pytest.mark.parametrize("classes", [3, 7, 10, 100, 1000])
def test_a_constant_row_has_zscore_zero_and_gradient_zero(value, classes):
    x = torch.full((1, classes), value, requires_grad=True)
    z = zscore(x)
    (z * torch.arange(classes)).sum().backward()
    assert torch.equal(z, torch.zeros_like(z))
    assert torch.equal(x.grad, torch.zeros_like(z))


def test_the_rows_beside_a_constant_one_keep_their_zscore():
    z = zscore(torch.tensor([[0.1, 0.1, 0.1], [1.0, 2.0, 3.0]]))
    assert torch.allclose(z, torch.tensor([[0.0, 0.0, 0.0], [-1.0, 0.0, 1.0]]))


@pytest.mark.parametrize("size", [1e-15, 1e-25, 1e-36])
def test_a_zscore_does_not_depend_on_how_small_the_logits_are(size):
    """As those of a cache far from every image, beside a row of usual size."""
    z = zscore(torch.tensor([[1.0, 2.0, 3.0], [5.0, 6.0, 9.0]]) * torch.tensor([[size], [1.0]]))
    assert torch.allclose(z, zscore(torch.tensor([[1.0, 2.0, 3.0], [5.0, 6.0, 9.0]])))
