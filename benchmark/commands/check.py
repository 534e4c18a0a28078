"""`bench check`: the regression gate."""

from typing import Any

import click

from benchmark.commands.options import common, exhibits, output_format
from benchmark.core.errors import ExitCode


@click.command()
@exhibits
@common
@click.option("--against", type=click.Choice(["golden", "paper"]), default="golden", show_default=True)
@output_format("junit", "github")
@click.option("--fail-on", multiple=True, metavar="CLAIM", help='Exit 1 where it is contradicted under val; or "all".')
@click.option(
    "--quick", is_flag=True, help="Hold the quick grid against the reference, as bench run --quick measures it."
)
@click.option(
    "--allow-missing", is_flag=True, help="Pass although the reference has cells or seeds that are not measured."
)
@click.option("--update", is_flag=True, help="Make what is measured the reference run instead of comparing.")
def check(**options: Any) -> ExitCode:
    """Compare what is measured with our own reference run, or with the printed numbers; exit 1 where it is worse."""
    from benchmark.commands.actions.check import check as action

    return action(**options)
