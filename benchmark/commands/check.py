"""`bench check`: the regression gate."""

from collections.abc import Mapping, Sequence

import click

from benchmark import check as gate
from benchmark import exhibit, paths
from benchmark import suite as suites
from benchmark.commands.run import chosen
from benchmark.errors import Incomplete
from benchmark.results import gather
from benchmark.store import Record, Store
from benchmark.suite import Suite


def check(
    table: Sequence[str], figure: Sequence[str], suite: str, results: str | None, reports: str | None, update: bool
) -> int:
    """Compare, or make what is measured the reference run; returns 1 when something differs, else 0."""
    world = suites.load(suite)
    records = Store(paths.results(results) / world.name).records()
    names = chosen(table, figure) if table or figure else exhibit.names() if update else gate.referenced(world.name)
    if update:
        return _update(names, world, records)
    verdicts = []
    for name in names:
        verdicts += gate.compare(gather(exhibit.load(name), world, records).rows, gate.read(world.name, name))
    measured = [v for v in verdicts if v.measured is not None]
    if not measured:
        raise Incomplete(
            f"{paths.results(results) / world.name}: nothing to compare; measure it with bench run --table 4"
        )
    for verdict in gate.shown(verdicts):
        click.echo(verdict.line)
    differing = len(gate.shown(verdicts))
    click.echo(
        f"{len(measured) - differing} of {len(measured)} cells agree within {gate.MARGIN:g} point,"
        f" {differing} differ, {len(verdicts) - len(measured)} not measured"
    )
    return 1 if differing else 0


def _update(names: Sequence[str], world: Suite, records: Mapping[str, Record]) -> int:
    found = [gather(exhibit.load(name), world, records) for name in names]
    measured = [m for m in found if any(m.records.values())]
    for path in gate.update(measured, records) if measured else []:
        click.echo(f"wrote {path}")
    return 0
