"""`bench check`: the regression gate."""

from collections.abc import Mapping, Sequence

import click

from benchmark.analysis import claims
from benchmark.analysis.gate import reference_run
from benchmark.analysis.gate import verdicts as gate
from benchmark.analysis.gate.formats import FORMATS
from benchmark.analysis.gate.verdicts import Verdict
from benchmark.analysis.results import gather
from benchmark.commands.choosing import chosen
from benchmark.core import paths
from benchmark.core.errors import BenchError, ExitCode, Incomplete
from benchmark.core.names import choose
from benchmark.exhibits import exhibit
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.suites import suite as suites
from benchmark.suites.suite import Suite


def check(
    table: Sequence[str],
    figure: Sequence[str],
    suite: str,
    results: str | None,
    reports: str | None,
    against: str,
    form: str,
    fail_on: Sequence[str],
    update: bool,
) -> ExitCode:
    """Compare, or make what is measured the reference run. Exit codes: see `benchmark.cli`."""
    for name in fail_on:
        choose(name, ["all", *claims.names()], "claim")
    world = suites.load(suite)
    store = Store(paths.results(results) / world.name)
    records = store.records()
    names = chosen(table, figure) if table or figure else None
    if update:
        return _update(names or list(exhibit.names()), world, records, store)
    if not records:
        raise Incomplete(f"{store.root}: there are no records; measure some with bench run --all --quick")
    verdicts = _verdicts(names, world, records, store, against)
    click.echo(FORMATS[form](verdicts))
    compared = [v for v in verdicts if v.measured is not None]
    if not compared:
        click.echo("nothing that was chosen is both measured and in the reference", err=True)
        return ExitCode.NOTHING_COMPARED
    if any(v.says == gate.WORSE for v in compared):
        return ExitCode.REGRESSION
    return _claims(world, records, store, fail_on) if fail_on else ExitCode.OK


def _verdicts(
    names: Sequence[str] | None, world: Suite, records: Mapping[str, Record], store: Store, against: str
) -> list[Verdict]:
    if against == "paper":
        if not world.comparable:
            raise BenchError(f"suite {world.name}: its values are not the paper's to compare; use --against golden")
        found = [gather(exhibit.load(name), world, records) for name in names or exhibit.names()]
        return gate.adjusted([v for m in found for v in gate.against_paper(m)])
    ours = reference_run.Golden(world.name)
    found = [gather(exhibit.load(name), world, records) for name in names or ours.exhibits()]
    return gate.adjusted([v for m in found for v in gate.against_golden(m, ours, store)])


def _claims(world: Suite, records: Mapping[str, Record], store: Store, fail_on: Sequence[str]) -> ExitCode:
    """What the named claims make of the exit code; each that is contradicted in a line."""
    rows = claims.all_verdicts(world, records, store)
    code = claims.gate(rows, fail_on)
    for row in rows:
        verdict = row.verdicts["val"]
        if (row.id in fail_on or "all" in fail_on) and verdict.says == claims.CONTRADICTED:
            click.echo(f"contradicted: {row.id}: {claims.words(verdict)}, {verdict.at}", err=True)
    return code


def _update(names: Sequence[str], world: Suite, records: Mapping[str, Record], store: Store) -> ExitCode:
    found = [gather(exhibit.load(name), world, records) for name in names]
    measured = [m for m in found if any(m.records.values())]
    if not measured:
        raise Incomplete(f"{store.root}: nothing is measured that could become the reference; bench run --all")
    written, changes = reference_run.update(measured, records, store)
    for line in [*changes, *(f"wrote {path}" for path in written)]:
        click.echo(line)
    return ExitCode.OK
