"""`bench claims`: the paper's conclusions, each with its verdict on the printed numbers and on ours."""

from typing import Any

import click

from benchmark.commands.options import common, output_format
from benchmark.core.errors import ExitCode


@click.command()
@click.argument("names", metavar="[CLAIM]...", nargs=-1)
@common
@output_format()
@click.option("--fail-on", multiple=True, metavar="CLAIM", help='Exit 1 where it is contradicted under val; or "all".')
def claims(**options: Any) -> ExitCode:
    """Hold each conclusion of the paper against its printed numbers and ours; a CLAIM's name shows it in full.

    A CLAIM may also be a statement on rows of Table 4, own ones too: "Mine is better than Tip-Adapter-F".
    \f

    Returns:
        Of the claims of --fail-on: REGRESSION where one is contradicted, MISSING where one is not run, DAMAGED where records
        were skipped; else OK.
    """
    from benchmark.commands.actions.claims import claims as action

    return action(**options)
