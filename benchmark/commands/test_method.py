"""`bench test-method`: check of a predictor class against the contract of all methods."""

import click

from benchmark.core.errors import ExitCode
from benchmark.core.streams import say


@click.command(name="test-method")
@click.argument("method")
def test_method(method: str) -> ExitCode:
    """Hold a predictor class (package.module:Class) against the contract that every method here meets."""
    from benchmark.methods.construct import predictor_class  # takes seconds: not for --help
    from benchmark.methods.contract.clauses import UNSEEN, check, contract

    clauses = contract()  # before other people's code is imported
    outcomes = check(predictor_class(method))
    kept = [outcome.clause for outcome in outcomes if outcome.passed]
    for clause in kept:
        say(f"kept   {clause}")
    faults: dict[str, list[str]] = {}
    for outcome in outcomes:
        if not outcome.passed:
            faults.setdefault(outcome.reason, []).append(outcome.clause)
    for reason, broken in faults.items():
        more = f" (so is {', '.join(broken[1:])})" if len(broken) > 1 else ""
        say(f"BROKEN {broken[0]}: {reason}{more}")
    for words in UNSEEN.values():
        say(f"cannot see: {words}")
    if kept == [name for name, _ in clauses]:
        say(f"all {len(kept)} clauses kept; next: bench run --table 4 --method {method}")
        return ExitCode.OK
    say(f"{len(kept)} of {len(clauses)} clauses kept; mend what is BROKEN, then ask again")
    return ExitCode.REGRESSION
