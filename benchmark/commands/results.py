"""`bench results merge`: records of other machines, taken into those of this one."""

from typing import Any

import click

from benchmark.commands.options import common, output_format
from benchmark.core.errors import ExitCode


@click.group()
def results() -> None:
    """Take in records that other machines measured."""


@results.command()
@click.argument("folders", nargs=-1, required=True)
@common
@output_format()
def merge(**options: Any) -> ExitCode:
    """Take the records of other results FOLDERS that are not here; where a run is in both, compare its answers.

    A run with the same answers in both is one. With other answers it is named, with the number of test images that differ,
    and the record that is here stays.
    \f

    Returns:
        DAMAGED where a record was left out because it is damaged or of another suite, MISSING where a folder has no records,
        else OK.
    """
    from benchmark.commands.actions.results import merge as action

    return action(**options)
