"""`bench test-method`: check of a predictor class against the contract of all methods."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

import click

from benchmark.commands.options import output_format
from benchmark.core.errors import BenchError, ExitCode
from benchmark.core.names import of_file
from benchmark.core.streams import answer_json, say


@click.command(name="test-method")
@click.argument("method")
@output_format()
def test_method(method: str, form: str) -> ExitCode:
    """Hold a predictor class (package.module:Class or file.py:Class) against the contract that every method here meets."""
    from benchmark.methods.construct import facts, predictor_class  # takes seconds: not for --help
    from benchmark.methods.contract.clauses import UNSEEN, check, contract

    clauses = contract()  # before other people's code is imported
    named = of_file(method, "method")
    outcomes = check(predictor_class(named))
    notes: list[str] = []
    with suppress(BenchError):  # a constructor that fails is an outcome already
        notes += _unread(facts(named, {}).reads)
    whole = [outcome.clause for outcome in outcomes if outcome.passed] == [name for name, _ in clauses]
    if form == "json":
        told = [{"clause": one.clause, "says": one.says, "kept": one.passed, "reason": one.reason} for one in outcomes]
        answer_json(
            {"method": method, "whole": whole, "clauses": told, "notes": notes, "unseen": list(UNSEEN.values())}
        )
        return ExitCode.OK if whole else ExitCode.REGRESSION
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
    for line in notes:
        say(line)
    for words in UNSEEN.values():
        say(f"cannot see: {words}")
    if whole:
        say(f"all {len(kept)} clauses kept; next: bench run --table 4 --method {method}")
        return ExitCode.OK
    say(f"{len(kept)} of {len(clauses)} clauses kept; mend what is BROKEN, then ask again")
    return ExitCode.REGRESSION


def _unread(spaces: Iterable[str]) -> Iterator[str]:
    """A line on each feature space that is the role of an encoder in no shipped suite."""
    from benchmark.exhibits.encoder_roles import SPACES
    from benchmark.suites.suite import load, names

    known = {*SPACES, *(role for name in names() for role in load(name).encoders)}
    for space in spaces:
        if space not in known:
            yield f"reads {space!r}, an encoder of no shipped suite; they have {', '.join(sorted(known))}"
