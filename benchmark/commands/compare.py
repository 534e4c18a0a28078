"""`bench compare A B`: is one row of a table better than another?"""

from typing import Any

import click

from benchmark.commands.options import Numbers, common, exhibits, output_format
from benchmark.core.errors import ExitCode
from benchmark.records.record import SELECTIONS


@click.command()
@click.argument("left")
@click.argument("right")
@exhibits
@common
@click.option("--shots", type=Numbers(), help="Only these numbers of shots, such as 1,16.")
@click.option(
    "--dataset", help="Only columns on this data set; of another one as bench run has it: ROLE or folder:PATH."
)
@click.option("--template", multiple=True, metavar="TEXT", help="Of a folder, as bench run was given it; repeatable.")
@click.option("--classnames", metavar="FILE", help="Of a folder, as bench run was given it.")
@click.option("--aux", metavar="ROLE", help="Of another auxiliary encoder, as bench run was given it.")
@click.option("--backbone", metavar="ROLE", help="Of another CLIP, as bench run was given it.")
@click.option(
    "--selection",
    type=click.Choice(SELECTIONS),
    default="val",
    show_default=True,
    help="How epoch and settings are chosen; released: as each method's released code does.",
)
@click.option(
    "--margin", type=float, default=1.0, show_default=True, help="Points within which two rows count as alike."
)
@output_format()
def compare(**options: Any) -> ExitCode:
    """Compare two rows of an exhibit on the same seeds and images, e.g. AMU-Tuning with Tip-Adapter-F."""
    from benchmark.commands.actions.compare import compare as action

    return action(**options)
