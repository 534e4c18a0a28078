"""`bench test-method`: check of a predictor class against the contract of all methods."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

import click

from benchmark.core.errors import BenchError, ExitCode
from benchmark.core.names import of_file
from benchmark.core.streams import say


@click.command(name="test-method")
@click.argument("method")
def test_method(method: str) -> ExitCode:
    """Hold a predictor class (package.module:Class or file.py:Class) against the contract that every method here meets."""
    from benchmark.methods.construct import facts, predictor_class  # takes seconds: not for --help
    from benchmark.methods.contract.clauses import UNSEEN, check, contract

    clauses = contract()  # before other people's code is imported
    method = of_file(method, "method")
    outcomes = check(predictor_class(method))
    for outcome in outcomes:
        say(f"{'kept  ' if outcome.passed else 'BROKEN'} {outcome.clause}{_because(outcome.reason)}")
    with suppress(BenchError):  # a constructor that fails is an outcome already
        for line in _unread(facts(method, {}).reads):
            say(line)
    for words in UNSEEN.values():
        say(f"cannot see: {words}")
    asked = [outcome.clause for outcome in outcomes if outcome.passed]
    return ExitCode.OK if asked == [name for name, _ in clauses] else ExitCode.REGRESSION


def _unread(spaces: Iterable[str]) -> Iterator[str]:
    """A line on each feature space that is the role of an encoder in no shipped suite."""
    from benchmark.exhibits.encoder_roles import SPACES
    from benchmark.suites.suite import load, names

    known = {*SPACES, *(role for name in names() for role in load(name).encoders)}
    for space in spaces:
        if space not in known:
            yield f"reads {space!r}, an encoder of no shipped suite; they have {', '.join(sorted(known))}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
