"""`bench pretrain`: pre-training of a shipped encoder of the mini suite."""

from pathlib import Path

import click

from benchmark.core.errors import ExitCode
from benchmark.core.streams import say, say_next


@click.command()
@click.argument("role")
@click.option("--out", default="pretrained", show_default=True, help="Folder for weights, card, curve, checkpoint.")
@click.option("--steps", type=click.IntRange(min=1), help="Optimiser steps.  [default: the shipped run's]")
@click.option("--quick", is_flag=True, help="Fewer steps: about ten minutes on one core. --steps says how many itself.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of torch.")
def pretrain(role: str, out: str, steps: int | None, quick: bool, threads: int) -> ExitCode:
    """Pre-train an encoder of the mini suite anew. Stopped, it goes on where it was.

    ROLE is one of RN50, RN101, ViT-B/32, ViT-B/16, mocov3, dino, mae, spark, milan.
    \f

    Returns:
        OK; weights, card and curve of the encoder are in the folder `out`.
    """
    from benchmark.mini.pretraining.pretrain import pretrain as pretrain_encoder  # takes seconds: not for --help

    say(f"wrote {pretrain_encoder(role, Path(out), steps=steps, quick=quick, threads=threads)}")
    say_next("bench list shows which exhibits read the shipped encoder of this role")
    return ExitCode.OK
