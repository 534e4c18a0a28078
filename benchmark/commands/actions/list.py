"""Work of `bench list`: the names of exhibits, methods, data sets, backbones, encoders and suites."""

from collections.abc import Iterable

from benchmark.core.digest import Json
from benchmark.core.errors import ExitCode
from benchmark.core.settings import Settings
from benchmark.core.streams import answer_json, say, say_next
from benchmark.core.text import counted
from benchmark.exhibits import exhibit
from benchmark.suites.suite import load as load_suite
from benchmark.suites.suite import names as suite_names
from benchmark.suites.world import World

BACKBONES = ("clip", "open_clip_pair")
"""Names of the loader functions that return an encoder with a text tower."""


def everything(world: World) -> dict[str, dict[str, str]]:
    """Kind ("tables", "methods", ...) -> name -> short description, for the chosen suite."""
    chosen = world.suite
    exhibits = [exhibit.load(name) for name in exhibit.names()]
    backbones = {role: _file(spec) for role, spec in chosen.encoders.items() if spec["loader"].endswith(BACKBONES)}
    return {
        "tables": {e.id.removeprefix("table"): e.title for e in exhibits if e.id.startswith("table")},
        "figures": {e.id.removeprefix("figure"): e.title for e in exhibits if e.id.startswith("figure")},
        "methods": _methods(exhibits),
        "data sets": {role: _dataset(world, role) for role in chosen.datasets},
        "backbones": backbones,
        "encoders": {role: _file(s) for role, s in chosen.encoders.items() if role not in backbones},
        "suites": {name: load_suite(name).title for name in suite_names()},
    }


def _methods(exhibits: Iterable[exhibit.Exhibit]) -> dict[str, str]:
    """Methods -> classes, from the exhibits whose rows are methods; other rows are arguments or encoders."""
    return {row["name"]: row["method"] for e in exhibits for row in e.rows if "method" in row}


def _dataset(world: World, role: str) -> str:
    """Size of a data set; of a published data set, which is not opened for a list, its state on disk."""
    found = world.inspect_dataset(role)
    if found is not None:
        return f"{found.state}: {found.path}" if found.usable else found.state
    dataset = world.dataset(role)
    return f"{counted(len(dataset.classnames), 'class')}, {counted(len(dataset.ids('test')), 'test image')}"


def _file(spec: Json) -> str:
    """Loader of an encoder, with its arguments."""
    said = ", ".join(f"{name} = {value}" for name, value in spec.items() if name != "loader")
    return spec["loader"] + (f" ({said})" if said else "")


def list_names(suite: str, form: str, settings: Settings) -> ExitCode:
    """Show tables, figures, methods, data sets, backbones and encoders."""
    opened = load_suite(suite, settings.trusted)
    kinds = everything(World(opened, settings))
    if form == "json":
        answer_json(kinds)
        return ExitCode.OK
    sizes = kinds["data sets"].items()
    kinds["data sets"] = {opened.named(role): f"{size} (--dataset {role})" for role, size in sizes}
    for kind, entries in kinds.items():
        say(f"{kind}:" if entries else f"{kind}: none yet")
        width = max(map(len, entries), default=0)
        for name, words in entries.items():
            say(f"  {name:<{width}}  {words}")
    say_next("bench run --table 4 measures a table, bench run --figure 4b a figure")
    return ExitCode.OK
