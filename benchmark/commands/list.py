"""`bench list`: the names of exhibits, methods, data sets, backbones, encoders and suites."""

from typing import Any

import click

from benchmark.commands.options import output_format, suite
from benchmark.core.errors import ExitCode


@click.command(name="list")
@suite("Whose data sets and encoders: a name or a .toml.")
@output_format()
def list_names(**options: Any) -> ExitCode:
    """Show tables, figures, methods, data sets, backbones and encoders."""
    from benchmark.commands.actions.list import list_names as action

    return action(**options)
