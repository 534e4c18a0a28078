"""Names that modules hold are compared without words for each, and what was replaced is found all the same."""

import random

import pytest

from benchmark.methods.guest import replaced
from performance.guest_speed import EACH


def test_what_was_replaced_is_found_as_with_words_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    before, each = replaced.FUNCTIONS.read(), EACH.read()
    dice = random.Random(0)
    some = [(owner, name) for owner, name, value in each.values() if owner.__name__.startswith("torch.nn.f")]
    for owner, name in dice.sample(some, 20):
        monkeypatch.setattr(owner, name, len)
    monkeypatch.setattr("json.new", len, raising=False)  # what is new is no change
    monkeypatch.delattr("json.dumps")
    found = replaced.FUNCTIONS.changed(before, replaced.FUNCTIONS.read())
    assert len(found) == 21
    assert found == EACH.changed(each, EACH.read())
