"""The smallest loss that the gate would have found, held against simulated losses of this size."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from benchmark.analysis.gate import power
from benchmark.analysis.gate.difference import COUNTS, Difference, of_answers
from benchmark.analysis.gate.verdicts import MARGIN, PATH, RATIO_MARGIN, WORSE, Verdict, judge

N = 10_000


def verdict(effect: float, error: float, name: str = "a") -> Verdict:
    difference = Difference(effect, error**2, COUNTS)
    return Verdict("t", name, "c", 60, 60 + effect, difference, asked=(name,), method="M")


def only(verdict: Verdict) -> Verdict:
    return judge([verdict]).cells[0]


@pytest.mark.parametrize(
    ("error", "loss"), [(0.1, MARGIN + 0.842 * 0.1), (1.0, 1.960 + 0.842), (2.0, 2 * (1.960 + 0.842))]
)
def test_a_loss_is_found_beyond_the_margin_and_beyond_chance(error: float, loss: float) -> None:
    """The quantiles of the normal distribution at 0.8 and 0.975 are 0.842 and 1.960."""
    assert power.detectable(only(verdict(0.0, error)), tests=1, power=0.8) == pytest.approx(loss, abs=0.02)


def test_a_larger_family_finds_only_larger_losses() -> None:
    one = only(verdict(0.0, 1.0))
    found = [power.detectable(one, tests, 0.8) for tests in (1, 10, 100)]
    assert found[2] == pytest.approx(3.481 + 0.842, abs=0.02)  # the quantile at 1 - 0.025 / 100
    assert found == sorted(found)


def test_no_loss_is_found_where_nothing_tells_an_error() -> None:
    gate = judge([verdict(0.0, nan)])
    assert power.summary(gate).startswith(
        "would have been found in 80 % (95 %) of repetitions: a loss of no size in half"
    )


def test_ratios_have_no_loss_in_points() -> None:
    assert power.summary(judge([replace(verdict(0.0, 0.1), margin=RATIO_MARGIN)])) == ""


@pytest.mark.slow
@pytest.mark.parametrize("probability", power.POWERS)
def test_a_simulated_loss_of_the_size_printed_is_found_as_often_as_it_says(probability: float) -> None:
    """4 % of 10,000 answers change without a loss, and the answers to as many images as are lost change beside these."""
    rng = np.random.default_rng(0)

    def held(loss: float) -> Verdict:
        values = 100.0 * rng.choice([-1, 0, 1], N, p=[0.02 + loss / 100, 0.96 - loss / 100, 0.02])
        values += rng.normal(0, PATH)  # the path of training
        return judge([verdict_of(values)]).cells[0]

    def verdict_of(values: np.ndarray) -> Verdict:
        difference = of_answers({("imagenet", "squares", 0): values}, {"a": 1.0})
        return Verdict("t", "a", "c", 60, 60 + difference.effect, difference, asked=("a",), method="M")

    loss = power.detectable(held(0.0), tests=1, power=probability)
    found = np.mean([held(loss).says == WORSE for _ in range(1000)])
    assert found == pytest.approx(probability, abs=0.03)
