"""`bench weights`: what fills each slot of the published weights; `import` converts, `trust` accepts."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from benchmark.core import file_facts, settings
from benchmark.core.errors import BenchError, ExitCode, Incomplete
from benchmark.encoders.published import slots


def show(weights_dir: str | None, deep: bool, form: str) -> ExitCode:
    """Print one line a slot; returns 0 when each of the paper's has a file and nothing is amiss, else 3."""
    settings.configure(weights_dir=weights_dir)
    everything = [slots.look(name, deep) for name in slots.SLOTS]
    if form == "json":
        click.echo(json.dumps([_record(found) for found in everything], indent=1, ensure_ascii=False))
    else:
        for found in everything:
            click.echo(f"{found.slot.name:<14} {found.state:<12} {found.says or found.path}")
    good = (slots.OK, slots.ALIAS)
    return (
        ExitCode.OK if all(found.state in good for found in everything if not found.slot.optional) else ExitCode.MISSING
    )


def _record(found: slots.Found) -> dict[str, object]:
    path = str(found.path) if found.path else None
    return {**asdict(found.slot), "state": found.state, "path": path, "says": found.says}


def convert(files: Sequence[str], everything: bool, slot: str | None, weights_dir: str | None) -> ExitCode:
    """Convert files, or whatever fills the slots, to <weights folder>/<slot>.safetensors; returns the exit code."""
    from benchmark.encoders.published import convert as conversion

    settings.configure(weights_dir=weights_dir)
    if bool(files) == everything or (slot and len(files) != 1):
        raise BenchError("bench weights import takes files, or --all; and --slot with one file")
    folder = settings.weights_dirs()[0]
    if everything:
        chosen = [(path, name) for name in slots.SLOTS if (path := slots.find(name))]
    else:
        chosen = [(Path(file), slot or conversion.slot_of(Path(file))) for file in files]
    todo = [(path, name) for path, name in chosen if path != folder / f"{name}.safetensors"]
    if not chosen:
        raise Incomplete("no slot has a file to import; bench weights says what is missing")
    for path, name in todo:
        where = conversion.convert(path, name, folder)
        click.echo(f"{name}: {path} -> {where} ({where.stat().st_size / 2**20:.1f} MiB)")
    if not todo:
        click.echo("all that is here is imported already")
    return ExitCode.OK


def trust(names: Sequence[str], weights_dir: str | None) -> ExitCode:
    """Accept what fills these slots now as their weights; returns the exit code."""
    settings.configure(weights_dir=weights_dir)
    for name in names:
        found = slots.look(name)
        if found.path is None or found.state in (slots.MISSING, slots.INCOMPLETE):
            raise Incomplete(found.says)
        weights = slots.digest(found.path)
        file_facts.trust(name, weights)
        click.echo(f"{name}: {found.path}, weights {weights[:12]}…")
    return ExitCode.OK
