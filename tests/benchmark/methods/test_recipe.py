"""The learning rate of every step, and settings that make no sense."""

import math
from typing import Any

import pytest

from benchmark.methods.recipe import Recipe


def recipe(**changes: Any) -> Recipe:
    return Recipe(**{"lr": 2.0, "epochs": 4, "batch_size": 8, **changes})


def test_the_cosine_falls_from_the_rate_through_its_half_to_nothing() -> None:
    assert [recipe().lr_at(epoch, 0, 10) for epoch in (0, 2, 4)] == pytest.approx([2.0, 1.0, 0.0])
    assert recipe().lr_at(1, 0, 10) == pytest.approx(1 + math.sqrt(0.5))


def test_a_schedule_by_steps_moves_within_the_epoch_and_one_by_epochs_does_not() -> None:
    assert recipe().lr_at(1, 10, 20) == pytest.approx(1 + math.cos(math.pi * 1.5 / 4))
    by_epoch = recipe(schedule="epoch")
    assert by_epoch.lr_at(1, 10, 20) == by_epoch.lr_at(1, 0, 20) == pytest.approx(1 + math.sqrt(0.5))


def test_the_warm_up_is_constant_and_delays_the_cosine_without_shortening_it() -> None:
    warm = recipe(schedule="epoch", warmup_epochs=1, warmup_lr=0.5)
    rates = [warm.lr_at(epoch, 3, 10) for epoch in range(4)]
    assert rates == pytest.approx([0.5, 2.0, 1 + math.sqrt(0.5), 1.0])


@pytest.mark.parametrize("name", ["lr", "epochs", "batch_size"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_what_is_counted_has_to_be_positive(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"recipe {name}={value!r} must be positive"):
        recipe(**{name: value})


@pytest.mark.parametrize(
    ("name", "known"), [("optimizer", "'adamw', 'adam' and 'sgd'"), ("schedule", "'step' and 'epoch'")]
)
def test_an_unknown_word_is_told_with_those_that_there_are(name: str, known: str) -> None:
    with pytest.raises(ValueError, match=f"recipe {name}='none'; there are {known}"):
        recipe(**{name: "none"})


def test_adamw_s_usual_settings_are_the_defaults() -> None:
    told = recipe()
    assert (told.optimizer, told.weight_decay, told.eps, told.warmup_epochs) == ("adamw", 0.01, 1e-4, 0)
