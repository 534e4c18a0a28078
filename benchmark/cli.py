"""`bench`: parse, call, echo. Nothing heavy is imported before a command needs it.

Exit codes: 0 all is well; 1 `check` found a regression, or a claim that --fail-on names is contradicted; 2 a mistake in what
was typed or given; 3 something needed is not here; 4 runs failed; 5 nothing that was chosen could be compared; 130
interrupted (what was measured stays).
"""

import os
import sys
from typing import Any

import click

from benchmark import __version__
from benchmark.commands.options import Numbers, common, exhibits, places, weights_folder
from benchmark.core.errors import BenchError, ExitCode


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bench")
def cli() -> None:
    """AMU-Bench: does AMU-Tuning, and CLIP few-shot learning around it, reproduce?

    Start with: bench run --table 4
    """


@cli.command()
@exhibits
@click.option("--all", "everything", is_flag=True, help="Every table and figure, and the HTML page.")
@click.option("--quick", is_flag=True, help="The suite's smaller grid: fewer seeds and numbers of shots.")
@common
@click.option("--method", multiple=True, help="Only this row (its name, class, or any package.module:Class).")
@click.option("--shots", type=Numbers(), help="Only these numbers of shots, such as 1,16.")
@click.option("--seeds", type=Numbers(), help="Seeds of the support sets.  [default: the suite's]")
@click.option("--jobs", type=click.IntRange(min=1), help="Worker processes.  [default: one a core, of a GPU one]")
@click.option("--dry-run", is_flag=True, help="Say what is done, missing and stale, and how long the rest takes.")
@click.option("--rerun", is_flag=True, help="Measure again what is measured already.")
@click.option("--dataset", metavar="ROLE", help="Another data set of the suite, or folder:PATH with your own images.")
@click.option(
    "--template", multiple=True, metavar="TEXT", help='Of a folder, e.g. "a photo of a {}, a bird."; repeatable.'
)
@click.option("--aux", metavar="ROLE", help="Another auxiliary encoder of the suite, or timm:NAME.")
@click.option("--backbone", metavar="ROLE", help="Another CLIP of the suite, or open_clip:ARCH/TAG.")
@click.option("--skip-missing", is_flag=True, help="Run what can be run without data or weights that are not here.")
@places
def run(**options: Any) -> None:
    """Measure an exhibit and draw it. What is measured already is not measured again."""
    from benchmark.commands.run import run as command

    sys.exit(command(**options))


@cli.command()
@common
def report(**options: Any) -> None:
    """Write the HTML page, and every exhibit's Markdown, CSV and PNG, from what is measured."""
    from benchmark.commands.report import report as command

    sys.exit(command(**options))


@cli.command()
@exhibits
@common
@click.option("--against", type=click.Choice(["golden", "paper"]), default="golden", show_default=True)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "junit", "github"]), default="text", show_default=True
)
@click.option("--fail-on", multiple=True, metavar="CLAIM", help='Exit 1 where it is contradicted under val; or "all".')
@click.option("--update", is_flag=True, help="Make what is measured the reference run instead of comparing.")
def check(**options: Any) -> None:
    """Compare what is measured with our own reference run, or with the printed numbers; exit 1 where it is worse."""
    from benchmark.commands.check import check as command

    sys.exit(command(**options))


@cli.command(name="claims")
@click.argument("names", metavar="[CLAIM]...", nargs=-1)
@common
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--fail-on", multiple=True, metavar="CLAIM", help='Exit 1 where it is contradicted under val; or "all".')
def claims_(**options: Any) -> None:
    """Hold each conclusion of the paper against its printed numbers and ours; a CLAIM's name shows it in full."""
    from benchmark.commands.claims import show

    sys.exit(show(**options))


@cli.command(name="lint-paper")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def lint_paper(form: str) -> None:
    """List where the paper's printed numbers disagree, with themselves and with their sources."""
    from benchmark.commands.lint_paper import show_findings

    sys.exit(show_findings(form))


