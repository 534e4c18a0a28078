"""Work of `bench run`: plan the runs of exhibits, measure missing ones, draw."""

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from benchmark.analysis import remarks
from benchmark.analysis.compare import gained
from benchmark.analysis.results import Measured
from benchmark.commands.actions.choosing import chosen_exhibits, nothing_planned, planned_cells, without_runs
from benchmark.commands.actions.filling import fill, refused, say_costs, say_sizes
from benchmark.commands.actions.opening import find_others, gather_marked, open_store, print_remarks
from benchmark.core import contents
from benchmark.core.cores import share
from benchmark.core.errors import BenchError, ExitCode
from benchmark.core.files import check_writable
from benchmark.core.machine import peak_memory_mib
from benchmark.core.names import choose, of_file
from benchmark.core.settings import Settings
from benchmark.core.streams import say, say_next, show
from benchmark.core.text import counted
from benchmark.exhibits import exhibit, inventory, substitution
from benchmark.exhibits.encoder_roles import SPACES
from benchmark.exhibits.exhibit import Cell, Exhibit
from benchmark.exhibits.inventory import Inventory
from benchmark.exhibits.naming import method_named, run_named
from benchmark.exhibits.needs import without
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.recalled import Note
from benchmark.exhibits.run import Run
from benchmark.exhibits.substitution import Instead
from benchmark.features import costs, filling, requests, text_classifiers
from benchmark.features.requests import Request
from benchmark.methods.construct import facts
from benchmark.methods.crops import listed
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.records.timings import shares
from benchmark.reporting import classes
from benchmark.reporting.exhibit_files import write as write_exhibit
from benchmark.reporting.report import write as write_report
from benchmark.reporting.tables import main_table
from benchmark.reporting.tables import value as shown_value
from benchmark.running import engine, forecast, plan, progress, sharing
from benchmark.running.engine import Engine, Place
from benchmark.running.forecast import Forecast
from benchmark.running.jobs import measured as measure_run
from benchmark.running.plan import DONE, MISSING, STALE, Planned
from benchmark.running.scale import Scale
from benchmark.suites.suite import Suite
from benchmark.suites.suite import load as load_suite
from benchmark.suites.world import World

MORE = 10
"""Seeds that are recommended where there are fewer; of so many, twice as many."""
WIDE = 5.0
"""Half of a 95 % interval over seeds, in points, from which more seeds are recommended."""
STALE_WORDS = "stale: measured on other data or weights, or with other code than today's; --rerun measures them again"


