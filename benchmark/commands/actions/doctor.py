"""Work of `bench doctor`: examination of versions, device, data, weights, folders and records."""

import os
import platform
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch

from benchmark.analysis.gate.reference_run import Golden
from benchmark.analysis.other_questions import strangers, told
from benchmark.commands.actions.choosing import chosen_exhibits, nothing_planned
from benchmark.core import devices, floors, paths, warned
from benchmark.core.asset import Asset
from benchmark.core.cores import cores
from benchmark.core.errors import BenchError, ExitCode, Incomplete, reason
from benchmark.core.libraries import TORCHVISION_MENDED
from benchmark.core.machine import cpu_name
from benchmark.core.settings import Settings
from benchmark.core.streams import answer_json, say
from benchmark.core.text import counted
from benchmark.data.published import inspection
from benchmark.data.published.folder import ImageFolder
from benchmark.encoders.published.slots import ALIAS, MISSING, OK
from benchmark.exhibits import exhibit, inventory
from benchmark.exhibits.inventory import Inventory
from benchmark.exhibits.naming import method_named
from benchmark.exhibits.needs import DATASET, ENCODER, TESTED, everything, needed
from benchmark.exhibits.substitution import FOLDER
from benchmark.features import checked, requests, text_classifiers
from benchmark.methods.crops import listed, words
from benchmark.records import provenance, reference
from benchmark.records.store import Store
from benchmark.suites.suite import Suite
from benchmark.suites.suite import load as load_suite
from benchmark.suites.world import World


@dataclass(frozen=True)
class Finding:
    """One line of the examination; `ok` is False where the user has to do something."""

    what: str
    says: str
    ok: bool = True


@dataclass(frozen=True)
class Looked(Finding):
    """A finding on published data or weights, which lie outside of the package.

    Attributes:
        state: one word, such as "ok" or "missing".
        path: the file or folder found; empty where none was found.
        blocks: ids of the exhibits that cannot be run without it.
        page: URL of the publication.
        licence: name of the licence; empty where unverified.
        noncommercial: whether the licence forbids commercial use.
    """

    state: str = ""
    path: str = ""
    blocks: Sequence[str] = ()
    page: str = ""
    licence: str = ""
    noncommercial: bool = False


def examine(world: World, names: Sequence[str] = (), deep: bool = False) -> Iterator[Finding]:
    """Examine everything that runs of exhibits need.

    Args:
        world: the suite to run, on this machine.
        names: ids of the exhibits; empty for all of them and everything else that the suite names.
        deep: read data and weights in full instead of looking at their names and sizes.

    Yields:
        One finding a line, in the order of the output.
    """
    settings, name = world.settings, world.suite.name
    yield from _software()
    yield from _machine(settings)
    yield from _assets(world, names, deep)
    yield _crops(world.suite, names or exhibit.names())
    yield _folder("results", settings.results / name, "--results")
    yield _folder("reports", settings.reports / name, "--reports")
    yield _folder("cache", settings.cache, "BENCH_CACHE")
    yield from _cached("features", requests.folder(world), settings, deep)
    yield from _cached("texts", text_classifiers.folder(world), settings, deep)
    yield _records(Store(settings.results / name, cache=None if deep else settings.cache), world.suite)
    yield _references()
    yield _finding("reference run", partial(_reference_run, world.suite))


def examine_folder(dataset: str, classnames: str, deep: bool, settings: Settings) -> Iterator[Finding]:
    """Examine a folder of images.

    Args:
        dataset: "folder:PATH".
        classnames: file with the names of its classes; "" for the default.
        deep: read and decode every image.
        settings: settings with the cache folder.

    Yields:
        What it holds, and every remark on it.

    Raises:
        BenchError: the folder cannot be a data set.
    """
    if not dataset.startswith(FOLDER):
        raise BenchError(
            f"--dataset {dataset} is no {FOLDER}PATH; without --dataset, doctor looks at the suite's data sets"
        )
    folder = ImageFolder(dataset.removeprefix(FOLDER), classnames=classnames, settings=settings)
    yield from (Finding("data", remark) for remark in folder.remarks)
    if deep:
        says = inspection.read_all(folder)
        yield Finding("data", says or "every image was read", ok=not says)


