"""`bench report`: every exhibit of which enough is measured, from the store, and the page that holds them all."""

import click

from benchmark.analysis import staleness
from benchmark.analysis.results import gather
from benchmark.core import paths
from benchmark.core.errors import ExitCode
from benchmark.exhibits import exhibit
from benchmark.records.store import Store
from benchmark.reporting import report as reporting
from benchmark.suites import suite as suites


def report(suite: str, results: str | None, reports: str | None) -> ExitCode:
    """Write Markdown, CSV, PNG and HTML; returns the exit code."""
    world = suites.load(suite)
    store = Store(paths.results(results) / world.name)
    records = store.records()
    skipped = store.skipped()
    shown = [gather(exhibit.load(name), world, records, skipped) for name in exhibit.names()]
    staleness.mark(shown)
    for name, problem in store.problems.items():
        click.echo(f"skipped {store.root / name}: {problem}", err=True)
    for path in reporting.write(shown, records, store, paths.reports(reports) / world.name):
        click.echo(f"wrote {path}")
    return ExitCode.OK
