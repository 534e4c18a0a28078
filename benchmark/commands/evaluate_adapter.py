"""`bench evaluate-adapter`: accuracy of a released adapter of AMU-Tuning, beside the number of its README."""

from typing import Any

import click

from benchmark.commands.options import output_format, places, suite, worker_processes
from benchmark.core.errors import ExitCode


@click.command(name="evaluate-adapter")
@click.argument("file")
@click.option("--shots", type=click.IntRange(min=1), help="What it was trained with.  [default: as its name says]")
@suite(default="paper")
@worker_processes
@output_format()
@places
def evaluate_adapter(**options: Any) -> ExitCode:
    """Evaluate a released adapter of AMU-Tuning (best_adapter_16shots.pt) as it is, beside its README's number."""
    from benchmark.commands.actions.evaluate_adapter import evaluate_adapter as action

    return action(**options)