@cli.command()
@click.argument("left")
@click.argument("right")
@exhibits
@common
@click.option("--shots", type=Numbers(), help="Only these numbers of shots, such as 1,16.")
@click.option("--dataset", help="Only columns on this data set.")
@click.option("--selection", type=click.Choice(["last", "val", "test"]), default="val", show_default=True)
@click.option(
    "--margin", type=float, default=1.0, show_default=True, help="Points within which two rows count as alike."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def compare(**options: Any) -> None:
    """Compare two rows of an exhibit on the same seeds and images, e.g. AMU-Tuning with Tip-Adapter-F."""
    from benchmark.commands.compare import compare as command

    sys.exit(command(**options))


@cli.command(name="list")
@click.option("--suite", default="mini", show_default=True, help="Whose data sets and encoders: a name or a .toml.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_(suite: str, form: str) -> None:
    """Show tables, figures, methods, data sets, backbones and encoders."""
    from benchmark.commands.list import show_catalogue

    sys.exit(show_catalogue(suite, form))


@cli.command()
@exhibits
@common
@click.option("--deep", is_flag=True, help="Read data and weights in full: count, compare hashes, try every image.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@places
def doctor(**options: Any) -> None:
    """Say what is here, what is missing, and what that blocks: versions, device, data, weights, folders, records.

    With --table or --figure only what these need.
    """
    from benchmark.commands.doctor import show_doctor

    sys.exit(show_doctor(**options))


@cli.group(invoke_without_command=True)
@weights_folder
@click.option("--deep", is_flag=True, help="Read every file in full and compare its hashes.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def weights(context: click.Context, weights_dir: str | None, deep: bool, form: str) -> None:
    """Say which file fills which slot of the published weights, and what is missing."""
    context.obj = weights_dir
    if context.invoked_subcommand is None:
        from benchmark.commands.weights import show

        sys.exit(show(weights_dir, deep, form))


@weights.command(name="import")
@click.argument("files", nargs=-1)
@weights_folder
@click.option("--all", "everything", is_flag=True, help="Whatever fills a slot.")
@click.option("--slot", help="Which slot the file is for, where its content would do for several.")
@click.pass_obj
def weights_import(folder: str | None, weights_dir: str | None, **options: Any) -> None:
    """Convert published checkpoints once to <slot>.safetensors in the weights folder, with where they came from."""
    from benchmark.commands.weights import convert

    sys.exit(convert(weights_dir=weights_dir or folder, **options))


@weights.command(name="trust")
@click.argument("slots", nargs=-1, required=True)
@weights_folder
@click.pass_obj
def weights_trust(folder: str | None, weights_dir: str | None, slots: tuple[str, ...]) -> None:
    """Accept what fills a slot now as its weights, where they are not those of the first use."""
    from benchmark.commands.weights import trust

    sys.exit(trust(slots, weights_dir or folder))


@cli.group(invoke_without_command=True)
@click.option("--suite", default="mini", show_default=True, help="Whose features: a name, or your own .toml.")
@exhibits
@click.option("--dataset", multiple=True, help="Only this data set, by its role.")
@click.option("--encoder", multiple=True, help="Only this encoder, by its role; RN50:spatial and pixels too.")
@click.option("--part", multiple=True, type=click.Choice(["test", "pool", "val", "generated"]), help="Only this part.")
@click.option("--seeds", type=Numbers(), help="Seeds of the support sets.  [default: the suite's]")
@click.option("--shots", type=Numbers(), help="Numbers of shots, where a data set draws anew for each.")
@click.option("--make", is_flag=True, help="Make what is missing. Stopped, it goes on where it was.")
@click.option("--jobs", type=click.IntRange(min=1), help="Worker processes.  [default: one a core, of a GPU one]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@places
@click.pass_context
def features(context: click.Context, **options: Any) -> None:
    """Say which features are on disk, how large they are, how fast they were made; --make makes the others.

    --table and --figure choose those that exhibits need.
    """
    if context.invoked_subcommand is None:
        from benchmark.commands.features import show

        sys.exit(show(**options))


@cli.command(name="evaluate-adapter")
@click.argument("file")
@click.option("--shots", type=click.IntRange(min=1), help="What it was trained with.  [default: as its name says]")
@click.option("--suite", default="paper", show_default=True, help="Which world: a name, or your own .toml.")
@click.option("--jobs", type=click.IntRange(min=1), help="Worker processes.  [default: one a core, of a GPU one]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@places
def evaluate_adapter(**options: Any) -> None:
    """Evaluate a released adapter of AMU-Tuning (best_adapter_16shots.pt) as it is, beside its README's number."""
    from benchmark.commands.evaluate_adapter import evaluate

    sys.exit(evaluate(**options))


@features.command(name="import")
@click.argument("sources", nargs=-1, required=True)
@click.option("--dataset", default="imagenet", show_default=True, help="What they are features of, a role of exhibits.")
@click.option("--backbone", default="RN50", show_default=True, help="Whose CLIP features are.")
@click.option("--aux", default="mocov3", show_default=True, help="Whose features are that files call aux.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the draw, for the records.")
@click.option("--text", metavar="FILE", help="Zero-shot classifier, .pt, .npy or .npz.  [default: by CLIP's weights]")
@click.option("--classnames", metavar="FILE", help="A name a line, in the order of the classes.")
@click.option("--template", multiple=True, metavar="TEXT", help='For CLIP\'s text tower, e.g. "a photo of a {}."')
@click.option("--out", default="imported", show_default=True, help="Folder of the features and the suite.")
@places
def features_import(**options: Any) -> None:
    """Take in features that others made, so that methods can be run without images: SOURCES are files and folders.

    Known are the caches of the released code of Tip-Adapter, CaFo and AMU-Tuning (keys_16shots.pt, aux_feature_16shots.pt,
    test_f.pt, clip_test_f.pt, … with their labels), and .npz files with arrays test_clip, test_labels, support16_clip,
    support16_labels, val_clip, val_labels, the same of aux or dino, text, classnames.
    benchmark/features/importing/released_caches.py says it in full.
    """
    from benchmark.commands.features import take_in

    sys.exit(take_in(**options))


@cli.command()
@click.argument("role")
@click.option("--out", default="pretrained", show_default=True, help="Folder for weights, card, curve, checkpoint.")
@click.option("--steps", type=click.IntRange(min=1), help="Optimiser steps.  [default: the shipped run's]")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of torch.")
def pretrain(role: str, out: str, steps: int | None, threads: int) -> None:
    """Pre-train an encoder of the mini suite anew: RN50, mocov3 or dino. Stopped, it goes on where it was."""
    from benchmark.commands.pretrain import pretrain as command

    sys.exit(command(role, out, steps, threads))


@cli.command(name="test-method")
@click.argument("method")
def test_method(method: str) -> None:
    """Hold a predictor class (package.module:Class) against the contract that every method here meets."""
    from benchmark.commands.test_method import test_contract

    sys.exit(test_contract(method))


def main() -> None:
    """Entry point: mistakes end in one line and an exit code, never in a traceback."""
    sys.path.append(os.getcwd())  # so that a method in a file of this folder can be named, as with python -m
    try:
        cli.main(prog_name="bench", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "bench --help")
        sys.exit(ExitCode.USAGE)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "bench"
        _fail(
            f"{error.format_message()} ({path} --help lists what there is)".replace("\n", " "),
            error.exit_code,
        )
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except BenchError as error:
        _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _fail("interrupted; what was measured stays, the same command goes on from there", ExitCode.INTERRUPTED)


def _fail(message: str, code: int) -> None:
    click.echo(f"bench: {message}", err=True)
    sys.exit(code)
