"""`bench run`: plan the runs of exhibits, measure missing ones, draw."""

from typing import Any

import click

from benchmark.commands.options import HeadedCommand, Numbers, cluster, common, exhibits, places, worker_processes
from benchmark.core.errors import ExitCode

HEADINGS = {
    "What to measure": (
        "table",
        "figure",
        "everything",
        "suite",
        "trust_suite",
        "method",
        "dataset",
        "template",
        "classnames",
        "aux",
        "backbone",
    ),
    "How much and how": (
        "quick",
        "shots",
        "seeds",
        "jobs",
        "cluster",
        "dry_run",
        "scale",
        "rerun",
        "skip_missing",
        "device",
        "precision",
    ),
    "Where data, weights and results are": ("data_root", "weights_dir", "download", "results", "reports"),
}
"""Heading in the help -> names of the options under it."""


@click.command(cls=HeadedCommand, headings=HEADINGS)
@exhibits
@click.option("--all", "everything", is_flag=True, help="Every table and figure, and the HTML page.")
@click.option("--quick", is_flag=True, help="The suite's smaller grid: fewer seeds and numbers of shots.")
@common
@click.option(
    "--method",
    multiple=True,
    help="Only this row (its name or class), or your own package.module:Class or file.py:Class.",
)
@click.option("--shots", type=Numbers(), help="Only these numbers of shots, such as 1,16.")
@click.option("--seeds", type=Numbers(), help="Seeds of the support sets.  [default: the suite's]")
@worker_processes
@cluster
@click.option("--dry-run", is_flag=True, help="Say what is done, missing and stale, and how long the rest takes.")
@click.option(
    "--workers",
    "scale",
    type=Numbers(),
    help="With --dry-run: hours, bytes, and the time on these numbers of workers, such as 1,8,64.",
)
@click.option("--rerun", is_flag=True, help="Measure again what is measured already.")
@click.option("--dataset", metavar="ROLE", help="Another data set of the suite, or folder:PATH with your own images.")
@click.option(
    "--template", multiple=True, metavar="TEXT", help='Of a folder, e.g. "a photo of a {}, a bird."; repeatable.'
)
@click.option("--classnames", metavar="FILE", help="Of a folder: a name a line, in the order of its class folders.")
@click.option("--aux", metavar="ROLE", help="Another auxiliary encoder of the suite, or timm:NAME[@FILE].")
@click.option("--backbone", metavar="ROLE", help="Another CLIP of the suite, or open_clip:ARCH/TAG[@FILE].")
@click.option("--skip-missing", is_flag=True, help="Run what can be run without data or weights that are not here.")
@places
def run(**options: Any) -> ExitCode:
    """Measure an exhibit and draw it. What is measured already is not measured again."""
    from benchmark.commands.actions.run import run as action

    return action(**options)
