"""Work of `bench features` and `bench features import`: state, extraction and import of features."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmark.commands.actions.choosing import chosen_exhibits, planned_cells
from benchmark.commands.actions.filling import fill, say_sizes
from benchmark.commands.actions.opening import open_store, print_remarks
from benchmark.core.errors import BenchError, ClusterError, ExitCode, Incomplete
from benchmark.core.files import check_writable
from benchmark.core.names import meant, spelt_alike
from benchmark.core.paths import expanded
from benchmark.core.settings import Settings
from benchmark.core.streams import answer_json, say, say_next
from benchmark.core.text import counted
from benchmark.data.imported import Imported
from benchmark.data.published import class_names
from benchmark.exhibits import exhibit, inventory
from benchmark.exhibits.fitting import fitted
from benchmark.exhibits.needs import without
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import PIXELS, SPATIAL
from benchmark.exhibits.substitution import FOLDER, OWN_SEEDS, with_folder
from benchmark.features import costs, requests, status, text_classifiers
from benchmark.features.importing import released_caches, write_suite
from benchmark.features.importing.given import Given
from benchmark.features.importing.write_suite import Told
from benchmark.features.requests import folder
from benchmark.features.status import DAMAGED, IMPOSSIBLE, Entry
from benchmark.features.text_classifiers import Text
from benchmark.running import engine
from benchmark.running.engine import Place
from benchmark.suites.suite import Suite
from benchmark.suites.suite import load as load_suite
from benchmark.suites.world import World


def features(
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
    cluster: str | None,
    form: str,
    settings: Settings,
) -> ExitCode:
    """Print a line for each data set, encoder and part, after extracting missing features if `make`."""
    where = engine.place(cluster, jobs, settings)
    settings = where.settings
    with_folders, roles = load_suite(suite, settings.trusted), []
    for name in dataset:
        if name.startswith(FOLDER):
            with_folders, name = with_folder(with_folders, name, settings)
        roles.append(name)
    dataset, world = roles, World(with_folders, settings)
    dataset, encoder = _meant(world.suite, dataset, encoder)
    if not seeds and dataset and all(name.startswith(FOLDER) for name in dataset):
        seeds = OWN_SEEDS  # which `bench run` measures there
    print_remarks(world, [name for name in dataset if name.startswith(FOLDER)])
    text: list[Text] = []
    if table or figure:
        asked, text = _for_exhibits(world, table, figure, seeds, shots, (dataset, encoder, part))
    else:
        asked = status.asked(world, dataset, encoder, part, seeds, shots)
    failed = 0
    if make:
        check_writable("cache", settings.cache, "BENCH_CACHE")
        possible = [entry for entry in (status.look(entry, world) for entry in asked) if not entry.lacks]
        with engine.engine(where, world) as crew:
            if not crew.sees_cache:
                raise ClusterError(
                    f"cache folder {settings.cache}: not seen by all workers; BENCH_CACHE names one that they share"
                )
            failed = len(fill((request for entry in possible for request in entry.requests), world, crew, text))
    found = [status.look(entry, world) for entry in asked]
    if form == "json":
        answer_json([_record(entry) for entry in found])
    else:
        _print(found, world, where)
    if not (dataset or encoder or part or table or figure):
        _print_others(world)
    if failed:
        return ExitCode.RUNS_FAILED
    return ExitCode.MISSING if make and any(entry.lacks for entry in found) else ExitCode.OK


def _meant(suite: Suite, datasets: Sequence[str], encoders: Sequence[str]) -> tuple[list[str], list[str]]:
    """The data sets and encoders that typed names mean; BenchError with the nearest for one that the suite does not have."""
    words = f"of suite {suite.name}"
    spaces = [*suite.encoders, *(f"{role}{SPATIAL}" for role in suite.encoders), PIXELS]
    return (
        [meant(name, suite.datasets, f"data set {words}") for name in datasets],
        [
            spelt_alike(n, spaces) or meant(n.removesuffix(SPATIAL), suite.encoders, f"encoder {words}")
            for n in encoders
        ],
    )


def _for_exhibits(
    world: World,
    table: Sequence[str],
    figure: Sequence[str],
    seeds: Sequence[int] | None,
    shots: Sequence[int] | None,
    only: tuple[Sequence[str], Sequence[str], Sequence[str]],
) -> tuple[list[Entry], list[Text]]:
    """Features and zero-shot classifiers that exhibits need; prints a line for missing data and weights.

    Args:
        world: the suite of the features, on this machine.
        table: numbers of tables.
        figure: numbers of figures.
        seeds: seeds of the support sets; None for the suite's.
        shots: numbers of shots; None for those of the exhibits.
        only: names of data sets, of encoders and of parts to keep; an empty sequence keeps all.

    Returns:
        The features, and the classifiers that are not on disk.
    """
    cells = planned_cells([exhibit.load(name) for name in chosen_exhibits(table, figure)], world.suite, (), shots or ())
    here = inventory.take(cells, world)
    for line in here.lines():
        say(line, err=True)
    say_sizes(here)
    gone = [*here.missing, *inventory.spare_shifts(world, cells)]
    usable = World(without(world.suite, gone), world.settings)
    runs = exhibit.unique(run for cell in cells for run in cell.runs(usable.suite, seeds))
    needed = [request for run in runs for request in requests.of(Opened(run, usable))]
    named = [(r, zip((r.dataset, r.role, r.part), only, strict=True)) for r in needed]
    entries = status.of(r for r, pairs in named if all(not names or name in names for name, names in pairs))
    return entries, text_classifiers.needed(runs, usable)


def _print(found: Sequence[Entry], world: World, where: Place) -> None:
    """Print a line an entry, a line for each cause that prevents entries, what is missing of photographs, and the total."""
    if not found:
        every = f"bench features{world.suite.option}"
        raise Incomplete(f"there are no such features, or none that can be made here; {every} shows all")
    possible = [entry for entry in found if entry.state != IMPOSSIBLE]
    named = world.suite.named
    wide = max((len(named(entry.dataset)) for entry in possible), default=0)
    wide_encoder = max((len(entry.encoder) for entry in possible), default=0)
    for entry in possible:
        names = f"{named(entry.dataset):<{wide}}  {entry.encoder:<{wide_encoder}}  {entry.part:<9}"
        say(f"{names}  {_words(entry)}")
    for lack in dict.fromkeys(entry.lacks for entry in found if entry.lacks):
        names = ", ".join(dict.fromkeys(named(entry.dataset) for entry in found if entry.lacks == lack))
        say(f"cannot be made here, of {names}: {lack}")
    there, size = sum(entry.whole for entry in found), sum(entry.bytes for entry in found) / 2**20
    total = sum(len(entry.requests) for entry in possible)
    absent = costs.missing((request for entry in possible for request in entry.requests), world)
    if absent:
        say(f"to make: {costs.of_shards(absent, world, where.encoding).words}")
    say(f"{there} of {total} files there, {size:.1f} MiB in {folder(world)}")
    say_next("--make makes the others" if there < total else f"bench run --table 4{world.suite.option}")


def _print_others(world: World) -> None:
    """Print a line on features of data sets and encoders that the suite has not; nothing if there are none."""
    there = status.of_others(world).items()
    words = (f"{name} ({counted(files, 'file')}, {size / 2**20:.1f} MiB)" for name, (files, size) in there)
    if there:
        say(f"of other data or encoders there are too: {', '.join(words)}")


def _words(entry: Entry) -> str:
    """State of an entry: "2 of 3 there, 5 of 12 shards of the rest, 2.5 MiB, 640 images, made at 812 images/s"."""
    many = len(entry.requests) > 1
    words = [f"{entry.whole} of {len(entry.requests)} there" if many and entry.whole else entry.state]
    if entry.crops:
        words.append(f"crops: {entry.crops}")
    if entry.damaged and entry.state != DAMAGED:
        words.append(f"{entry.damaged} damaged")
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
    rest = {name: value for name, value in asdict(entry).items() if name not in ("requests", "scale")}
    return {**rest, "files": len(entry.requests), "state": entry.state, "images_per_second": entry.speed}


def features_import(
    sources: Sequence[str],
    dataset: str,
    backbone: str,
    aux: str,
    seed: int,
    text: str | None,
    logit_scale: float | None,
    classnames: str | None,
    template: Sequence[str],
    out: str,
    settings: Settings,
) -> ExitCode:
    """Convert foreign features to one file, and write a suite beside it that names the file."""
    folder = _path(out)
    again = (folder / f"{dataset}.toml").exists()
    found = released_caches.read([_path(source) for source in sources], _path(text) if text else None, logit_scale)
    names = write_suite.classnames(found, dataset, _path(classnames) if classnames else None)
    if found.text is None:
        found.notes += class_names.notes(names)
    told = write_suite.Told(dataset, {"clip": backbone, "aux": aux}, seed, names, list(template))
    suite, file = write_suite.write(found, told, folder, settings)
    written = load_suite(str(suite))
    if not again:
        _refuse_shared_records(written, file, settings)
    _print_import(found, told)
    _note_other_shots(found.shots)
    say(f"wrote {file} and {suite}")
    say_next(_next(written, settings))
    return ExitCode.OK


def _path(said: str) -> Path:
    return expanded(said)


def _refuse_shared_records(suite: Suite, file: Path, settings: Settings) -> None:
    """Raise BenchError, and remove the new files, where records of other features are kept under the suite's name."""
    store, records = open_store(suite, settings)
    held = {record.fingerprints.get("data") for record in records.values()}
    if not held - {Imported(str(file), settings=settings).fingerprint}:
        return
    for written in (file, Path(suite.file)):
        written.unlink()
    raise BenchError(
        f"{store.root}: holds records of other features, and this import would keep its own there; choose another name"
        " with --out, or another folder with BENCH_RESULTS"
    )


