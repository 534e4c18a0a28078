"""`bench lint-paper`: where the printed numbers disagree."""

import json
from collections import Counter
from dataclasses import asdict

import click

from benchmark.analysis import lint_paper
from benchmark.core.errors import ExitCode


def show_findings(form: str) -> ExitCode:
    """Print what is odd about the paper's printed numbers; returns 0: that is the paper's, not the user's mistake."""
    found = lint_paper.findings()
    if form == "json":
        click.echo(json.dumps([asdict(finding) for finding in found], indent=1, ensure_ascii=False))
        return ExitCode.OK
    for finding in found:
        click.echo(f"{finding.kind}: {finding.where}: {finding.says}\n    [{'; '.join(finding.sources)}]")
    counts = Counter(finding.kind for finding in found)
    click.echo(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return ExitCode.OK
