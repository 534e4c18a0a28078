"""Eq. 10 and its rivals: each weight against its formula with loops, and against published numbers."""

import math
import statistics

import pytest
import torch

from amu.fusion import FUSIONS, WITHOUT_POWER

RHO = 0.4
POWERED = sorted(set(FUSIONS) - set(WITHOUT_POWER))


def probabilities(row):
    powers = [math.exp(value - max(row)) for value in row]
    return [power / sum(powers) for power in powers]


def slow_kurtosis(row):
    mean, spread = statistics.mean(row), statistics.pstdev(row)
    return 1 / statistics.mean(((value - mean) / spread) ** 4 for value in row) ** RHO


def slow_moment(row):
    p = probabilities(row)
    mean, spread = statistics.mean(p), statistics.stdev(p)
    return 1 / (statistics.mean(((value - mean) / spread) ** 4 for value in p) / 250) ** RHO


def slow_entropy(row):
    bits = -sum(p * math.log2(p) for p in probabilities(row))
    return math.exp(RHO * bits / math.log2(len(row)))


def slow_energy(row):
    p = probabilities(row)
    inner = math.log(sum(math.exp((value - max(p)) / 2) for value in p))
    return (2 * (inner + max(p))) ** -RHO


SLOW = {
    "none": lambda row: 1.0,
    "kurtosis": slow_kurtosis,
    "moment": slow_moment,
    "entropy": slow_entropy,
    "energy": slow_energy,
    "max": lambda row: max(probabilities(row)) ** -RHO,
    "max-min": lambda row: (max(probabilities(row)) - min(probabilities(row))) ** -RHO,
    "var": lambda row: statistics.stdev(probabilities(row)),
    "top5": lambda row: (max(probabilities(row)) - sorted(probabilities(row))[-5]) ** -RHO,
}


@pytest.mark.parametrize("name", POWERED)
def test_every_weight_is_a_power_of_its_own_at_rho_one(name):
    s0 = 8 * torch.randn(50, 20, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    for rho in (0.2, 0.4, 0.8):
        torch.testing.assert_close(FUSIONS[name](s0, 1.0) ** rho, FUSIONS[name](s0, rho))


@pytest.mark.parametrize("name", WITHOUT_POWER)
def test_what_the_release_gives_no_power_does_not_change_with_rho(name):
    s0 = 8 * torch.randn(50, 20, generator=torch.Generator().manual_seed(0))
    assert torch.equal(FUSIONS[name](s0, 0.2), FUSIONS[name](s0, 0.8))


def test_every_fusion_has_a_slow_twin():
    assert SLOW.keys() == FUSIONS.keys()


@pytest.mark.parametrize("name", FUSIONS)
def test_the_weight_equals_its_formula_image_by_image(name):
    s0 = 2 * torch.randn(6, 9, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    expected = [SLOW[name](row) for row in s0.tolist()]
    assert FUSIONS[name](s0, RHO).tolist() == pytest.approx(expected)


def weights_of_an_unsure_and_a_sure_image(name):
    unsure, sure = 0.5 * torch.eye(10)[:1], 20 * torch.eye(10)[:1]
    others = 0.1 * torch.arange(10.0)
    return FUSIONS[name](torch.cat([unsure + others, sure + others]), RHO)


@pytest.mark.parametrize("name", POWERED)
def test_the_surer_image_is_given_the_smaller_weight(name):
    unsure, sure = weights_of_an_unsure_and_a_sure_image(name)
    assert sure < unsure


def test_the_released_var_gives_the_surer_image_the_larger_weight():
    unsure, sure = weights_of_an_unsure_and_a_sure_image("var")
    assert unsure < sure <= 1 / 10**0.5


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize("row", [[0.1] * 7, [0.0] * 7, [1000.0] + [0.0] * 6, [25.0, 25.1, 24.9]])
def test_no_row_of_logits_gives_a_weight_that_is_not_finite(name, row):
    weight = FUSIONS[name](torch.tensor([row]), RHO)
    assert weight.shape == (1,)
    assert weight.isfinite().all()
    assert weight > 0 or (name == "var" and len(set(row)) == 1 and weight == 0)


def test_plus_and_minus_one_have_the_smallest_kurtosis_which_is_one():
    assert FUSIONS["kurtosis"](torch.tensor([[1.0, -1.0, 1.0, -1.0]]), RHO).item() == pytest.approx(1.0)


def test_kurtosis_does_not_see_scale_or_offset_of_the_logits():
    s0 = torch.tensor([[1.0, 2.0, 5.0, 0.5]])
    assert torch.allclose(FUSIONS["kurtosis"](s0, RHO), FUSIONS["kurtosis"](100 * s0 + 20, RHO))


@pytest.mark.parametrize(("classes", "weight"), [(1000, 0.575), (10, 4.29), (47, 2.0)])
def test_the_released_moment_of_a_certain_image_depends_on_the_number_of_classes(classes, weight):
    """K of a one-hot p is ((C - 1)⁴ + C - 1) / C³: 996 among 1000 classes, 6.57 among 10, 43 among 47."""
    certain = 1000 * torch.eye(classes)[:1]
    assert FUSIONS["moment"](certain, 0.4).item() == pytest.approx(weight, abs=0.03)


def test_power_zero_switches_every_uncertainty_off():
    s0 = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    for name in POWERED:
        assert torch.allclose(FUSIONS[name](s0, 0.0), torch.ones(3))
