"""Eq. 5 and its readings on logits that fit in a head, the histogram, and the curve over beta against plain counting."""

import math

import pytest
import torch
from torch import Tensor

from benchmark.methods import Scores
from benchmark.records import metrics
from benchmark.records.record import Best, BetaCurve


def slow_cosine(a: list[float], b: list[float]) -> float:
    """SIM of Eq. 5 with sums written out."""
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / (math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b)))


def logits(rows: int = 6, classes: int = 5, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    s0, b = (torch.randn(rows, classes, generator=generator) * 3 for _ in range(2))
    return s0, b, torch.randint(classes, (rows,), generator=generator)


def test_the_cosine_of_two_small_rows() -> None:
    a, b = torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[4.0, 3.0], [0.0, 2.0]])
    torch.testing.assert_close(metrics.cosine(a, b), torch.tensor([24 / 25, 0.0]))


def test_a_row_of_zeros_is_similar_to_nothing_and_is_a_number() -> None:
    assert metrics.cosine(torch.zeros(1, 3), torch.ones(1, 3)).tolist() == [0]


def test_the_three_readings_against_sums_written_out() -> None:
    s0, other, _ = logits()
    found = metrics.complementarity(s0, other)
    sums = dict.fromkeys(("raw", "centred", "probabilities"), 0.0)
    for a, b in zip(s0.tolist(), other.tolist(), strict=True):
        middle_a, middle_b = sum(a) / len(a), sum(b) / len(b)
        p, q = ([math.exp(x) / sum(map(math.exp, row)) for x in row] for row in (a, b))
        sums["raw"] += 1 - slow_cosine(a, b)
        sums["centred"] += 1 - slow_cosine([x - middle_a for x in a], [x - middle_b for x in b])
        sums["probabilities"] += 1 - slow_cosine(p, q)
    assert found == pytest.approx({name: total / len(s0) for name, total in sums.items()}, abs=1e-6)


def test_a_common_offset_makes_raw_logits_alike_and_centred_ones_not() -> None:
    s0, other = torch.tensor([[101.0, 99.0]]), torch.tensor([[99.0, 101.0]])
    found = metrics.complementarity(s0, other)
    assert found["raw"] == pytest.approx(1 - (2 * 101 * 99) / (101**2 + 99**2), abs=1e-6)  # nearly 0
    assert found["centred"] == pytest.approx(2)  # opposite directions


def test_the_numbers_of_a_selection_are_of_the_fused_logits_and_of_the_bias() -> None:
    s0, b, labels = logits()
    s = Scores(zero_shot=s0, bias=b, fused=s0 + 2 * b)
    found = metrics.of_scores(s, labels)
    assert found["bias_correct"] == sum(int(row.argmax()) == y for row, y in zip(b, labels, strict=True))
    assert found["cmy_raw"] == pytest.approx(metrics.complementarity(s0, s0 + 2 * b)["raw"], abs=1e-6)
    assert found["bias_cmy_centred"] == pytest.approx(metrics.complementarity(s0, b)["centred"], abs=1e-6)
    assert not any(math.isnan(value) for value in found.values())


def test_every_image_is_in_one_bar_right_or_wrong_apart() -> None:
    s0 = torch.tensor([[1.0, 0.0], [5.0, 0.0], [0.0, 3.0], [0.0, 3.0]])
    found = metrics.max_logits(s0, torch.tensor([0, 1, 1, 0]))  # largest 1 right, 5 wrong, 3 right, 3 wrong
    assert (found.low, found.high) == (1, 5)
    middle = metrics.BINS // 2
    assert {i: c for i, c in enumerate(found.right) if c} == {0: 1, middle: 1}
    assert {i: c for i, c in enumerate(found.wrong) if c} == {middle: 1, metrics.BINS - 1: 1}


def test_logits_that_are_all_alike_have_a_histogram_too() -> None:
    found = metrics.max_logits(torch.zeros(3, 2), torch.tensor([0, 1, 0]))
    assert (sum(found.right), sum(found.wrong)) == (2, 1)
    assert found.high > found.low


def test_the_curve_over_beta_is_what_counting_at_each_beta_gives() -> None:
    s0, b, labels = logits(rows=40, seed=3)
    curve = metrics.beta_curve(s0, b, labels)
    plain = [int(((s0.double() + beta * b.double()).argmax(1) == labels).sum()) for beta in metrics.BETAS]
    assert curve.correct == plain
    best = curve.best
    assert best.correct >= max(plain)
    assert int(((s0.double() + best.beta * b.double()).argmax(1) == labels).sum()) == best.correct
    assert metrics.readable(curve)


@pytest.mark.parametrize("curve", [None, BetaCurve([], Best(1.0, 0)), BetaCurve([1, 2], Best(1.0, 2))])
def test_a_curve_of_another_length_is_not_read(curve: object) -> None:
    assert not metrics.readable(curve)


@pytest.mark.parametrize("size", [1.0, 1e-15, 1e-25, 1e-38])
def test_a_cosine_does_not_depend_on_how_small_the_logits_are(size: float) -> None:
    """As those of a cache far from every image; the squares of the last two are 0 in single precision."""
    a, b = torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[4.0, 3.0], [1.0, 0.0]])
    assert metrics.cosine(a * size, b).tolist() == pytest.approx([0.96, 0.0])
    assert metrics.cosine(b, a * size).tolist() == pytest.approx([0.96, 0.0])
