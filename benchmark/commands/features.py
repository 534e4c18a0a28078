"""`bench features`: what of them is on disk, made when asked for; `import` takes those that others made."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from benchmark.commands.filling import fill
from benchmark.core import devices, paths
from benchmark.core.errors import ExitCode, Incomplete
from benchmark.core.files import check_writable
from benchmark.core.names import choose
from benchmark.exhibits import exhibit, inventory
from benchmark.exhibits.needs import without
from benchmark.exhibits.run import PIXELS, SPATIAL
from benchmark.features import status, text_classifiers
from benchmark.features.requests import folder
from benchmark.features.status import IMPOSSIBLE, Entry
from benchmark.features.text_classifiers import Text
from benchmark.running import task, workers
from benchmark.suites import suite as suites
from benchmark.suites.suite import Suite


def show(
    suite: str,
    dataset: Sequence[str],
    encoder: Sequence[str],
    part: Sequence[str],
    seeds: Sequence[int] | None,
    shots: Sequence[int] | None,
    table: Sequence[str],
    figure: Sequence[str],
    make: bool,
    jobs: int | None,
    form: str,
) -> ExitCode:
    """Print a line for each data set, encoder and part, after making what is missing where that is asked; the exit code."""
    world = suites.load(suite)
    _check(world, dataset, encoder)
    text: list[Text] = []
    if table or figure:
        asked, text = _for_exhibits(world, table, figure, seeds, shots, (dataset, encoder, part))
    else:
        asked = status.asked(world, dataset, encoder, part, seeds, shots)
    failed = 0
    if make:
        check_writable("cache", paths.cache(), "BENCH_CACHE")
        possible = [entry for entry in (status.look(entry, world) for entry in asked) if not entry.lacks]
        with workers.Crew(devices.workers(jobs)) as crew:
            failed = fill((request for entry in possible for request in entry.requests), world, crew, text)
    found = [status.look(entry, world) for entry in asked]
    if form == "json":
        click.echo(json.dumps([_record(entry) for entry in found], indent=1, ensure_ascii=False))
    else:
        _print(found, world)
    if failed:
        return ExitCode.RUNS_FAILED
    return ExitCode.MISSING if make and any(entry.lacks for entry in found) else ExitCode.OK


def _check(suite: Suite, datasets: Sequence[str], encoders: Sequence[str]) -> None:
    for name in datasets:
        choose(name, suite.datasets, f"data set of suite {suite.name}")
    for name in encoders:
        if name != PIXELS:
            choose(name.removesuffix(SPATIAL), suite.encoders, f"encoder of suite {suite.name}")


def _for_exhibits(
    suite: Suite,
    table: Sequence[str],
    figure: Sequence[str],
    seeds: Sequence[int] | None,
    shots: Sequence[int] | None,
    only: tuple[Sequence[str], Sequence[str], Sequence[str]],
) -> tuple[list[Entry], list[Text]]:
    """The features that exhibits need, of the named data sets, encoders and parts where some are named, and the classifiers
    that are not there. Of data and weights that are not here a line says so.
    """
    from benchmark.commands.choosing import chosen, planned_cells

    cells = planned_cells([exhibit.load(name) for name in chosen(table, figure)], suite, (), shots or ())
    here = inventory.take(cells, suite)
    for line in here.lines():
        click.echo(line, err=True)
    less = without(suite, [*here.missing, *inventory.absent_shifts(suite, cells)])
    runs = exhibit.unique(run for cell in cells for run in cell.runs(less, seeds))
    needed = [request for run in runs for request in task.requests(run, less)]
    places = [(r, (r.dataset, r.role, r.part)) for r in needed]
    entries = status.of(
        r for r, place in places if all(not names or name in names for name, names in zip(place, only, strict=True))
    )
    return entries, text_classifiers.needed(runs, less)


def _print(found: Sequence[Entry], suite: Suite) -> None:
    """A line an entry, one for all that lack the same, and a sum."""
    if not found:
        raise Incomplete("there are no such features, or none that can be made here; bench features shows all")
    possible = [entry for entry in found if entry.state != IMPOSSIBLE]
    widths = [max((len(getattr(entry, name)) for entry in possible), default=0) for name in ("dataset", "encoder")]
    for entry in possible:
        names = f"{entry.dataset:<{widths[0]}}  {entry.encoder:<{widths[1]}}  {entry.part:<9}"
        click.echo(f"{names}  {_words(entry)}")
    for lack in dict.fromkeys(entry.lacks for entry in found if entry.lacks):
        names = ", ".join(dict.fromkeys(entry.dataset for entry in found if entry.lacks == lack))
        click.echo(f"cannot be made here, of {names}: {lack}")
    there, size = sum(entry.whole for entry in found), sum(entry.bytes for entry in found) / 2**20
    total = sum(len(entry.requests) for entry in possible)
    click.echo(f"{there} of {total} files there, {size:.1f} MiB in {folder(suite)}")


def _words(entry: Entry) -> str:
    """What there is to say of an entry: "2 of 3 there, shards 5 of 12, 640 images, 2.5 MiB, made at 812 images/s"."""
    many = len(entry.requests) > 1
    words = [f"{entry.whole} of {len(entry.requests)} there" if many and entry.whole else entry.state]
    if entry.shards[0]:
        words.append(f"{entry.shards[0]} of {entry.shards[1]} shards of the rest")
    if entry.bytes:
        words.append(f"{entry.bytes / 2**20:.1f} MiB")
    if entry.pictures:
        words.append(f"{entry.pictures} images")
    if entry.speed:
        words.append(f"made at {entry.speed:.0f} images/s")
    return ", ".join(words)


def _record(entry: Entry) -> dict[str, object]:
    rest = {name: value for name, value in asdict(entry).items() if name != "requests"}
    return {**rest, "files": len(entry.requests), "state": entry.state, "images_per_second": entry.speed}


def take_in(
    sources: Sequence[str],
    dataset: str,
    backbone: str,
    aux: str,
    seed: int,
    text: str | None,
    classnames: str | None,
    template: Sequence[str],
    out: str,
) -> ExitCode:
    """Bring features of others into one file and write a suite that names it; returns the exit code."""
    from benchmark.features.importing import released_caches, write_suite

    found = released_caches.read([Path(source) for source in sources], Path(text) if text else None)
    names = write_suite.classnames(found, dataset, Path(classnames) if classnames else None)
    told = write_suite.Told(dataset, {"clip": backbone, "aux": aux}, seed, names, list(template))
    suite, file = write_suite.write(found, told, Path(out))
    for why in found.left_out:
        click.echo(f"left out: {why}", err=True)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    for place, part in sorted(found.parts.items()):
        views, images, width = part.features.shape
        of_views = f"{views} views of " if views > 1 else ""
        click.echo(f"{told.role(place.space)}: {place.words}: {of_views}{images} x {width} ({part.file})")
    click.echo(f"wrote {file} and {suite}")
    click.echo(f"next: bench run --table 4 --suite {suite}")
    return ExitCode.OK
