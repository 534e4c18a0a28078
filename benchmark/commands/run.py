"""`bench run`: plan, fill in what is missing, draw."""

import os
from collections.abc import Mapping, Sequence
from functools import partial

import click

from benchmark.analysis import staleness
from benchmark.analysis.results import gather
from benchmark.commands.choosing import chosen, planned_cells
from benchmark.commands.filling import fill, refused
from benchmark.core import devices, paths
from benchmark.core.errors import BenchError, ExitCode
from benchmark.core.files import check_writable
from benchmark.core.machine import peak_memory_mib
from benchmark.exhibits import exhibit, inventory, substitution
from benchmark.exhibits.exhibit import Cell, Exhibit
from benchmark.exhibits.inventory import Inventory
from benchmark.exhibits.needs import without
from benchmark.exhibits.run import Run
from benchmark.exhibits.substitution import Instead
from benchmark.features import text_classifiers
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.records.timings import shares
from benchmark.reporting import report
from benchmark.reporting.exhibit_files import write
from benchmark.reporting.tables import main_table
from benchmark.running import jobs as work
from benchmark.running import plan, progress, task
from benchmark.running import workers as engine
from benchmark.running.plan import DONE, MISSING, STALE, Planned
from benchmark.suites import suite as suites
from benchmark.suites.suite import Suite

STALE_WORDS = (
    "stale: measured on other data or weights than today's, or before some of them were here;"
    " --rerun measures them again"
)


def run(
    table: Sequence[str],
    figure: Sequence[str],
    everything: bool,
    quick: bool,
    suite: str,
    results: str | None,
    reports: str | None,
    method: Sequence[str],
    shots: Sequence[int] | None,
    seeds: Sequence[int] | None,
    jobs: int | None,
    dry_run: bool,
    rerun: bool,
    skip_missing: bool,
    dataset: str | None,
    template: Sequence[str],
    aux: str | None,
    backbone: str | None,
) -> ExitCode:
    """Measure what is missing of the chosen exhibits and draw them; returns the exit code."""
    world, instead = substitution.with_roles(suites.load(suite), dataset, template, aux, backbone)
    names = exhibit.names() if everything else chosen(table, figure)
    shown = [_extended(exhibit.load(name), method) for name in names]
    if instead.words:
        shown, world = _asked_of(shown, world, instead, everything)
    cells = planned_cells(shown, world, method, shots or (), quick)
    here = inventory.take(cells, world)
    if here.missing and not skip_missing:
        raise refused(here, "nothing was run: --skip-missing runs the rest")
    less = without(world, [*here.missing, *inventory.absent_shifts(world, cells)])
    store = Store(paths.results(results) / world.name)
    records = store.records()
    planned = _survey(cells, less, seeds or (world.quick["seeds"] if quick else None), records)
    wanted = plan.to_run(planned, rerun, records)
    workers = devices.workers(jobs)
    _say(planned, wanted, store, records, workers)
    if dry_run:
        return ExitCode.OK
    failed = 0
    _note(here, store)
    if wanted:
        _check_writable(store, world, reports)
        failed = _make(wanted, store, less, workers)
        records = store.records()
        _say_shares([records[run.key] for run in wanted if run.key in records])
    _draw(shown, world, store, records, reports, everything)
    return ExitCode.RUNS_FAILED if failed else ExitCode.OK


def _asked_of(
    shown: Sequence[Exhibit], world: Suite, instead: Instead, everything: bool
) -> tuple[list[Exhibit], Suite]:
    """The exhibits asked of other data or encoders, and the suite that has them."""
    if everything:
        raise BenchError(
            "--all draws the paper's exhibits; --dataset, --aux and --backbone go with --table or --figure"
        )
    found = []
    for one in shown:
        turned, world = substitution.asked(one, world, instead)
        found.append(turned)
    return found, world


def _survey(
    cells: Sequence[Cell], world: Suite, seeds: Sequence[int] | None, records: Mapping[str, Record]
) -> list[Planned]:
    """The state of every run that the cells ask for, each once; what they read of its record has to be there."""
    asked: dict[str, Run] = {}
    reads: dict[str, set[str]] = {}
    for cell in cells:
        for run in cell.runs(world, seeds):
            asked[run.key] = run
            reads.setdefault(run.key, set()).add(cell.said.get("target", ""))
    return plan.survey(asked.values(), records, world, reads)


