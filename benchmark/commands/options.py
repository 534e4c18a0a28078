"""Options that several commands share."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click


class Numbers(click.ParamType):
    """A list of whole numbers: 1,2,4 or 1-3."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Parse the list, or say what was expected."""
        try:
            spans = [[int(end) for end in part.split("-", 1)] for part in value.split(",")]
            numbers = [n for span in spans for n in range(span[0], span[-1] + 1)]
            if numbers:
                return numbers
        except ValueError:
            pass
        self.fail(f"{value!r} is no list of whole numbers; write 1,2,4 or 1-3", param, ctx)


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command with results has."""
    options = [
        click.option("--suite", default="mini", show_default=True, help="Which world: a name, or your own .toml."),
        click.option("--results", help="Folder of the records.  [BENCH_RESULTS; default: results]"),
        click.option("--reports", help="Folder of tables and pages.  [BENCH_REPORTS; default: reports]"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def exhibits(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose exhibits."""
    command = click.option("--figure", multiple=True, metavar="N", help="A figure of the paper, by number.")(command)
    return click.option("--table", multiple=True, metavar="N", help="A table of the paper, by number.")(command)


def weights_folder(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option that says where the published weights are."""
    words = "Folder of the published weights.  [BENCH_WEIGHTS, bench.toml]"
    return click.option("--weights-dir", metavar="FOLDER", help=words)(command)


def places(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where published data and weights are and how encoders run; the command never sees them.

    They go into the environment, where worker processes find them too (benchmark/core/settings.py).
    """
    names = ("data_root", "weights_dir", "device", "precision", "download")

    @wraps(command)
    def placed(**options: Any) -> Any:
        from benchmark.core import settings

        settings.configure(**{name: options.pop(name) for name in names})
        return command(**options)

    precisions = click.Choice(["fp32", "bf16", "fp16"])
    options: list[Callable[..., Any]] = [
        click.option("--data-root", metavar="FOLDER", help="Folder of the published data sets.  [BENCH_DATA]"),
        weights_folder,
        click.option(
            "--device", metavar="NAME", help="Where encoders and methods run: cpu, cuda, cuda:1.  [BENCH_DEVICE]"
        ),
        click.option("--precision", type=precisions, help="Of published encoders.  [BENCH_PRECISION; default: fp32]"),
        click.option("--download", is_flag=True, help="Let open_clip and timm fetch weights.  [BENCH_DOWNLOAD]"),
    ]
    wrapped: Callable[..., Any] = placed
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped
