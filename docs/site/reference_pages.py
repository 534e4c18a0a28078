"""Pages of the commands' options, the Python interface, exit codes and file formats, and the notebooks of examples/."""

import json
from collections.abc import Iterator

import click
import links
from parts import documented, fenced

import benchmark
from benchmark.cli import cli
from benchmark.core.paths import REPOSITORY

WIDTH = 100
"""Columns of a help text."""

METHOD = ("Predictor", "Task", "Samples", "Batch", "Scores", "Recipe", "Choice", "Released")
"""Names of `benchmark.methods`, in the order in which a method's author meets them."""

OWN = ("benchmark.data.dataset.Dataset", "benchmark.data.dataset.Draw", "benchmark.encoders.encoder.Encoder")

RECORD = ("Record", "Selection", "OnShift", "Histogram", "BetaCurve", "Best", "Drawn")
"""A record, then the tables in it."""


def pages() -> dict[str, str]:
    """Path -> text."""
    notebooks = [f"examples/{path.name}" for path in sorted((REPOSITORY / "examples").glob("*.ipynb"))]
    examples = {links.page_of(name): links.within(_notebook(name), name) for name in notebooks}
    return {"options.md": _options(), "api.md": _interface(), "files.md": _files(), **examples}


def _options() -> str:
    lines = [
        "# Every option",
        "",
        "What `bench COMMAND --help` prints. [What the commands are for](commands.md).",
        "",
    ]
    for path, command in _walk(cli, ["bench"]):
        with click.Context(command, info_name=" ".join(path), max_content_width=WIDTH, terminal_width=WIDTH) as context:
            lines += [f"## {' '.join(path)}", "", fenced(command.get_help(context), "text")]
    return "\n".join(lines)


def _walk(command: click.Command, path: list[str]) -> Iterator[tuple[list[str], click.Command]]:
    """A command and those below it, with the words that call them."""
    yield path, command
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                if found is not None and not found.hidden:
                    yield from _walk(found, [*path, name])


def _interface() -> str:
    lines = [
        "# Python interface",
        "",
        "`import benchmark as ab`; [what the calls give](notebook.md), with examples.",
        "",
        *(documented(f"benchmark.commands.api.{name}") for name in benchmark.__all__),
        "## What a method implements",
        "",
        "`from benchmark.methods import Predictor, Task, Samples, Scores, Recipe`",
        "",
        *(documented(f"benchmark.methods.{name}") for name in METHOD),
        "## What a data set and an encoder implement",
        "",
        *map(documented, OWN),
    ]
    return "\n".join(lines)


def _files() -> str:
    lines = [
        "# Exit codes and file formats",
        "",
        "## Exit codes",
        "",
        documented("benchmark.core.errors.ExitCode"),
        "## Settings: bench.toml, environment, options",
        "",
        documented("benchmark.core.settings", members="false", show_root_heading="false"),
        "## Records: results/SUITE/KEY.json",
        "",
        *(documented(f"benchmark.records.record.{name}", members="false") for name in RECORD),
        "## CSV files: reports/SUITE/EXHIBIT.csv",
        "",
        documented("benchmark.analysis.results.Row", members="false"),
        "## Suite files, exhibits and claims",
        "",
        "[Suites](contributing.md#add-a-data-set-one-file-or-none), [exhibits](contributing.md#add-an-exhibit-one-file) and",
        "[claims](contributing.md#add-a-claim-one-file) are TOML files; the guide for contributors has their keys.",
        "",
    ]
    return "\n".join(lines)


def _notebook(name: str) -> str:
    """A notebook's cells, without their outputs."""
    title, *cells = json.loads(links.text(name))["cells"]
    lines = ["".join(title["source"]), "", f"This page is the notebook `{name}`.", ""]
    for cell in cells:
        source = "".join(cell["source"])
        lines += [fenced(source, "python") if cell["cell_type"] == "code" else source, ""]
    return "\n".join(lines)
