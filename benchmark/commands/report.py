"""`bench report`: every exhibit that is measured far enough, and the HTML page of all exhibits, from the records."""

from typing import Any

import click

from benchmark.commands.options import common
from benchmark.core.errors import ExitCode


@click.command()
@common
def report(**options: Any) -> ExitCode:
    """Write the HTML page, and every exhibit's Markdown, CSV and PNG, from what is measured."""
    from benchmark.commands.actions.report import report as action

    return action(**options)
