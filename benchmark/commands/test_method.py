"""`bench test-method`: hold anybody's predictor against the contract."""

import click

from benchmark.core.errors import ExitCode
from benchmark.methods.construct import predictor_class
from benchmark.methods.contract import clauses


def test_contract(method: str) -> ExitCode:
    """Print each clause of the contract and whether the method keeps it; returns 0 or 1."""
    outcomes = clauses.check(predictor_class(method))
    for outcome in outcomes:
        click.echo(f"{'kept  ' if outcome.passed else 'BROKEN'} {outcome.clause}{_because(outcome.reason)}")
    return ExitCode.OK if all(outcome.passed for outcome in outcomes) else ExitCode.REGRESSION


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
