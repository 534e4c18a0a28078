"""`bench report`: every exhibit that is measured far enough, and the HTML page of all exhibits, from the records."""

from collections.abc import Sequence
from typing import Any

import click

from benchmark.commands.options import common
from benchmark.core.errors import ExitCode
from benchmark.core.names import choose

FORMATS = ("png", "svg", "pdf")


class Formats(click.ParamType):
    """A list of FORMATS: svg,pdf."""

    name = "formats"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Sequence[str]:
        """Parse the list; PNG, which the page shows, is always the first."""
        return tuple(dict.fromkeys(["png", *(choose(name.strip(), FORMATS, "format") for name in value.split(","))]))


@click.command()
@click.option("--format", "formats", type=Formats(), default="png", metavar="svg,pdf", help="Pictures beside the PNG.")
@click.option("--no-title", is_flag=True, help="Draw pictures without their titles, for a paper's captions.")
@click.option("--against", metavar="FOLDER", help="Mark what moved beyond chance since these results.")
@common
def report(**options: Any) -> ExitCode:
    """Write the HTML page, and every exhibit's Markdown, CSV and pictures, from what is measured."""
    from benchmark.commands.actions.report import report as action

    return action(**options)
