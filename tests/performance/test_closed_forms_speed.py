"""The two ways of a head in closed form that are timed against each other give the same answers."""

import pytest

from performance import closed_forms_speed


@pytest.mark.parametrize("name", closed_forms_speed.HEADS)
def test_both_ways_of_a_head_give_the_same_answers(name, monkeypatch):
    monkeypatch.setattr(closed_forms_speed, "CLASSES", 5)
    monkeypatch.setattr(closed_forms_speed, "WIDTH", 8)
    *_, apart = closed_forms_speed.compared(name, closed_forms_speed.support(3))
    assert apart < 1e-9
