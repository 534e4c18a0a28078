"""`bench`: the group of all commands, and its entry point. Commands are imported when they are used.

Exit codes: see `benchmark.core.errors.ExitCode`.
"""

import os
import re
import sys
from contextlib import suppress

import click

from benchmark import __version__
from benchmark.commands.lazy import LazyCommand, LazyGroup
from benchmark.core import streams, warned
from benchmark.core.code import place_of_others
from benchmark.core.errors import BenchError, ExitCode, Refused, line_of, reason
from benchmark.core.settings import debugging

COMMANDS = {
    "check": LazyCommand(
        "benchmark.commands.check:check",
        "Compare what is measured with our own reference run, or with the printed numbers; exit 1 where it is worse.",
    ),
    "claims": LazyCommand(
        "benchmark.commands.claims:claims",
        "Hold each conclusion of the paper against its printed numbers and ours; a CLAIM's name shows it in full.",
    ),
    "cluster": LazyCommand(
        "benchmark.commands.cluster:cluster",
        "Look at the workers of a dask scheduler. `bench run --cluster` measures with them.",
    ),
    "compare": LazyCommand(
        "benchmark.commands.compare:compare",
        "Compare two rows of an exhibit on the same seeds and images, e.g. AMU-Tuning with Tip-Adapter-F.",
    ),
    "completion": LazyCommand(
        "benchmark.commands.completion:completion",
        "Print the script that completes commands and options in a SHELL.",
    ),
    "doctor": LazyCommand(
        "benchmark.commands.doctor:doctor",
        "Say what is here, what is missing, and what that blocks: versions, device, data, weights, folders, records.",
    ),
    "evaluate-adapter": LazyCommand(
        "benchmark.commands.evaluate_adapter:evaluate_adapter",
        "Evaluate a released adapter of AMU-Tuning (best_adapter_16shots.pt) as it is, beside its README's number.",
    ),
    "features": LazyCommand(
        "benchmark.commands.features:features",
        "Say which features are on disk, how large they are, how fast they were made; --make makes the others.",
    ),
    "lint-paper": LazyCommand(
        "benchmark.commands.lint_paper:lint_paper",
        "List where the paper's printed numbers disagree, with themselves and with their sources.",
    ),
    "list": LazyCommand(
        "benchmark.commands.list:list_names",
        "Show tables, figures, methods, data sets, backbones and encoders.",
    ),
    "new-method": LazyCommand(
        "benchmark.commands.new_method:new_method",
        "Write a file with a method that runs and keeps the contract, NAME its class, to be changed into your own.",
    ),
    "pretrain": LazyCommand(
        "benchmark.commands.pretrain:pretrain",
        "Pre-train an encoder of the mini suite anew. Stopped, it goes on where it was.",
    ),
    "report": LazyCommand(
        "benchmark.commands.report:report",
        "Write the HTML page, and every exhibit's Markdown, CSV and pictures, from what is measured.",
    ),
    "results": LazyCommand(
        "benchmark.commands.results:results",
        "Take in records that other machines measured, and write and read results files for other programs.",
    ),
    "run": LazyCommand(
        "benchmark.commands.run:run",
        "Measure an exhibit and draw it. What is measured already is not measured again.",
    ),
    "test-method": LazyCommand(
        "benchmark.commands.test_method:test_method",
        "Hold a predictor class (package.module:Class or file.py:Class) against the contract that every method here meets.",
    ),
    "weights": LazyCommand(
        "benchmark.commands.weights:weights",
        "Say which file fills which slot of the published weights, and what is missing.",
    ),
}


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bench")
def cli() -> None:
    """AMU-Bench: does AMU-Tuning, and CLIP few-shot learning around it, reproduce?

    Start with: bench run --table 4
    """


@cli.result_callback()
def _finish(code: ExitCode) -> None:
    """End with the exit code that the command returned."""
    click.get_current_context().exit(code)


def main() -> None:
    """Entry point of `bench`: errors of the user, the system and damaged files end in a line and an exit code."""
    streams.forgive()
    warned.print_in_one_line()
    try:
        code = _called()
        sys.stdout.flush()
    except BrokenPipeError:
        code = ExitCode.REFUSED  # the reader of the output, such as head, has enough of it
    except Exception as error:
        line = line_of(error) or _of_others(error)
        if line is None or debugging():
            raise
        code = line.exit_code
        with suppress(OSError):  # the standard error itself
            _failed(str(line), code)
    streams.drop_lost()
    sys.exit(code)


def _of_others(error: Exception) -> BenchError | None:
    """The line for an error in code that a suite or the command line named; None for a fault of this program."""
    place = place_of_others(error)
    return BenchError(f"{place}: {reason(error)}; BENCH_DEBUG=1 shows the traceback") if place else None


def _called() -> ExitCode:
    """Call the command of the command line; what is neither the user's error nor the command line's is raised."""
    standard = sys.stdout, sys.stderr
    try:
        _check_working_folder()
        code: ExitCode = cli.main(prog_name="bench", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        streams.show(error.ctx.get_help() if error.ctx else "bench --help")
        code = ExitCode.USAGE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "bench"
        message = f"{error.format_message()} ({_remedy(error) or f'{path} --help lists what there is'})"
        code = _failed(message.replace("\n", " "), ExitCode.USAGE)
    except click.ClickException as error:
        code = _failed(error.format_message(), ExitCode.USAGE)
    except BenchError as error:
        code = _failed(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        message = "interrupted; what was measured stays, the same command goes on from there"
        code = _failed(message, ExitCode.INTERRUPTED)
    except SystemExit as end:
        if sys.stdout is standard[0]:
            raise
        sys.stdout, sys.stderr = standard  # click has wrapped them, because the reader of a pipe has gone
        raise BrokenPipeError from end
    return code


def _remedy(error: click.UsageError) -> str:
    """What to type where a list of numbers was typed with spaces: "--shots 1,16" for "--shots 1 16"; "" for other errors."""
    spelt = re.search(r"(--shots|--seeds) ([\d,-]+(?: [\d,-]+)+)(?: |$)", " ".join(sys.argv[1:]))
    if spelt is None or "unexpected extra" not in error.format_message():
        return ""
    return f"a list has no spaces: {spelt[1]} {re.sub('[, ]+', ',', spelt[2])}"


def _check_working_folder() -> None:
    """Raise Refused if the working folder is gone, which every relative path and every library needs."""
    try:
        os.getcwd()
    except OSError as error:
        raise Refused(f"the working folder: {error.strerror}; cd to a folder that is there") from error


def _failed(message: str, code: ExitCode) -> ExitCode:
    streams.say(f"bench: {message}", err=True)
    return code
