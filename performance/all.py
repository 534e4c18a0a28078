"""Run every script of this folder and write what they print to docs/performance.md, in a section for this machine.

    python -m performance.all [--only table4 ...] [--kernels avx2]

About an hour on two cores that do nothing else. What a script printed is kept in docs/performance/<machine>/<script>.txt,
so that some can be run again alone and another machine's section stays. With --kernels, PyTorch, oneDNN and MKL are limited
to the instructions named, which stands in for an older machine.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmark.core.machine import cpu_name

DOCS = Path(__file__).parents[1] / "docs"

SCRIPTS: Mapping[str, str] = {
    "table4": "Table 4: CPU seconds of each method, the floor of this machine, and their ratio",
    "table4_speed": "Table 4 as a newcomer types it, from an empty store and cache",
    "growth": "How time and memory grow with the work",
    "heads_at_scale": "Heads at ImageNet's size",
    "closed_forms_speed": "Heads in closed form: an inverse and Cholesky factors",
    "prompt_speed": "Text tower of prompt methods: full length and ours",
    "search_speed": "Search after training: the released grid and ours",
    "sweep_speed": "Curve over beta: a grid and ours",
    "step_speed": "Training step: torch.optim and ours",
    "scoring_speed": "Scoring with a cache: at once and in parts",
    "product_speed": "Matrix products: MKL and oneDNN",
    "encoder_speed": "Image encoders of the mini suite: as trained and compiled",
    "extraction_speed": "Features of photographs: a bare loop and ours",
    "scale": "All of the paper suite on 1 to 64 GPUs, on paper",
    "decode_speed": "Photographs before they are encoded: a worker of a DataLoader and ours",
    "report_speed": "Report, gate and claims over some thousand records",
    "guest_speed": "What a method's code may have replaced: words for all functions and ours",
    "checking_speed": "Holding cached features to their hashes",
    "cluster": "Workers of a scheduler, and worker processes of the command",
}
"""Script -> heading of what it prints; `gpu`, which needs one, is run by itself."""

INTRODUCTION = """# What it costs

What the scripts in `performance/` print, made by `python -m performance.all` on the machines named. The usual way and ours
run in one process and take turns; seconds differ by a factor of three between machines, ratios less. How the methods are
computed stands in [architecture.md](architecture.md).
"""


def limited(kernels: str | None) -> dict[str, str]:
    """The environment, with PyTorch, oneDNN and MKL limited to the instructions named."""
    if kernels is None:
        return dict(os.environ)
    named = {"ATEN_CPU_CAPABILITY": kernels.lower(), "ONEDNN_MAX_CPU_ISA": kernels.upper()}
    return {**os.environ, **named, "MKL_ENABLE_INSTRUCTIONS": kernels.upper()}


def folder_of(machine: str) -> Path:
    """Folder for what the scripts printed on a machine."""
    return DOCS / "performance" / re.sub(r"[^a-z0-9]+", "-", machine.lower()).strip("-")


def run(name: str, folder: Path, environment: Mapping[str, str]) -> None:
    """Run a script and keep what it printed; warnings of libraries go to the terminal."""
    options = ["--picture", str(folder / f"{name}.png")] if name == "growth" else []
    command = [sys.executable, "-m", f"performance.{name}", *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, text=True, cwd=DOCS.parent)
    if done.returncode:
        raise SystemExit(f"performance.{name} failed")
    (folder / f"{name}.txt").write_text(f"{datetime.now(UTC):%Y-%m-%d}\n{done.stdout.strip()}\n")


def page(root: Path) -> str:
    """The page of all machines, from what their scripts printed."""
    parts = [INTRODUCTION]
    for folder in sorted(path.parent for path in root.glob("*/machine.txt")):
        parts.append(f"## {(folder / 'machine.txt').read_text().strip()}\n")
        for name, heading in SCRIPTS.items():
            if (folder / f"{name}.txt").exists():
                date, _, text = (folder / f"{name}.txt").read_text().partition("\n")
                parts.append(
                    f"### {heading}\n\n`python -m performance.{name}`, {date}\n\n```text\n{text.strip()}\n```\n"
                )
            if (folder / f"{name}.png").exists():
                parts.append(f"![{heading}]({root.name}/{folder.name}/{name}.png)\n")
    return "\n".join(parts)


@click.command()
@click.option("--only", type=click.Choice(list(SCRIPTS)), multiple=True, help="Scripts to run; all without it.")
@click.option("--kernels", type=click.Choice(["avx2", "avx512"]), help="Limit the libraries to these instructions.")
def main(only: Sequence[str], kernels: str | None) -> None:
    """Run the scripts one after another and write the page."""
    machine = cpu_name() + (f", limited to {kernels.upper()}" if kernels else "")
    folder = folder_of(machine)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "machine.txt").write_text(machine + "\n")
    for place, name in enumerate(only or SCRIPTS, 1):
        print(f"[{place}/{len(only or SCRIPTS)}] {SCRIPTS[name]}", flush=True)
        run(name, folder, limited(kernels))
        (DOCS / "performance.md").write_text(page(DOCS / "performance"))


if __name__ == "__main__":
    main()
