"""`bench pretrain`: make a shipped encoder anew."""

from pathlib import Path

import click

from benchmark.core.errors import ExitCode
from benchmark.mini.pretraining import pretrain as recipe


def pretrain(role: str, out: str, steps: int | None, threads: int) -> ExitCode:
    """Train, resuming where an earlier call stopped; returns the exit code."""
    recipe.pretrain(role, Path(out), steps=steps, threads=threads)
    click.echo(f"wrote {Path(out) / role}.safetensors")
    return ExitCode.OK
