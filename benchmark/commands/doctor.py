"""`bench doctor`: examination of versions, device, data, weights, folders and records, with the remedy for each fault."""

from typing import Any

import click

from benchmark.commands.options import common, exhibits, output_format, places
from benchmark.core.errors import ExitCode


@click.command()
@exhibits
@common
@click.option("--deep", is_flag=True, help="Read data and weights in full: count, compare hashes, try every image.")
@click.option(
    "--dataset", metavar="folder:PATH", help="Only this folder with your own images; --deep reads every image."
)
@click.option("--classnames", metavar="FILE", help="Of a folder: a name a line, in the order of its class folders.")
@output_format()
@places
def doctor(**options: Any) -> ExitCode:
    """Say what is here, what is missing, and what that blocks: versions, device, data, weights, folders, records.

    With --table or --figure only what these need.
    \f

    Returns:
        OK when nothing is amiss, else MISSING.
    """
    from benchmark.commands.actions.doctor import doctor as action

    return action(**options)
