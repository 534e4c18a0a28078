"""Work of `bench results merge`: records of other machines, taken into those of this one."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmark.core.errors import ExitCode, Incomplete
from benchmark.core.paths import expanded
from benchmark.core.settings import Settings
from benchmark.core.streams import answer_json, say, say_next
from benchmark.core.text import counted
from benchmark.exhibits.naming import method_named
from benchmark.records.merging import Different, Merged
from benchmark.records.merging import merge as merge_store
from benchmark.records.store import Store
from benchmark.suites.suite import Suite
from benchmark.suites.suite import load as load_suite


def merge(folders: Sequence[str], suite: str, form: str, settings: Settings) -> ExitCode:
    """Take the records of other folders that are not here, and compare the others; nothing where a folder has none."""
    world = load_suite(suite, settings.trusted)
    store = Store(settings.results / world.name, cache=settings.cache)
    others = [Store(_records(expanded(folder), world)) for folder in folders]
    store.check_writable()
    found = [merge_store(store, other, world.name) for other in others]
    for one in found:
        for name, why in one.left_out.items():
            say(f"left out {Path(one.folder) / name}: {why}", err=True)
    if form == "json":
        answer_json([asdict(one) for one in found])
    else:
        for one in found:
            _print(one)
        say_next(f"bench report{world.option} draws what is here now")
    return ExitCode.DAMAGED if any(one.left_out for one in found) else ExitCode.OK


def _records(folder: Path, world: Suite) -> Path:
    """The folder with a suite's records, given itself or the results folder that it is in; Incomplete where none are."""
    for place in (folder / world.name, folder):
        if place.is_dir() and any(place.glob("*.json")):
            return place
    raise Incomplete(f"{folder}: there are no records of suite {world.name}; name a results folder")


def _print(one: Merged) -> None:
    for different in one.different:
        say(_line(different))
    parts = [f"{counted(len(one.taken), 'record')} taken", f"{len(one.same):,} here with the same answers"]
    parts += [f"{len(one.different):,} here with other answers, which stay", f"{len(one.left_out):,} left out"]
    say(f"{one.folder}: {', '.join(parts)}")


def _line(one: Different) -> str:
    """A run with other answers there: where, how many images differ under each selection, and what else was different."""
    run = f"{method_named(one.method)}, {counted(one.shots, 'shot')}, seed {one.seed} [{one.key}]"
    counts = ", ".join(f"{name} {number:,}" for name, number in one.differ.items())
    images = f"of {counted(one.n, 'image')} differ: {counts}" if counts else "other test images"
    inputs = f"; measured with other {', '.join(one.inputs)}" if one.inputs else ""
    return f"other answers: {run}: {images}{inputs}"