def _note(here: Inventory, store: Store) -> None:
    """Keep in mind what runs go without, and forget it where it is there again."""
    gone = {need.words: asset.state for need, asset in here.missing.items()}
    before = store.skipped()
    if gone or before:
        store.keep_skipped(gone, [need.words for need in here.found if need.words in before and need.words not in gone])


def _extended(shown: Exhibit, methods: Sequence[str]) -> Exhibit:
    """The exhibit, with a row for each named class that it does not have yet."""
    there = {row.get("method") for row in shown.rows}
    for method in methods:
        if ":" in method and method not in there:
            shown = exhibit.with_method(shown, method)
    return shown


def _say(
    planned: Sequence[Planned], wanted: Sequence[Run], store: Store, records: Mapping[str, Record], workers: int
) -> None:
    counts = {state: sum(p.state == state for p in planned) for state in (DONE, MISSING, STALE)}
    click.echo(f"{len(planned)} runs: " + ", ".join(f"{n} {state}" for state, n in counts.items()), err=True)
    for name, problem in store.problems.items():
        click.echo(f"skipped {store.root / name}: {problem}", err=True)
    if counts[STALE]:
        click.echo(STALE_WORDS, err=True)
    if not wanted:
        click.echo("nothing to run", err=True)
        return
    seconds = plan.estimate(wanted, records, workers)
    time = "unknown (no method like it was timed)" if seconds is None else f"about {max(1, round(seconds))} s"
    click.echo(f"{len(wanted)} to run with {workers} workers, time: {time}", err=True)


def _make(wanted: Sequence[Run], store: Store, world: Suite, workers: int) -> int:
    """Features first, shared by all; then the runs. Returns how many runs failed."""
    with engine.Crew(workers) as crew:
        requests = (request for run in wanted for request in task.requests(run, world))
        failed = fill(requests, world, crew, text_classifiers.needed(wanted, world))
        measuring = crew.each(partial(work.measured, store, world), list(wanted))
        failed += sum(bool(done.error) for done in progress.follow(measuring, len(wanted), "runs"))
    _say_memory(crew)
    return failed


def _check_writable(store: Store, world: Suite, reports: str | None) -> None:
    """Say now, not after an hour of training, that there is nowhere to put what comes of it."""
    store.check_writable()
    check_writable("reports", paths.reports(reports) / world.name, "--reports")
    check_writable("cache", paths.cache(), "BENCH_CACHE")


def _say_shares(made: Sequence[Record]) -> None:
    """Where the time went, method by method."""
    seconds = shares(made)
    total = sum(seconds.values())
    if total:
        words = ", ".join(f"{name} {100 * took / total:.0f} % ({took:.0f} s)" for name, took in seconds.items())
        click.echo(f"time by method, of {total:.0f} s in all workers: {words}", err=True)


def _say_memory(crew: engine.Crew) -> None:
    """The most that all processes can have held at a time: the sum of what each held at most."""
    peaks = {**crew.peaks, os.getpid(): peak_memory_mib()}
    click.echo(f"peak memory: {sum(peaks.values()) / 1024:.1f} GiB in {len(peaks)} processes", err=True)


def _draw(
    shown: Sequence[Exhibit],
    world: Suite,
    store: Store,
    records: Mapping[str, Record],
    reports: str | None,
    everything: bool,
) -> None:
    """Write each exhibit and print its table; where everything is drawn write the page instead of printing."""
    folder = paths.reports(reports) / world.name
    skipped = store.skipped()
    found = [gather(e, world, records, skipped) for e in shown]
    staleness.mark(found)
    if everything:
        for measured in found:
            if not measured.ready:
                click.echo(f"{measured.exhibit.id}: {100 * measured.share:.0f} % measured, not drawn", err=True)
        for path in report.write(found, records, store, folder):
            click.echo(f"wrote {path}")
        return
    for measured in found:
        written = write(measured, folder)
        click.echo(main_table(measured))
        click.echo("")
        click.echo("wrote " + ", ".join(map(str, written)))
