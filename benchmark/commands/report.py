"""`bench report`: every exhibit that is measured far enough, and the HTML page of all exhibits, from the records."""

import click

from benchmark.commands.opening import gather_marked, open_suite
from benchmark.commands.options import common
from benchmark.core import paths
from benchmark.core.errors import ExitCode
from benchmark.exhibits import exhibit
from benchmark.reporting.report import write as write_report


@click.command()
@common
def report(suite: str, results: str | None, reports: str | None) -> ExitCode:
    """Write the HTML page, and every exhibit's Markdown, CSV and PNG, from what is measured."""
    world, store, records = open_suite(suite, results)
    shown = gather_marked([exhibit.load(name) for name in exhibit.names()], world, store, records)
    for name, problem in store.problems.items():
        click.echo(f"skipped {store.root / name}: {problem}", err=True)
    for path in write_report(shown, records, store, paths.reports(reports) / world.name):
        click.echo(f"wrote {path}")
    return ExitCode.OK