def run(
    table: Sequence[str],
    figure: Sequence[str],
    everything: bool,
    quick: bool,
    suite: str,
    method: Sequence[str],
    shots: Sequence[int] | None,
    seeds: Sequence[int] | None,
    jobs: int | None,
    dry_run: bool,
    scale: Sequence[int] | None,
    rerun: bool,
    skip_missing: bool,
    dataset: str | None,
    template: Sequence[str],
    classnames: str | None,
    aux: str | None,
    backbone: str | None,
    settings: Settings,
    cluster: str | None = None,
) -> ExitCode:
    """Measure an exhibit and draw it. What is measured already is not measured again."""
    if scale and not dry_run:
        raise BenchError("--workers tells the time on other numbers of workers; add --dry-run, or type --jobs to run")
    where = engine.place(cluster, jobs, settings)
    settings = where.settings
    if rerun:
        contents.forget(settings.cache)
    asked, instead = substitution.with_roles(
        load_suite(suite, settings.trusted), dataset, template, classnames, aux, backbone, settings
    )
    typed = {of_file(name, "method"): name for name in method}
    method = list(typed)
    names = exhibit.names() if everything else chosen_exhibits(table, figure)
    shown = [_extended(exhibit.load(name), typed) for name in names]
    if instead.roles:
        shown, asked = _substituted(shown, asked, instead, everything)
    _check_spaces([row["method"] for one in shown for row in one.rows if row["name"] in one.added], asked)
    world = World(asked, settings)
    cells = planned_cells(shown, asked, method, shots or (), quick)
    here = inventory.take(cells, world)
    if here.missing and not skip_missing:
        raise refused(here, "nothing was run: --skip-missing runs the rest")
    say_sizes(here)
    usable = World(without(asked, [*here.missing, *inventory.spare_shifts(world, cells)]), settings)
    store, records = open_store(asked, settings)
    planned, named = _survey(cells, shown, usable, seeds or (asked.quick["seeds"] if quick else None), records)
    wanted = plan.to_run(planned, rerun, records)
    if held := {role for run in wanted if run.key in records for role in records[run.key].shifts or ()}:
        usable = World(without(asked, [*here.missing, *inventory.spare_shifts(world, cells, held)]), settings)
    print_remarks(usable, dict.fromkeys(p.run.dataset for p in planned))
    _print_crops(planned, usable)
    if not seeds and any(run.seed in substitution.OWN_SEEDS[len(asked.seeds) :] for run in (p.run for p in planned)):
        say(_seeds_in_words(asked), err=True)
    _print_plan(planned, wanted)
    opened = [Opened(run, usable) for run in wanted]
    files = {one.run.key: requests.of(one) for one in opened}
    expected = _forecast(opened, files, records, usable, where) if wanted else Forecast()
    if not dry_run:
        _keep_missing(here, store)
    if not planned and here.missing:
        raise refused(here, "without it nothing is left to run")
    if not planned:
        raise nothing_planned(shown, cells, usable.suite, bool(method))
    for name, reason in without_runs(cells, usable.suite, bool(method)).items() if not everything else ():
        say(f"not run: {name}: {reason}", err=True)
    if dry_run:
        for line in _scale(opened, files, expected, usable, where).lines(scale) if scale else ():
            say(line, err=True)
        return ExitCode.OK
    failed: dict[str, str] = {}
    for name in names if instead.roles else ():
        store.keep_asked(Note.of(exhibit.load(name), asked, instead).to_json())
    if wanted:
        _check_writable(store, world)
        text_classifiers.check(wanted, usable)
        if rerun:
            filling.drop_outdated(chain.from_iterable(files.values()), usable)
        failed = _measure(wanted, files, store, usable, where, named, expected)
        records = store.with_late(run.key for run in wanted if run.key not in failed)
        _print_time([records[run.key] for run in wanted if run.key in records])
    reasons = {run.cell_key: failed[run.key] for run in wanted if run.key in failed}
    _draw(shown, cells, world, store, records, everything, reasons)
    return ExitCode.RUNS_FAILED if failed else ExitCode.OK


def _substituted(
    shown: Sequence[Exhibit], suite: Suite, instead: Instead, everything: bool
) -> tuple[list[Exhibit], Suite]:
    """The exhibits with other data or encoders in place of their own, and the suite that has these."""
    if everything:
        raise BenchError(
            "--all draws the paper's exhibits; --dataset, --aux and --backbone go with --table or --figure"
        )
    found = []
    for one in shown:
        turned, suite = substitution.asked(one, suite, instead)
        found.append(turned)
    return found, suite


def _seeds_in_words(suite: Suite) -> str:
    """The line on the seeds of own images."""
    fewer = counted(len(suite.seeds), "seed")
    return (
        f"own images: {len(substitution.OWN_SEEDS)} seeds, {fewer} for methods that prompt CLIP; --seeds chooses others"
    )


def _survey(
    cells: Sequence[Cell],
    shown: Sequence[Exhibit],
    world: World,
    seeds: Sequence[int] | None,
    records: Mapping[str, Record],
) -> tuple[list[Planned], Callable[[Run], str]]:
    """Survey the runs that cells need.

    Args:
        cells: Cells of the exhibits.
        shown: Exhibits of the cells.
        world: Suite to run in, on this machine.
        seeds: Seeds; None for the suite's, and on own images more of methods that read features alone.
        records: Key -> record.

    Returns:
        Each run once, with its state: a record counts as done if it has all that the cells read. And the names of the runs
        for people, by the first cell that asks.
    """
    asked: dict[str, tuple[Run, Cell]] = {}
    reads: dict[str, set[str]] = {}
    for cell in cells:
        for run in cell.runs(world.suite, seeds or substitution.own_seeds(cell, world.suite)):
            asked.setdefault(run.key, (run, cell))
            reads.setdefault(run.key, set()).add(cell.question.target or "")
    exhibits = {one.id: one for one in shown}

    def named(run: Run) -> str:
        cell = asked[run.key][1]
        return run_named(run, cell, exhibits[cell.exhibit], world.suite)

    return plan.survey((run for run, _ in asked.values()), records, world, reads), named


def _keep_missing(here: Inventory, store: Store) -> None:
    """Note in the store which data and weights are missing, for reports, and drop the notes on those found again."""
    gone = {need.words: asset.state for need, asset in here.missing.items()}
    before = store.skipped()
    if gone or before:
        store.keep_skipped(gone, [need.words for need in here.found if need.words in before and need.words not in gone])


