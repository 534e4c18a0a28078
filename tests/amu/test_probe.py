"""Superiority, complementarity in its readings, and the rule that picks a feature, on numbers that fit in a head."""

import math

import pytest
import torch

from amu.probe import complementarity, select, superiority, top


def test_superiority_is_the_share_of_images_that_the_probe_puts_right():
    logits = torch.tensor([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0], [1.0, 0.0]])
    assert superiority(logits, torch.tensor([0, 1, 1, 0])) == 0.75


def slow(s0, other, change):
    """Eq. 5 image by image: 1 - a · b / (‖a‖ ‖b‖), then the mean."""
    total = 0.0
    for a, b in zip(s0.tolist(), other.tolist(), strict=True):
        a, b = change(a), change(b)
        dot = sum(p * q for p, q in zip(a, b, strict=True))
        total += 1 - dot / math.sqrt(sum(p * p for p in a) * sum(q * q for q in b))
    return total / len(s0)


def centred(row):
    return [value - sum(row) / len(row) for value in row]


def softmax(row):
    powers = [math.exp(value) for value in row]
    return [power / sum(powers) for power in powers]


@pytest.mark.parametrize(("reading", "change"), [("raw", list), ("centred", centred), ("probabilities", softmax)])
def test_eq_5_equals_the_formula_image_by_image(reading, change):
    generator = torch.Generator().manual_seed(0)
    s0, other = torch.randn(2, 6, 4, generator=generator, dtype=torch.double)
    assert complementarity(s0, other)[reading] == pytest.approx(slow(s0, other, change))


def test_a_common_offset_makes_raw_logits_alike_and_leaves_the_other_readings():
    s0, other = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    apart, offset = complementarity(s0, other), complementarity(s0 + 100, other + 100)
    assert apart["raw"] == pytest.approx(1)
    assert offset["raw"] == pytest.approx(0, abs=1e-3)
    assert offset["centred"] == pytest.approx(2, abs=1e-3)
    assert offset["probabilities"] == pytest.approx(apart["probabilities"], abs=1e-3)


SUP = {"clip": 56.93, "dino": 55.65, "mocov3": 57.68, "mae": 38.98, "spark": 28.31, "milan": 66.36}  # Table 2
CMY = {"clip": 0.438, "dino": 0.816, "mocov3": 0.837, "mae": 0.722, "spark": 0.770, "milan": 0.718}


def test_on_the_papers_own_table_2_the_top_two_of_both_is_the_papers_choice():
    assert top(SUP, 2) == ["mocov3", "milan"]
    assert top(CMY, 2) == ["dino", "mocov3"]
    assert select(SUP, CMY, 2, 2) == ["mocov3"]


def test_several_that_are_in_both_come_in_the_order_of_superiority():
    assert select(SUP, CMY, 4, 6) == ["milan", "mocov3", "clip", "dino"]


def test_where_none_is_in_both_the_rule_picks_nothing():
    assert select(SUP, CMY, 1, 1) == []
    assert select({}, {}, 1, 1) == []


def test_who_equals_the_last_of_the_top_is_in_it():
    assert top({"a": 3, "b": 2, "c": 2, "d": 1}, 2) == ["a", "b", "c"]
    assert top({"a": 1, "b": 1}, 1) == ["a", "b"]


def test_equals_in_superiority_keep_the_order_they_are_given_in():
    for names in (["a", "b", "c"], ["c", "b", "a"]):
        assert select(dict.fromkeys(names, 1.0), dict.fromkeys(names, 1.0), 1, 1) == names


def test_all_are_in_a_top_larger_than_their_number():
    assert top(SUP, 100) == list(SUP)


@pytest.mark.parametrize("k", [0, -1])
def test_a_top_of_nobody_is_refused(k):
    with pytest.raises(ValueError, match="give at least 1"):
        select(SUP, CMY, k, 2)
    with pytest.raises(ValueError, match="give at least 1"):
        select(SUP, CMY, 2, k)


def test_a_value_that_is_no_number_has_no_rank():
    with pytest.raises(ValueError, match="the value of mae is NaN"):
        select(SUP, {**CMY, "mae": math.nan}, 2, 2)


def test_both_measures_speak_of_the_same_features():
    with pytest.raises(ValueError, match="superiority of clip, dino, but complementarity of clip"):
        select({"clip": 1.0, "dino": 1.0}, {"clip": 1.0}, 1, 1)
