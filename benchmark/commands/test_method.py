"""`bench test-method`: check of a predictor class against the contract of all methods."""

import click

from benchmark.core.errors import ExitCode
from benchmark.core.names import of_file
from benchmark.core.streams import say


@click.command(name="test-method")
@click.argument("method")
def test_method(method: str) -> ExitCode:
    """Hold a predictor class (package.module:Class or file.py:Class) against the contract that every method here meets."""
    from benchmark.methods.construct import predictor_class  # takes seconds: not for --help
    from benchmark.methods.contract.clauses import UNSEEN, check, contract

    clauses = contract()  # before other people's code is imported
    outcomes = check(predictor_class(of_file(method, "method")))
    for outcome in outcomes:
        say(f"{'kept  ' if outcome.passed else 'BROKEN'} {outcome.clause}{_because(outcome.reason)}")
    for words in UNSEEN.values():
        say(f"cannot see: {words}")
    asked = [outcome.clause for outcome in outcomes if outcome.passed]
    return ExitCode.OK if asked == [name for name, _ in clauses] else ExitCode.REGRESSION


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
