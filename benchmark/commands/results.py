"""`bench results`: records of other machines taken into those of this one, and results files for other programs."""

from typing import Any

import click

from benchmark.commands.options import common, output_format
from benchmark.core.errors import ExitCode


@click.group()
def results() -> None:
    """Take in records that other machines measured, and write and read results files for other programs."""


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


@results.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    help="Of the file.  [default: by the name of --out, or jsonl]",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(),
    help="File, or - for the standard output.  [default: results.jsonl, or results.csv]",
)
@common
def export(**options: Any) -> ExitCode:
    """Write the records as one file for other programs, a line for each run and selection.

    results.jsonl has the records and their answers too, so that bench results import makes the same records of it.
    results.csv has the counts alone.
    \f

    Returns:
        DAMAGED where a record was left out because it is damaged, MISSING where there is none, else OK.
    """
    from benchmark.commands.actions.results import export as action

    return action(**options)


@results.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option("--check", is_flag=True, help="Hold the files against their schema and take nothing; also .csv files.")
@common
@output_format()
def import_(**options: Any) -> ExitCode:
    """Take the records of results.jsonl FILES that are not here, as merge takes those of folders.

    \f

    Returns:
        DAMAGED where a line was left out, MISSING where a file is not there or has no line, else OK.
    """
    from benchmark.commands.actions.results import import_ as action

    return action(**options)