def _print_import(found: Given, told: Told) -> None:
    """Print what was left out, remarks, and a line for each part that was taken, and for the logit scale."""
    for why in found.left_out:
        say(f"left out: {why}", err=True)
    for note in found.notes:
        say(f"note: {note}", err=True)
    for place, part in sorted(found.parts.items()):
        views, images, width = part.features.shape
        of_views = f"{views} views of " if views > 1 else ""
        say(f"{told.role(place.space)}: {place.words}: {of_views}{images} x {width} ({part.file})")
    if found.text is not None:
        say(f"logit scale: {found.logit_scale:g} ({found.origin.get('logit_scale', 'CLIP')})")


def _note_other_shots(shots: Sequence[int]) -> None:
    """Say that no number of shots of the support sets is one that table 4 asks about."""
    asked = sorted({cell.question.shots for cell in exhibit.load("table4").cells() if cell.question.shots})
    if shots and not set(shots) & set(asked):
        numbers = ", ".join(map(str, asked))
        say(f"note: of {', '.join(map(str, shots))} shots nothing is measured: table 4 asks about {numbers}", err=True)


def _next(suite: Suite, settings: Settings) -> str:
    """The command that measures the imported features, with the folder of weights where they make the classifier."""
    network = any(spec.get("network", True) for spec in suite.encoders.values())
    weights = settings.weights_dirs[0]
    place = f" --weights-dir {shlex.quote(str(weights))}" if network and weights != Settings().weights_dirs[0] else ""
    return f"{fitted(exhibit.load('table4'), suite).command}{suite.option}{place}"
