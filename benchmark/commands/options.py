"""Options that several commands share, and the command class that shows options under headings."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import wraps
from typing import Any

import click

from benchmark.core import settings, streams

Function = Callable[..., Any]


class Numbers(click.ParamType):
    """A list of whole numbers: 1,2,4 or 1-3."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Parse the list; an invalid one fails with an example of a valid one."""
        try:
            spans = [[int(end) for end in part.split("-", 1)] for part in value.split(",")]
            numbers = [n for span in spans for n in range(span[0], span[-1] + 1)]
            if numbers:
                return numbers
        except ValueError:
            pass
        self.fail(f"{value!r} is no list of whole numbers; write 1,2,4 or 1-3", param, ctx)


class HeadedCommand(click.Command):
    """A command whose --help shows its options under several headings."""

    def __init__(self, *args: Any, headings: Mapping[str, Sequence[str]], **attributes: Any) -> None:
        """Create the command.

        Args:
            args: positional arguments of `click.Command`.
            headings: heading -> names of the parameters shown under it. Parameters that no heading lists, such as --help,
                are shown last under "Options".
            attributes: keyword arguments of `click.Command`.
        """
        super().__init__(*args, **attributes)
        self.headings = headings

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, heading by heading."""
        options = {parameter.name: parameter for parameter in self.get_params(ctx)}
        sections = {heading: [options.pop(name) for name in names] for heading, names in self.headings.items()}
        for heading, parameters in {**sections, "Options": list(options.values())}.items():
            lines = [line for parameter in parameters if (line := parameter.get_help_record(ctx))]
            if lines:
                with formatter.section(heading):
                    formatter.write_dl(lines)


SETTINGS = ("results", "reports", "data_root", "weights_dir", "device", "precision", "download", "trust_suite")
"""Options that go into the settings; the command itself does not receive them."""


def common(command: Function) -> Function:
    """Add --suite, --results and --reports."""
    return _with(
        with_settings(command),
        suite(),
        click.option("--results", help="Folder of the records.  [BENCH_RESULTS; default: results]"),
        click.option("--reports", help="Folder of tables and pages.  [BENCH_REPORTS; default: reports]"),
    )


def suite(
    words: str = "Which world: a name, or your own .toml.", default: str = "mini"
) -> Callable[[Function], Function]:
    """Decorator that adds --suite, with its words in the help, and --trust-suite."""
    trust = "A module, or a suite file, whose code the suite may call; repeatable.  [BENCH_TRUST_SUITE]"

    def add(command: Function) -> Function:
        return _with(
            with_settings(command),
            click.option("--suite", default=default, show_default=True, help=words),
            click.option("--trust-suite", metavar="NAME", multiple=True, help=trust),
        )

    return add


def exhibits(command: Function) -> Function:
    """Add --table and --figure, which choose exhibits."""
    return _with(
        command,
        click.option("--table", multiple=True, metavar="N", help="A table of the paper, by number."),
        click.option("--figure", multiple=True, metavar="N", help="A figure of the paper, by number."),
    )


def worker_processes(command: Function) -> Function:
    """Add --jobs, the number of worker processes."""
    words = "Worker processes.  [default: one a core, of a GPU one]"
    return click.option("--jobs", type=click.IntRange(min=1), help=words)(command)


def cluster(command: Function) -> Function:
    """Add --cluster, which names the scheduler of the workers."""
    words = "Workers of a scheduler: tcp://HOST:PORT, tls://HOST:PORT, local[:N], slurm, pbs or lsf."
    return click.option("--cluster", metavar="WHERE", help=words)(command)


def output_format(*others: str) -> Callable[[Function], Function]:
    """Decorator that adds --format, passed as `form`, and --json, which is short for --format json.

    In another form than text, the standard output has the answer alone (`benchmark.core.streams.answer`).

    Args:
        others: Forms beside text for people and JSON for programs.

    Returns:
        The decorator.
    """
    forms = click.Choice(["text", "json", *others])

    def add(command: Function) -> Function:
        @wraps(command)
        def called(*arguments: Any, form: str, as_json: bool, **options: Any) -> Any:
            if as_json and form not in ("text", "json"):
                raise click.UsageError(f"--json and --format {form} exclude each other; give one of them")
            form = "json" if as_json else form
            with nullcontext() if form == "text" else streams.kept_for_answer():
                return command(*arguments, form=form, **options)

        return _with(
            called,
            click.option("--format", "form", type=forms, default="text", show_default=True),
            click.option("--json", "as_json", is_flag=True, help="Short for --format json."),
        )

    return add


_DEVICE = "Where encoders and methods run: cpu, cuda, cuda:1, or cuda:all, a worker each.  [BENCH_DEVICE]"


def places(command: Function) -> Function:
    """Add the options that locate published data and weights, and those that say how encoders run."""
    precisions = click.Choice(["fp32", "bf16", "fp16"])
    return _with(
        with_settings(command),
        click.option("--data-root", metavar="FOLDER", help="Folder of the published data sets.  [BENCH_DATA]"),
        _weights_folder,
        click.option("--device", metavar="NAME", help=_DEVICE),
        click.option("--precision", type=precisions, help="Of published encoders.  [BENCH_PRECISION; default: fp32]"),
        click.option("--download", is_flag=True, help="Let open_clip and timm fetch weights.  [BENCH_DOWNLOAD]"),
    )


def weights_place(command: Function) -> Function:
    """Add --weights-dir."""
    return _with(with_settings(command), _weights_folder)


def _weights_folder(command: Function) -> Function:
    words = "Folder of the published weights.  [BENCH_WEIGHTS, bench.toml]"
    return click.option("--weights-dir", metavar="FOLDER", help=words)(command)


def with_settings(command: Function) -> Function:
    """Call a command with its settings, read once: its options of SETTINGS over the environment over bench.toml.

    Args:
        command: a function that takes `settings` (`benchmark.core.settings.Settings`) and keyword arguments.

    Returns:
        A function that takes the options instead; the command itself where it is one already.
    """
    if getattr(command, "reads_settings", False):
        return command

    @wraps(command)
    def called(*arguments: Any, **options: Any) -> Any:
        told = {name: options.pop(name) for name in SETTINGS if name in options}
        return command(*arguments, settings=settings.read(**told), **options)

    called.reads_settings = True  # type: ignore[attr-defined]
    return called


def _with(command: Function, *options: Callable[[Function], Function]) -> Function:
    """Apply option decorators so that --help shows the options in the given order."""
    for option in reversed(options):
        command = option(command)
    return command