def _extended(shown: Exhibit, methods: Mapping[str, str]) -> Exhibit:
    """The exhibit, with a row added for each class that has none, which commands name as it was typed."""
    present = {row.get("method") for row in shown.rows}
    for method in methods:
        if ":" in method and method not in present:
            shown = exhibit.with_method(shown, method)
    return replace(shown, added={row: methods[method] for row, method in shown.added.items()})


def _check_spaces(methods: Sequence[str], suite: Suite) -> None:
    """Raise BenchError for a method that reads a feature space which the suite has not."""
    for method in dict.fromkeys(methods):
        for space in facts(method, suite.methods.get(method, {})).reads:
            choose(space, [*SPACES, *suite.encoders], f"encoder of suite {suite.name}, which {method} reads:")


def _print_plan(planned: Sequence[Planned], wanted: Sequence[Run]) -> None:
    """Print how many runs are done, missing and stale."""
    counts = {state: sum(p.state == state for p in planned) for state in (DONE, MISSING, STALE)}
    say(f"{counted(len(planned), 'run')}: " + ", ".join(f"{n} {state}" for state, n in counts.items()), err=True)
    if counts[STALE]:
        say(STALE_WORDS, err=True)
    if planned and not wanted:
        say("nothing to run; --rerun measures again", err=True)


def _forecast(
    wanted: Sequence[Opened],
    files: Mapping[str, Sequence[Request]],
    records: Mapping[str, Record],
    world: World,
    where: Place,
) -> Forecast:
    """Print what the features cost that the runs still need, and how long all takes."""
    absent = costs.missing(chain.from_iterable(files.values()), world)
    found = forecast.of_command([one.run for one in wanted], absent, records, world, where.processes, where.encoding)
    say_costs(found.features, wanted, world)
    say(f"{len(wanted)} to run with {counted(where.processes, 'worker')}, time: {found.words}", err=True)
    return found


def _scale(
    wanted: Sequence[Opened],
    files: Mapping[str, Sequence[Request]],
    expected: Forecast,
    world: World,
    where: Place,
) -> Scale:
    """Shards, runs, bytes and photographs of a command, with the times of its forecast."""
    shards = costs.missing(chain.from_iterable(files.values()), world)
    device, sizes = world.settings.torch_device, [shard.size for shard in shards]
    each = expected.features.seconds * where.encoding / max(1, sum(sizes))
    return Scale(
        shards=[each * size for size in sizes],
        runs=[expected.each.get(one.run.key, 0.0) for one in wanted],
        start=expected.start,
        photographs=sum(s.size for s in shards if requests.of_photographs(s.wave.requests[0], world)),
        written=expected.features.bytes,
        read=sum(map(costs.to_read, wanted)),
        untimed=expected.untimed,
        gpu=device.type == "cuda",
        threads=share(where.processes),
    )


def _print_crops(planned: Sequence[Planned], world: World) -> None:
    """Print the random crops of the support images, as shares of their area, by method."""
    learning = {(p.run.method, p.run.dataset): p.run for p in planned}.values()
    pairs = ((requests.crops_of(Opened(run, world)), method_named(run.method)) for run in learning)
    if said := listed((crops, name) for crops, name in pairs if crops):
        say(f"random crops of the support images: {said}", err=True)


def _measure(
    wanted: Sequence[Run],
    files: Mapping[str, Sequence[Request]],
    store: Store,
    world: World,
    where: Place,
    named: Callable[[Run], str],
    expected: Forecast,
) -> dict[str, str]:
    """Make the features that runs share, then measure the runs that have theirs; key of each failed run -> reason."""
    before = {run.key: stamp for run in wanted if (stamp := store.stamp(run.key))}
    there = Store(store.root.absolute())
    with engine.engine(where, world, wanted, there.root) as crew:
        needs = {run.key: [*files[run.key], *text_classifiers.of(run)] for run in wanted}
        broken = fill(chain.from_iterable(files.values()), world, crew, text_classifiers.needed(wanted, world))
        failed = {key: broken[need] for key, found in needs.items() for need in found if need in broken}
        if failed:
            say(f"{counted(len(failed), 'run')} not tried, for want of what failed", err=True)
        whole = [run for run in wanted if run.key not in failed]
        work = partial(measure_run, store=there, before=before)
        measuring = sharing.shared(lambda runs: crew.each(work, runs), whole, named)
        seconds = expected.each
        followed = progress.follow(
            measuring, whole, "runs", named, lambda run: seconds.get(run.key, 0.0), where.processes
        )
        failed |= {done.item.key: done.error for done in followed if done.error}
    _print_memory(crew)
    return failed


