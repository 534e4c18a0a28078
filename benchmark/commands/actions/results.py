"""Work of `bench results`: records of other machines taken into those of this one, and results files."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmark.commands.actions.opening import check_measured, open_suite, skipped
from benchmark.core import regular
from benchmark.core.digest import JsonDict
from benchmark.core.errors import BenchError, ExitCode, Incomplete, reason
from benchmark.core.files import written_whole
from benchmark.core.paths import expanded
from benchmark.core.settings import Settings
from benchmark.core.streams import answer, answer_json, kept_for_answer, say, say_next
from benchmark.core.text import counted
from benchmark.exhibits.naming import method_named
from benchmark.records import exporting, importing, lines
from benchmark.records.importing import Imported
from benchmark.records.merging import Different, Merged
from benchmark.records.merging import merge as merge_store
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.suites.suite import Suite
from benchmark.suites.suite import load as load_suite

NAMED = 20
"""Largest number of files or lines that are named as left out, of each folder or file."""


def merge(folders: Sequence[str], suite: str, form: str, settings: Settings) -> ExitCode:
    """Take the records of other folders that are not here, and compare the others; nothing where a folder has none."""
    world = load_suite(suite, settings.trusted)
    store = Store(settings.results / world.name, cache=settings.cache)
    others = [Store(_records(expanded(folder), world)) for folder in folders]
    store.check_writable()
    found = [merge_store(store, other, world.name) for other in others]
    for one in found:
        _say_left_out(one, "/")
    if form == "json":
        answer_json([asdict(one) for one in found])
    else:
        for one in found:
            _print(one)
        say_next(f"bench report{world.option} draws what is here now")
    return ExitCode.DAMAGED if any(one.left_out for one in found) else ExitCode.OK


def export(suite: str, form: str | None, out: str | None, settings: Settings) -> ExitCode:
    """Write the records of a suite as results.jsonl or results.csv; Incomplete where there is none."""
    form = _form(form, out)
    file = expanded(out or f"results.{form}")
    world, store, records = open_suite(suite, settings)
    check_measured(world, store, records)
    shown = lines.ordered(records.values(), world.named)
    texts = [exporting.csv(shown, world.named)] if form == "csv" else _jsonl(shown, store, world)
    if out == "-":
        with kept_for_answer():
            for text in texts:
                answer(text.removesuffix("\n"))
        return skipped(store)
    _check_replaceable(file)
    with written_whole("--out", file, "--out") as stream:
        for text in texts:
            stream.write(text.encode())
    say(f"wrote {file}: {counted(len(records), 'run')}")
    if form == "jsonl":
        say_next(f"bench results import {shlex.quote(str(file))}{world.option} takes these records in elsewhere")
    return skipped(store)


def import_(files: Sequence[str], check: bool, suite: str, form: str, settings: Settings) -> ExitCode:
    """Take the records of files that are not here, and compare the others; nothing where a file is none of the schema."""
    world = load_suite(suite, settings.trusted)
    paths = [expanded(file) for file in files]
    if not check and (tables := [path for path in paths if importing.is_csv(path)]):
        raise BenchError(
            f"{tables[0]}: has counts and no answers, of which no record is made; import the .jsonl of bench results"
            " export, or give --check"
        )
    for path in paths:
        importing.check(path)
    store = None if check else Store(settings.results / world.name, cache=settings.cache)
    if store is not None:
        store.check_writable()
    found = [importing.read(path, world.name, store) for path in paths]
    for one in found:
        _say_left_out(one, ", ")
    if form == "json":
        answer_json([_as_file(one) for one in found])
    else:
        for one in found:
            _print_checked(one) if check else _print(one)
        if not check:
            say_next(f"bench report{world.option} draws what is here now")
    return ExitCode.DAMAGED if any(one.left_out for one in found) else ExitCode.OK


def _form(form: str | None, out: str | None) -> str:
    """The format by --format or by the name of the file; BenchError where the two differ."""
    named = {".csv": "csv", ".jsonl": "jsonl"}.get(Path(out or "").suffix.lower())
    if form and named and form != named:
        raise BenchError(f"--out {out}: is named as {named}, and --format says {form}; leave --format out")
    return form or named or "jsonl"


def _jsonl(shown: Iterable[Record], store: Store, world: Suite) -> Iterator[str]:
    """The lines of records, one after the other; one whose answers are gone meanwhile is a problem of the store."""
    exporter = exporting.Exporter(store, world.named)
    for record in shown:
        try:
            found = exporter.lines(record)
        except (OSError, ValueError) as error:
            store.problems[f"{record.key}.json"] = reason(error)
            say(f"left out {store.root / record.key}.json: {reason(error)}", err=True)
            continue
        yield from (exporting.jsonl(said) + "\n" for said in found)


def _check_replaceable(file: Path) -> None:
    """Refuse what is no regular file, such as a device, in the place of a file that is to be written."""
    try:
        regular.check(file)
    except FileNotFoundError:
        return
    except OSError as error:
        raise BenchError(f"--out {file}: cannot be written ({error.strerror or error}); name a file") from error


def _as_file(one: Imported) -> JsonDict:
    """File, number of lines, and keys of the records taken and not taken, as plain values."""
    said = asdict(one)
    return {"file": said.pop("folder"), "lines": said.pop("lines"), "records": said.pop("whole"), **said}


def _records(folder: Path, world: Suite) -> Path:
    """The folder with a suite's records, given itself or the results folder that it is in; Incomplete where none are."""
    for place in (folder / world.name, folder):
        if place.is_dir() and any(place.glob("*.json")):
            return place
    raise Incomplete(f"{folder}: there are no records of suite {world.name}; name a results folder")


def _say_left_out(one: Merged, between: str) -> None:
    """Print what was left out of a folder or file, with `between` before the name of its file or line."""
    for name, why in list(one.left_out.items())[:NAMED]:
        say(f"left out {one.folder}{between}{name}: {why}", err=True)
    if len(one.left_out) > NAMED:
        say(f"left out {len(one.left_out) - NAMED:,} more of {one.folder}; --json names all", err=True)


def _print(one: Merged) -> None:
    for different in one.different:
        say(_line(different))
    parts = [f"{counted(len(one.taken), 'record')} taken", f"{len(one.same):,} here with the same answers"]
    parts += [f"{len(one.different):,} here with other answers, which stay", f"{len(one.left_out):,} left out"]
    say(f"{one.folder}: {', '.join(parts)}")


def _print_checked(one: Imported) -> None:
    records = f", {counted(len(one.whole), 'whole record')}" if one.whole else ""
    say(f"{one.folder}: {counted(one.lines, 'valid line')}{records}, {len(one.left_out):,} not valid")


def _line(one: Different) -> str:
    """A run with other answers there: where, how many images differ under each selection, and what else was different."""
    run = f"{method_named(one.method)}, {counted(one.shots, 'shot')}, seed {one.seed} [{one.key}]"
    counts = ", ".join(f"{name} {number:,}" for name, number in one.differ.items())
    images = f"of {counted(one.n, 'image')} differ: {counts}" if counts else "other test images"
    inputs = f"; measured with other {', '.join(one.inputs)}" if one.inputs else ""
    return f"other answers: {run}: {images}{inputs}"
