"""`bench weights`: state of each slot of the published weights; `import` converts files, `trust` accepts changed ones."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from benchmark.commands.options import output_format, weights_place
from benchmark.core.asset import ALIAS, DIFFERS, INCOMPLETE, MISSING, OK
from benchmark.core.errors import BenchError, ExitCode, Incomplete
from benchmark.core.file_facts import FileFacts
from benchmark.core.files import tidy
from benchmark.core.settings import Settings
from benchmark.core.streams import answer_json, say, say_next
from benchmark.encoders.published import slots


@click.group(invoke_without_command=True)
@weights_place
@click.option("--deep", is_flag=True, help="Read every file in full and compare its hashes.")
@output_format()
@click.pass_context
def weights(context: click.Context, deep: bool, form: str, settings: Settings) -> ExitCode:
    """Say which file fills which slot of the published weights, and what is missing."""
    return _show(deep, form, settings) if context.invoked_subcommand is None else ExitCode.OK


@weights.command(name="import")
@click.argument("files", nargs=-1)
@weights_place
@click.option("--all", "everything", is_flag=True, help="Whatever fills a slot.")
@click.option("--slot", help="Which slot the file is for, where its content would do for several.")
def weights_import(files: Sequence[str], everything: bool, slot: str | None, settings: Settings) -> ExitCode:
    """Convert published checkpoints once to <slot>.safetensors in the weights folder; of several, name those of no slot."""
    if bool(files) == everything or (slot and len(files) != 1):
        raise BenchError("bench weights import takes files, or --all; and --slot with one file")
    folder = settings.weights_dirs[0]
    _tidy(folder)
    if everything:
        chosen, left = [(path, name) for name in slots.SLOTS if (path := slots.find(name, settings))], 0
    else:
        chosen, left = _taken(files, slot)
    if not chosen:
        raise Incomplete(
            f"none of these {left} files fills a slot of the published weights; bench weights lists them"
            if left
            else "no slot has a file to import; bench weights says what is missing"
        )
    todo = [(path, name) for path, name in chosen if path != folder / f"{name}.safetensors"]
    for path, name in todo:
        _convert(path, name, folder, settings)
    if not todo:
        say("all that is here is imported already")
    say_next("bench weights says which slots are still empty")
    return ExitCode.OK


def _taken(files: Sequence[str], slot: str | None) -> tuple[list[tuple[Path, str]], int]:
    """Files with their slots, one a slot, and the number of those left out and named; a single file's error is raised."""
    from benchmark.encoders.published.convert import slot_of  # imports torch: only for import

    if len(files) == 1:
        return [(Path(files[0]), slot or slot_of(Path(files[0])))], 0
    found: dict[str, Path] = {}
    left = 0
    for path in map(Path, files):
        try:
            name = slot_of(path)
        except BenchError as error:
            why = str(error) if path.name.endswith(slots.SUFFIXES) else f"{path}: no file of weights by its name"
        else:
            first, second = sorted([path, found.get(name, path)], key=lambda file: slots.rank(name, file))
            found[name] = first
            why = "" if first == second else f"{second}: {first} is taken for {name}"
        if why:
            left += 1
            say(f"left out: {why}", err=True)
    return [(path, name) for name, path in found.items()], left


def _convert(path: Path, name: str, folder: Path, settings: Settings) -> None:
    from benchmark.encoders.published.convert import convert

    where = convert(path, name, folder)
    say(f"{name}: {path} -> {where} ({where.stat().st_size / 2**20:.1f} MiB)")
    found = slots.look(name, settings, deep=True)
    if found.state == DIFFERS and found.path == where:
        say(f"bench: {name}: {DIFFERS}: {found.says}", err=True)


@weights.command(name="trust")
@click.argument("names", metavar="SLOTS...", nargs=-1, required=True)
@weights_place
def weights_trust(names: Sequence[str], settings: Settings) -> ExitCode:
    """Accept what fills a slot now as its weights, where they are not those of the first use."""
    for name in names:
        found = slots.look(name, settings, deep=True)
        if found.path is None or found.state in (MISSING, INCOMPLETE):
            raise Incomplete(found.says)
        digest = slots.digest(found.path, settings)
        FileFacts(settings.cache).trust(name, digest)
        say(f"{name}: {found.path}, weights {digest[:12]}…")
    say_next("bench doctor --suite paper says whether all is here that it needs")
    return ExitCode.OK


def _show(deep: bool, form: str, settings: Settings) -> ExitCode:
    """Print one line a slot and one a foreign file; MISSING unless every slot that the paper needs has an intact file."""
    _tidy(settings.weights_dirs[0])
    everything = [slots.look(name, settings, deep) for name in slots.SLOTS]
    if form == "json":
        answer_json([_record(found) for found in everything])
    else:
        for found in everything:
            say(f"{found.slot.name:<14} {found.state:<12} {found.says or found.path}")
        for line in slots.left_out(settings):
            say(f"left out: {line}", err=True)
    needed = [found for found in everything if not found.slot.optional]
    filled = all(found.state in (OK, ALIAS) for found in needed)
    if form != "json":
        what = "says where each file is published" if not filled else "says whether the data are here too"
        say_next(f"bench doctor --suite paper {what}")
    return ExitCode.OK if filled else ExitCode.MISSING


def _tidy(folder: Path) -> None:
    """Remove what killed imports left in the weights folder."""
    for slot in slots.SLOTS:
        tidy(folder, f"{slot}.safetensors.")


def _record(found: slots.Found) -> dict[str, object]:
    path = str(found.path) if found.path else None
    return {**asdict(found.slot), "state": found.state, "path": path, "says": found.says}