def _assets(world: World, names: Sequence[str], deep: bool) -> Iterator[Finding]:
    """A finding for each published data set and weights file; assets without a file to look at are opened instead."""
    shown = [exhibit.load(name) for name in names or exhibit.names()]
    cells = [cell for one in shown for cell in one.cells()]
    used_by = needed(cells, world.suite)
    if names and not used_by:
        yield Finding("exhibits", str(nothing_planned(shown, cells, world.suite, by_row=False)), ok=False)
    needs = used_by if names else {need: used_by.get(need, []) for need in everything(world.suite)}
    looked = inventory.looks(needs, world, deep)
    here = Inventory({need: asset for need, asset in looked.items() if asset}, needs)
    yield from (_asset(asset, here.blocks(asset)) for asset in here.assets)
    rest = [need for need, asset in looked.items() if asset is None]
    for need in rest:
        if need.kind == ENCODER:
            yield _finding(f"weights {need.role}", partial(_weights, world, need.role))
    datasets = list(dict.fromkeys(need.role for need in rest if need.kind in (DATASET, TESTED)))
    for role in datasets:
        yield _finding("data", partial(_data, world, [role]))


def _crops(suite: Suite, names: Sequence[str]) -> Finding:
    """Random crops of the support images, by method of the exhibits."""
    cells = (cell for name in names for cell in exhibit.load(name).cells())
    runs = (run for cell in cells for run in cell.runs(suite, [0]) if run.shots)
    said = ((words(run.crops) if run.crops else requests.NONE, method_named(run.method)) for run in runs)
    return Finding("random crops", listed(said) or "none")


def _asset(asset: Asset, used_by: Sequence[str]) -> Finding:
    good = asset.usable and asset.state in (OK, ALIAS, MISSING)  # missing and usable: it will be downloaded
    blocks = () if asset.usable else used_by
    says = asset.line.removeprefix(f"{asset.name}: ") + (f"; blocks {', '.join(blocks)}" if blocks else "")
    path = str(asset.path) if asset.path else ""
    return Looked(asset.name, says, good, asset.state, path, blocks, asset.page, asset.licence, asset.noncommercial)


def _software() -> Iterator[Finding]:
    yield Finding("python", platform.python_version())
    for name, found in provenance.versions().items():
        yield Finding(name, found, found != "not installed")
    for why in filter(None, map(floors.below, floors.FLOORS)):
        yield Finding("library", why, ok=False)
    if TORCHVISION_MENDED:
        yield Finding(
            "torchvision",
            "its compiled operators are left out, because its build does not match torch's; runs need none of them",
        )


def _machine(settings: Settings) -> Iterator[Finding]:
    yield Finding("cpu", cpu_name())
    yield Finding("threads", f"{torch.get_num_threads()} of {cores()} cores")
    yield _finding("device", partial(_device, settings))


def _device(settings: Settings) -> str:
    """The device that encoders and methods run on, and a GPU that is here but not used."""
    used = settings.torch_device
    there = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if used.type == "cpu" else []
    return f"runs use {devices.name(used)}" + (f"; {there[0]} is here too: --device cuda" if there else "")


def _weights(world: World, role: str) -> str:
    encoder = world.encoder(role)
    encoder.loaded  # noqa: B018  (builds the network and fills it)
    return f"sha256 {encoder.fingerprint[:12]}…"


def _finding(what: str, look: Callable[[], str]) -> Finding:
    """Finding with the result of `look`, or with the error that it raised, so that the examination goes on."""
    try:
        return Finding(what, look())
    except BenchError as error:
        return Finding(what, str(error), ok=False)
    except Exception as error:
        return Finding(what, reason(error), ok=False)


def _data(world: World, roles: Sequence[str]) -> str:
    sizes = []
    for role in roles:
        dataset = world.dataset(role)
        sizes.append(
            f"{world.suite.named(role)}: {counted(len(dataset.classnames), 'class')}, "
            f"{counted(len(dataset.ids('test')), 'test image')}"
        )
    return "; ".join(sizes)


def _folder(what: str, folder: Path, how: str) -> Finding:
    try:
        return _looked_into(what, folder, how)
    except OSError as error:
        return Finding(what, f"{folder} cannot be read ({error.strerror}); see {how}", ok=False)


