"""How do time and memory of each head grow with the work? Prints them with fitted exponents, and draws them.

    python -m performance.growth [--picture growth.png]

Random features of one thousand to 300,000 images, each method measured by `measure` in a process of its own: training,
a count of the test images after every epoch, the search, four selections. One size grows, the others stay at 100 classes, 4
shots and 10,000 test images. Seeds are further runs, one after another in the same worker, so their time is that of one times
their number. CPU seconds are those of the run without its start; memory is the peak of the process less that of the process
with the smallest work, and includes the features, which are read from a mapped file.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from benchmark.core.machine import cpu_name
from performance.heads_at_scale import EPOCHS, ITERATIONS, METHODS, Size, measured, world

BASE = Size(classes=100, shots=4, val=4, test=10_000, views=2, clip=128, aux=256)

AXES: Mapping[str, Sequence[int]] = {
    "classes": (100, 300, 1000),
    "shots": (1, 4, 16, 64),
    "test": (10_000, 100_000, 300_000),
}
"""Size that grows -> its values."""

WORDS = {"classes": "classes", "shots": "shots", "test": "test images"}

Points = dict[str, dict[str, list[tuple[float, float]]]]
"""Size that grows -> method -> CPU seconds and MiB at each of its values."""


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Slope of log value over log size between the two largest sizes, where constant costs count least."""
    (a, b), (c, d) = sizes[-2:], values[-2:]
    return float(np.log(d / c) / np.log(b / a))


def grown(axis: str) -> dict[str, list[tuple[float, float]]]:
    """Measure every method as one size grows: CPU seconds and peak MiB at each of its values."""
    found: dict[str, list[tuple[float, float]]] = {}
    for number in AXES[axis]:
        size = replace(BASE, **{axis: number})
        with tempfile.TemporaryDirectory() as folder:
            world(Path(folder), size)
            for name in METHODS:
                took = measured(name, size, folder)
                if isinstance(took, str):
                    raise SystemExit(f"{name} at {size}: {took}")
                found.setdefault(name, []).append((took["cpu"], took["peak"]))
    return found


def printed(axis: str, methods: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Print the table of a size that grows."""
    sizes = AXES[axis]
    heads = " ".join(f"{number:>13,}" for number in sizes)
    print(f"\n{WORDS[axis]:<16} {heads}   time ~   memory ~")
    for name, points in methods.items():
        times, peaks = zip(*points, strict=True)
        cells = " ".join(f"{time:6.2f} s{peak / 1024:4.1f}G" for time, peak in points)
        print(f"{name:<16} {cells}   n^{exponent(sizes, times):4.2f}   n^{exponent(sizes, peaks):4.2f}", flush=True)


def drawn(found: Points, file: Path) -> None:
    """Draw time and memory of each method over each size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6), layout="constrained")
    panels = figure.subplots(2, len(found), sharex="col", sharey="row")
    for column, (axis, methods) in enumerate(found.items()):
        for name, points in methods.items():
            for row, values in enumerate(zip(*points, strict=True)):
                scaled = [value / 1024 if row else value for value in values]
                panels[row, column].plot(AXES[axis], scaled, marker="o", markersize=4, label=name)
        for row, title in enumerate(("CPU seconds", "peak memory, GiB")):
            panels[row, column].set(xscale="log", yscale="log", ylabel=title if column == 0 else "")
            panels[row, column].grid(alpha=0.3)
        panels[1, column].set_xlabel(WORDS[axis])
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(file, dpi=120)


@click.command()
@click.option("--picture", type=click.Path(path_type=Path), help="File to draw to.")
def main(picture: Path | None) -> None:
    """Measure, print and draw."""
    print(f"{cpu_name()}; unless they grow: {BASE}; {EPOCHS} epochs, {ITERATIONS} L-BFGS steps", flush=True)
    found: Points = {}
    for axis in AXES:
        found[axis] = grown(axis)
        printed(axis, found[axis])
    if picture:
        drawn(found, picture)


if __name__ == "__main__":
    main()
