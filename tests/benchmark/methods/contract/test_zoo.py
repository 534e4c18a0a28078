"""A zoo of methods with one fault each: the contract notices all but those that it says it cannot see."""

import pytest

from benchmark.methods.contract.clauses import UNSEEN, check, violation
from tests.benchmark.methods.contract.zoo import that_end
from tests.benchmark.methods.contract.zoo.inhabitants import BROKEN
from tests.benchmark.methods.contract.zoo.inhabitants import UNSEEN as ESCAPED

KINDS = 74
"""Kinds of faults that the contract was once asked to tell; it saw 47 of them."""


@pytest.mark.parametrize(("cls", "clause"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_a_clause_notices_the_fault(cls, clause):
    reason = violation(clause, cls)
    assert reason
    assert "\n" not in reason


def test_every_fault_of_the_zoo_is_another_and_says_what_it_is():
    classes = [cls for cls, _ in (*BROKEN, *ESCAPED)]
    faults = {cls.__doc__ for cls in classes}
    assert None not in faults
    assert len(faults) == len(set(classes)) == len(classes)
    assert len(BROKEN) >= KINDS


@pytest.mark.parametrize(("cls", "word"), ESCAPED, ids=lambda value: getattr(value, "__name__", value))
def test_what_cannot_be_seen_is_said(cls, word):
    assert word in UNSEEN
    assert [result.clause for result in check(cls) if not result.passed] == []


def test_for_every_reason_not_to_see_a_fault_there_is_a_method():
    assert {word for _, word in ESCAPED} == set(UNSEEN)


def test_a_method_that_ends_the_process_when_it_is_fitted_is_asked_nothing_else():
    (result,) = check(that_end.LeavesWithSuccess)
    assert (result.clause, result.reason) == ("scores at all", "Ended: LeavesWithSuccess ended with SystemExit: 0")
