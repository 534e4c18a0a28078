"""`bench features`: state of the features on disk, and extraction of missing ones; `import` reads foreign features."""

from typing import Any

import click

from benchmark.commands.options import Numbers, cluster, exhibits, output_format, places, suite, worker_processes
from benchmark.core.errors import ExitCode


@click.group(invoke_without_command=True)
@suite("Whose features: a name, or your own .toml.")
@exhibits
@click.option("--dataset", multiple=True, help="Only this data set: its role, or folder:PATH.")
@click.option("--encoder", multiple=True, help="Only this encoder, by its role; RN50:spatial and pixels too.")
@click.option("--part", multiple=True, type=click.Choice(["test", "pool", "val", "generated"]), help="Only this part.")
@click.option("--seeds", type=Numbers(), help="Seeds of the support sets.  [default: the suite's]")
@click.option("--shots", type=Numbers(), help="Numbers of shots, where a data set draws anew for each.")
@click.option("--make", is_flag=True, help="Make what is missing. Stopped, it goes on where it was.")
@worker_processes
@cluster
@output_format()
@places
@click.pass_context
def features(context: click.Context, **options: Any) -> ExitCode:
    """Say which features are on disk, how large they are, how fast they were made; --make makes the others.

    --table and --figure choose those that exhibits need.
    \f

    Returns:
        RUNS_FAILED where --make failed to extract some features, MISSING where it lacked data or weights, else OK.
    """
    if context.invoked_subcommand:
        return ExitCode.OK
    from benchmark.commands.actions.features import features as action

    return action(**options)


@features.command(name="import")
@click.argument("sources", nargs=-1, required=True)
@click.option("--dataset", default="imagenet", show_default=True, help="What they are features of, a role of exhibits.")
@click.option("--backbone", default="RN50", show_default=True, help="Whose CLIP features are.")
@click.option("--aux", default="mocov3", show_default=True, help="Whose features are that files call aux.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the draw, for the records.")
@click.option("--text", metavar="FILE", help="Zero-shot classifier, .pt, .npy or .npz.  [default: by CLIP's weights]")
@click.option(
    "--logit-scale",
    type=float,
    metavar="NUMBER",
    help="Factor of the zero-shot logits.  [default: the files', else 100]",
)
@click.option("--classnames", metavar="FILE", help="A name a line, in the order of the classes.")
@click.option("--template", multiple=True, metavar="TEXT", help='For CLIP\'s text tower, e.g. "a photo of a {}."')
@click.option("--out", default="imported", show_default=True, help="Folder of the features and the suite.")
@places
def features_import(**options: Any) -> ExitCode:
    """Take in features that others made, so that methods can be run without images: SOURCES are files and folders.

    Known are the caches of the released code of Tip-Adapter, CaFo and AMU-Tuning (keys_16shots.pt, aux_feature_16shots.pt,
    test_f.pt, clip_test_f.pt, … with their labels), and .npz files with arrays test_clip, test_labels, support16_clip,
    support16_labels, val_clip, val_labels, the same of aux or dino, text, logit_scale, classnames.
    benchmark/features/importing/released_caches.py says it in full.
    \f

    Returns:
        OK; the features are in one file, named by a suite that is written beside it.
    """
    from benchmark.commands.actions.features import features_import as action

    return action(**options)