def _looked_into(what: str, folder: Path, how: str) -> Finding:
    nearest = next(p for p in [folder, *folder.absolute().parents] if p.exists())
    ok = nearest.is_dir() and os.access(nearest, os.W_OK)
    files = [p for p in folder.rglob("*") if p.is_file()] if folder.is_dir() else []
    size = sum(p.stat().st_size for p in files) / 2**20
    says = (
        f"{folder} ({counted(len(files), 'file')}, {size:.1f} MiB)" if ok else f"{folder} cannot be written; see {how}"
    )
    return Finding(what, says, ok)


def _cached(what: str, folder: Path, settings: Settings, deep: bool) -> Iterator[Finding]:
    """Files of features that have no hash, and with `deep` those that are not what their hash says; nothing without files."""
    if old := checked.without_hash(folder):
        yield Finding(
            what, f"{old} of an earlier version have no hash; a run that needs one trusts it and gives it one"
        )
    try:
        found = checked.damaged(folder, settings.cache) if deep and folder.is_dir() else None
    except BenchError as error:
        yield Finding(what, str(error), ok=False)
        return
    for file, why in (found or {}).items():
        yield Finding(what, f"{file}: damaged: {why}; a run that needs it makes it again", ok=False)
    if found == {}:
        yield Finding(what, f"every file in {folder} was read and is whole")


def _records(store: Store, suite: Suite) -> Finding:
    """Records that can be used, and the others with their reasons; without a memory, all are held against their answers."""
    try:
        records = store.records()
    except BenchError as error:
        return Finding("records", str(error), ok=False)
    broken = "".join(f"; {name}: {why}" for name, why in store.problems.items())
    others = told(strangers(suite, records), suite, "no exhibit asks")
    return Finding("records", f"{len(records)} usable{broken}{others and f'; {others}'}", ok=not store.problems)


def _references() -> Finding:
    folder = paths.reference()
    files = [*folder.rglob("*.csv")] if folder.is_dir() else []
    try:
        reference.verify()
    except BenchError as error:
        return Finding("reference numbers", str(error), ok=False)
    return Finding("reference numbers", f"{folder}: {counted(len(files), 'file')}, as published", ok=bool(files))


def _reference_run(suite: Suite) -> str:
    """The exhibits of the suite's reference run, held against its hashes; that there is none is no fault."""
    golden = Golden(suite.name, suite.option)
    try:
        there = ", ".join(golden.exhibits())
        return golden.unlisted or f"{golden.folder}: {there}"
    except Incomplete:
        return f"none of suite {suite.name}"


def _concluded(found: Sequence[Finding], command: str) -> str:
    """The last line: that all is well and what to type, else how much is amiss and what to mend first."""
    amiss = [finding for finding in found if not finding.ok]
    if not amiss:
        return f"all well; next: {command}"
    more = f", the first of {len(amiss)} that are BAD" if len(amiss) > 1 else ""
    return f"mend {amiss[0].what}{more}: {amiss[0].says}"


def doctor(
    table: Sequence[str],
    figure: Sequence[str],
    suite: str,
    deep: bool,
    dataset: str | None,
    classnames: str | None,
    form: str,
    settings: Settings,
) -> ExitCode:
    """Print the findings; MISSING where something is amiss, else OK."""
    names = chosen_exhibits(table, figure) if table or figure else []
    with warned.heard() as heard:
        if dataset:
            following = f"bench run --suite paper --table 4 --dataset {shlex.quote(dataset)}"
            found = list(examine_folder(dataset, classnames or "", deep, settings))
        else:
            opened = load_suite(suite, settings.trusted)
            following = (exhibit.load(names[0]).command if names else "bench run --table 4") + opened.option
            found = list(examine(World(opened, settings), names, deep))
    for line in heard.lines:
        say(f"warning: {line}", err=True)
    if form == "json":
        answer_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            say(f"{'ok ' if finding.ok else 'BAD'} {finding.what}: {finding.says}")
        say(_concluded(found, following))
    return ExitCode.OK if all(finding.ok for finding in found) else ExitCode.MISSING