def _check_writable(store: Store, world: World) -> None:
    """Raise BenchError before anything is measured where results, reports or features cannot be written."""
    store.check_writable()
    check_writable("reports", world.settings.reports / world.suite.name, "--reports")
    check_writable("cache", world.settings.cache, "BENCH_CACHE")


def _print_time(made: Sequence[Record]) -> None:
    """Print the share of the time that each method took."""
    seconds = shares(made)
    total = sum(seconds.values())
    if total:
        words = ", ".join(f"{name} {100 * took / total:.0f} % ({took:.0f} s)" for name, took in seconds.items())
        say(f"time by method, of {total:.0f} s in all workers: {words}", err=True)


def _print_memory(crew: Engine) -> None:
    """Print an upper bound of the memory held at a time: the sum of the peaks of all processes."""
    peaks = {**crew.peaks, os.getpid(): peak_memory_mib()}
    say(f"peak memory: {sum(peaks.values()) / 1024:.1f} GiB in {counted(len(peaks), 'process')}", err=True)


def _unpaired(measured: Measured, row: str) -> str:
    """The line on a row that no row of `Exhibit.beside` can be compared with."""
    beside = measured.exhibit.beside
    if not beside or not any(measured.records.get((row, column["name"])) for column in measured.exhibit.columns):
        return ""
    return f"{row}: nothing to compare it with yet; {measured.command} --method {shlex.quote(beside[0])} measures {beside[0]}"


def _next_of(shown: Sequence[Measured], cells: Sequence[Cell]) -> str:
    """The command that comes next: more seeds where an interval is wide; else, and after several rows, the report."""
    for measured in shown:
        places = {(cell.row, cell.column) for cell in cells if cell.exhibit == measured.exhibit.id}
        if measured.exhibit.id in exhibit.names() and len({row for row, _ in places}) > 1:
            continue  # of the paper's own exhibits; the report sets their intervals beside each other
        if wide := measured.widest(places, WIDE):
            row, column = wide.row, next(c for c in measured.exhibit.columns if c["name"] == wide.column)
            method = shlex.quote(measured.exhibit.added.get(row, row))
            shots = f" --shots {column['shots']}" if "shots" in column else ""
            command = (
                f"{measured.command} --method {method}{shots} --seeds 1-{MORE if wide.seeds < MORE else 2 * wide.seeds}"
            )
            return f"{command} measures more seeds, which narrow {shown_value(wide)} of {counted(wide.seeds, 'seed')}"
    return f"bench report{shown[0].suite.option} draws all that is measured as one page"


def _draw(
    shown: Sequence[Exhibit],
    cells: Sequence[Cell],
    world: World,
    store: Store,
    records: Mapping[str, Record],
    everything: bool,
    failed: Mapping[str, str],
) -> None:
    """Write each exhibit and print the asked part of its table, with sentences; if `everything`, write the page instead."""
    folder = world.settings.reports / world.suite.name
    found = gather_marked(shown, world.suite, store, records, world.settings, failed)
    if everything:
        for measured in found:
            if not measured.ready:
                say(f"{measured.exhibit.id}: {100 * measured.share:.0f} % measured, not drawn", err=True)
        others = find_others(world.suite, store, records, world.settings)
        for path in write_report(found, records, store, folder, others):
            say(f"wrote {path}")
        say_next(f"bench claims{world.suite.option} says which conclusions of the paper hold")
        return
    typed = {row for one in shown for row in one.added}
    for measured in found:
        written = write_exhibit(measured, folder)
        asked = {(cell.row, cell.column) for cell in cells if cell.exhibit == measured.exhibit.id}
        show(main_table(measured, asked))
        say("")
        for sentence in remarks.sentences(measured):
            say(f"{sentence}.")
        for sentence in classes.lines(measured.part(asked)):
            say(f"{sentence}.")
        for row in (row["name"] for row in measured.exhibit.rows if row["name"] in typed):
            if told := gained(measured, row, store) or _unpaired(measured, row):
                say(told)
        say("wrote " + ", ".join(map(str, written)))
    say_next(_next_of(found, cells))
