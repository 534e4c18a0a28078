"""`bench lint-paper`: disagreements among the paper's printed numbers."""

from typing import Any

import click

from benchmark.commands.options import output_format
from benchmark.core.errors import ExitCode


@click.command(name="lint-paper")
@output_format()
def lint_paper(**options: Any) -> ExitCode:
    """List where the paper's printed numbers disagree, with themselves and with their sources."""
    from benchmark.commands.actions.lint_paper import lint_paper as action

    return action(**options)
