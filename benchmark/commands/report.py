"""`bench report`: every exhibit of which enough is measured, from the store, and the page that holds them all."""

import click

from benchmark import exhibit, page, paths, render
from benchmark import suite as suites
from benchmark.results import gather
from benchmark.store import Store


def report(suite: str, results: str | None, reports: str | None) -> int:
    """Write Markdown, CSV, PNG and HTML; returns the exit code."""
    world = suites.load(suite)
    store = Store(paths.results(results) / world.name)
    records = store.records()
    folder = paths.reports(reports) / world.name
    shown = [gather(exhibit.load(name), world, records) for name in exhibit.names()]
    for measured in shown:
        for path in render.write(measured, folder) if measured.ready else []:
            click.echo(f"wrote {path}")
    for name, problem in store.problems.items():
        click.echo(f"skipped {store.root / name}: {problem}", err=True)
    click.echo(f"wrote {page.write(shown, store.problems, folder)}")
    return 0
