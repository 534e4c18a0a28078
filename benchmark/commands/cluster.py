"""`bench cluster`: the workers of a scheduler, and whether they may measure for this machine."""

from typing import Any

import click

from benchmark.commands.options import cluster as where
from benchmark.commands.options import common, output_format, places, worker_processes
from benchmark.core.errors import ExitCode


@click.group()
def cluster() -> None:
    """Look at the workers of a dask scheduler. `bench run --cluster` measures with them."""


@cluster.command()
@where
@common
@worker_processes
@output_format()
@places
def check(**options: Any) -> ExitCode:
    """Ask each worker for its versions, code, device, data and weights, and hold them against those of this machine.

    \f

    Returns:
        OK where every worker would be given work, else CLUSTER.
    """
    from benchmark.commands.actions.cluster import check as action

    return action(**options)
