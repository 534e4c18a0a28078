"""`bench list`, `doctor`, `lint-paper`, `test-method`: what there is, what is missing, what is odd, what a method keeps."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import click

from benchmark import catalogue, contract, lint_paper, paths
from benchmark import doctor as examination
from benchmark import suite as suites
from benchmark.commands.run import chosen
from benchmark.run import predictor_class


def show_catalogue(suite: str, form: str) -> int:
    """Print what there is; returns the exit code."""
    kinds = catalogue.everything(suites.load(suite))
    if form == "json":
        click.echo(json.dumps(kinds, indent=1, ensure_ascii=False))
        return 0
    for kind, entries in kinds.items():
        click.echo(f"{kind}:" if entries else f"{kind}: none yet")
        width = max(map(len, entries), default=0)
        for name, words in entries.items():
            click.echo(f"  {name:<{width}}  {words}")
    return 0


def show_doctor(
    table: Sequence[str],
    figure: Sequence[str],
    suite: str,
    results: str | None,
    reports: str | None,
    deep: bool,
    form: str,
) -> int:
    """Print the examination, of what the chosen exhibits need or of everything; returns 0 when nothing is amiss, else 3."""
    names = chosen(table, figure) if table or figure else []
    folders = paths.results(results), paths.reports(reports)
    found = list(examination.examine(suites.load(suite), *folders, names, deep))
    if form == "json":
        click.echo(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        for finding in found:
            click.echo(f"{'ok ' if finding.ok else 'BAD'} {finding.what}: {finding.says}")
    return 0 if all(finding.ok for finding in found) else 3


def show_findings(form: str) -> int:
    """Print what is odd about the paper's printed numbers; returns 0: that is the paper's, not the user's mistake."""
    found = lint_paper.findings()
    if form == "json":
        click.echo(json.dumps([asdict(finding) for finding in found], indent=1, ensure_ascii=False))
        return 0
    for finding in found:
        click.echo(f"{finding.kind}: {finding.where}: {finding.says}\n    [{'; '.join(finding.sources)}]")
    counts = Counter(finding.kind for finding in found)
    click.echo(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return 0


def test_contract(method: str) -> int:
    """Print each clause of the contract and whether the method keeps it; returns 0 or 1."""
    outcomes = contract.check(predictor_class(method))
    for outcome in outcomes:
        click.echo(f"{'kept  ' if outcome.passed else 'BROKEN'} {outcome.clause}{_because(outcome.reason)}")
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
