"""How much faster than a grid is the exact curve over beta? Prints both times and their ratio.

    python -m performance.sweep_speed [--images 10000] [--classes 100] [--betas 1000]

The logits are random, as large as a zero-shot CLIP's and a cache's. No weights and no data are needed.
"""

import time

import click
import torch
from torch import Tensor

from benchmark.numerics import beta_curve


def grid(s0: Tensor, b: Tensor, labels: Tensor, betas: Tensor) -> list[int]:
    """The usual way: all logits at every beta."""
    return [int((torch.add(s0, b, alpha=beta).argmax(1) == labels).sum()) for beta in betas.tolist()]


@click.command()
@click.option("--images", default=10_000, show_default=True)
@click.option("--classes", default=100, show_default=True)
@click.option("--betas", default=1_000, show_default=True)
def main(images: int, classes: int, betas: int) -> None:
    """Print both times and the ratio."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    s0, b = torch.randn(2, images, classes, generator=generator)
    labels, values = (3 * s0 + 2 * b).argmax(1), torch.linspace(0, 10, betas)
    start = time.perf_counter()
    curve = beta_curve.exact(s0, b, labels)
    steps = curve.steps()
    exact = time.perf_counter() - start
    start = time.perf_counter()
    counts = grid(s0, b, labels, values)
    plain = time.perf_counter() - start
    gap = max(abs(a - c) for a, c in zip(curve.at(values.tolist()), counts, strict=True))
    print(f"{images} images, {classes} classes, torch {torch.__version__}, 1 thread")
    print(f"grid of {betas} betas     {plain:7.3f} s")
    print(f"exact, {len(steps.points)} steps  {exact:7.3f} s    {plain / exact:.0f} times faster")
    print(f"largest difference on the grid: {gap} images (single precision rounds at a bound)")


if __name__ == "__main__":
    main()
