"""How much faster is the exact search over beta than scoring every point of the grid? Prints both times for two methods.

    python -m performance.search_speed [--images 10000] [--classes 100] [--shots 16]

The features are random: no weights and no data are needed. With --images 50000 --classes 1000 it is as large as ImageNet;
images are scored in parts, and of each only the ends of its interval are kept.
"""

import resource
import time
from collections.abc import Callable
from typing import Any

import click
import torch

from amu.tuning import AMUTuning
from baselines.tip_adapter import TipAdapter
from benchmark.methods import Predictor, Samples, Task
from benchmark.methods.scoring import parts
from benchmark.numerics.logits import unit
from benchmark.running import search as search_module
from benchmark.running.search import grid

SPACES = {"clip": 256, "mocov3": 256}


def samples(classes: int, each: int, seed: int) -> Samples:
    """Images around one centre a class, in both spaces."""
    labels = torch.arange(classes).repeat_interleave(each)
    found = {}
    for place, (space, width) in enumerate(SPACES.items()):
        centres = torch.randn(classes, width, generator=torch.Generator().manual_seed(place))
        noise = torch.randn(len(labels), width, generator=torch.Generator().manual_seed(seed + place))
        found[space] = (centres[labels] + 3 * noise)[None]
    return Samples(found, labels)


def seconds(search: Callable[..., Any], *arguments: Any) -> float:
    """The faster of two calls."""
    took = []
    for _ in range(2):
        start = time.perf_counter()
        search(*arguments)
        took.append(time.perf_counter() - start)
    return min(took)


@click.command()
@click.option("--images", default=10_000, show_default=True)
@click.option("--classes", default=100, show_default=True)
@click.option("--shots", default=16, show_default=True)
def main(images: int, classes: int, shots: int) -> None:
    """Print the times of both searches."""
    torch.set_num_threads(1)
    support, test = samples(classes, shots, 10), samples(classes, images // classes, 20)
    text = unit(torch.randn(classes, SPACES["clip"], generator=torch.Generator().manual_seed(0)))
    methods: list[Predictor] = [TipAdapter(), AMUTuning(fusion="none"), AMUTuning()]
    print(f"{images} images, {classes} classes, {shots} shots, torch {torch.__version__}, 1 thread")
    for predictor in methods:
        predictor.build(Task(text=text, support=support))
        with torch.no_grad():
            prepared = [predictor.prepare(x) for x in parts(test)]
        said = " x ".join(f"{len(values)} of {name}" for name, values in predictor.tunes.items())
        exact = seconds(search_module.search, predictor, prepared, test)
        plain = seconds(grid, predictor, prepared, test)
        print(
            f"{type(predictor).__name__:12} exact {exact:7.3f} s   grid ({said}) {plain:7.3f} s   {plain / exact:.1f} x"
        )
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
