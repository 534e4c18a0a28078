"""How far is Table 4 from the least time that this machine needs for its arithmetic? Prints CPU seconds, floor and ratio.

    python -m performance.table4 [--shots 16 ...] [--seeds 1 ...]

The floor of a method is the time of the products and exponentials that its formula and its protocol (training, a count of
the test images after every epoch, the search, the shifts) cannot do without, at the pace of this machine's fastest product
and exponential, which are measured before. It leaves out everything else: start, reading, normalisation, softmax sums,
optimiser steps. The runs are those of the mini suite's Table 4, one after another on one thread; the features they read are
extracted first and not counted.
"""

import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
import torch

from baselines.prompts import PromptEncoder
from benchmark.commands.actions.choosing import planned_cells
from benchmark.core.machine import cpu_name, flushing_denormals, limit_threads
from benchmark.core.settings import read
from benchmark.exhibits import exhibit
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import Run
from benchmark.methods.construct import construct
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.running import task
from benchmark.running.measure import measure
from benchmark.suites import suite as suites
from benchmark.suites.world import World

GOAL, WORST = 2.5, 4.0
"""Largest ratio of the whole table, and of a method."""


@dataclass
class Work:
    """Arithmetic: multiply-adds and exponentials in single precision, and multiply-adds in double precision."""

    products: float = 0.0
    exponentials: float = 0.0
    doubles: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        """Sum of both."""
        return Work(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True)
class Shape:
    """Sizes of a run.

    Attributes:
        n: Support images, and generated images where the method has them.
        looked: Test and validation images, which are scored after every epoch.
        shifted: Test images of all shifts, which are scored in every selected state.
        states: Number of different selected states.
        classes: Classes C.
        clip: Width D of CLIP's features.
        aux: Width of the auxiliary features; 0 without.
        patches: Patch features of an image; 0 without.
        epochs: Epochs.
        batch: Images of a training step.
        searched: Values of the sharpness that are searched on the test and on the validation images.
        fits: Fits of the linear probe, each of which is looked at.
        evaluations: Evaluations of its objective.
        tower: Multiply-adds of a forward pass of the text tower over all prompts.
    """

    n: int
    looked: int
    shifted: int
    states: int
    classes: int
    clip: int
    aux: int
    patches: int
    epochs: int
    batch: int
    searched: int
    fits: int
    evaluations: int
    tower: int


def zero_shot(s: Shape) -> Work:
    """Logits of every image, once."""
    return Work((s.looked + s.shifted) * s.classes * s.clip)


def cache(s: Shape, width: int, trained: bool) -> Work:
    """Similarities to n keys of a width, and affinities; the search has the affinities of each sharpness, no new product."""
    epochs = s.epochs if trained else 1
    scored = epochs * s.looked + s.states * s.shifted
    training = epochs * s.n * s.n if trained else 0  # the features have no gradient, so two products a step
    return Work(width * s.n * scored + 2 * width * training, s.n * (scored + s.searched * s.looked) + training)


def clip_adapter(s: Shape) -> Work:
    """Two layers of D · D/4 and the logits; in training their gradients too, but none of the features."""
    layers, logits, seen = s.clip**2 // 2, s.classes * s.clip, s.epochs * s.looked + s.states * s.shifted
    step = 2 * layers + layers // 2 + 2 * logits
    return Work(seen * (layers + logits) + s.epochs * s.n * step, s.epochs * s.n * s.classes)


def amu_tuning(s: Shape) -> Work:
    """A linear probe of the auxiliary feature; two losses."""
    seen = s.epochs * s.looked + s.states * s.shifted
    return Work(s.classes * s.aux * (seen + 2 * s.epochs * s.n), 2 * s.epochs * s.n * s.classes)


def vt_clip(s: Shape) -> Work:
    """For each image: scores of classes and patches, values, their products with texts and each other."""
    p, c, d = s.patches, s.classes, s.clip
    image = 2 * p * c * d + p * d * d + p * p * d + p * p * c
    seen = s.epochs * s.looked + s.states * s.shifted
    return Work(image * (seen + 3 * s.epochs * s.n), p * c * (seen + s.epochs * s.n))


def coop(s: Shape) -> Work:
    """Forward and backward pass of the text tower in every step, and the logits; its weights have no gradient."""
    steps = s.epochs * max(1, s.n // s.batch)
    seen = s.epochs * s.looked + s.states * s.shifted
    return Work(steps * 2 * s.tower + s.epochs * s.tower + s.classes * s.clip * (seen + 2 * steps * s.batch))


def lp_clip(s: Shape) -> Work:
    """Two products in double precision an evaluation; its exponentials are counted as single ones."""
    one = s.n * s.classes
    looked = s.classes * s.clip * (s.fits * s.looked + s.states * s.shifted)
    return Work(looked, s.evaluations * one, 2 * s.evaluations * one * s.clip)


FLOORS: Mapping[str, Callable[[Shape], Work]] = {
    "ZeroShotCLIP": lambda s: Work(),
    "TipAdapter": lambda s: cache(s, s.clip, trained=False),
    "TipAdapterF": lambda s: cache(s, s.clip, trained=True),
    "CaFo": lambda s: cache(s, s.clip, trained=True) + cache(s, s.aux, trained=True),
    "CLIPAdapter": clip_adapter,
    "AMUTuning": amu_tuning,
    "VTCLIP": vt_clip,
    "CoOp": coop,
    "LPCLIP": lp_clip,
}
"""Class -> its work beyond the zero-shot logits."""


def of_tower(encode: PromptEncoder, n_ctx: int) -> int:
    """Multiply-adds of a forward pass over all prompts: only what depends on the context."""
    width, names, prefix = encode.names.shape[1], len(encode.names), 1 + n_ctx
    ends, layers = sum(len(level.path) for level in encode.tree.ends), len(encode.blocks)
    first = 9 * names + 12 * prefix  # the names' queries, keys and values do not depend on the context
    last = 2 * names + 10 * ends + 2 * prefix  # queries of the ends only
    blocks = width**2 * (first + (layers - 2) * 12 * (names + prefix) + last)
    return blocks + len(encode.tree.classes) * encode.model.text_projection.numel()


def seconds(work: Callable[[], Any], least: float = 0.2) -> float:
    """The fastest of some calls, in CPU seconds."""
    work()
    took, until = [], time.perf_counter() + least
    while time.perf_counter() < until:
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return min(took)


def pace() -> Work:
    """Multiply-adds and exponentials a second that this machine does at best, by either library and in some shapes."""
    best = Work()
    for rows, width, columns in ((1000, 128, 1600), (1000, 256, 1600), (1000, 512, 1000), (256, 256, 1600)):
        a, b = torch.randn(rows, width), torch.randn(columns, width)
        ways: list[Callable[[], Any]] = [lambda a=a, b=b: a @ b.T]  # type: ignore[misc]
        if torch.backends.mkldnn.is_available():
            ways.append(lambda a=a, b=b: torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], ""))  # type: ignore[misc]
        size = rows * width * columns
        best.products = max(best.products, *(size / seconds(way) for way in ways))
        c, d = a.double(), b.double()
        best.doubles = max(best.doubles, size / seconds(lambda c=c, d=d: c @ d.T))  # type: ignore[misc]
    x = torch.rand(2**15).neg()
    best.exponentials = len(x) / seconds(lambda: torch.exp(x, out=torch.empty_like(x)))
    return best


def floor(work: Work, at: Work) -> float:
    """Seconds of the work at a pace."""
    return sum(getattr(work, f.name) / getattr(at, f.name) for f in fields(work))


class Iterations:
    """Fits of scikit-learn's logistic regression and their iterations; each evaluates the objective at least once."""

    def __init__(self) -> None:
        self.fits = self.evaluations = 0

    @contextmanager
    def counted(self) -> Any:
        """Count within the context."""
        from sklearn.linear_model import LogisticRegression

        fit = LogisticRegression.fit

        def counting(model: Any, *arguments: Any) -> Any:
            found = fit(model, *arguments)
            self.fits, self.evaluations = self.fits + 1, self.evaluations + int(found.n_iter_.sum())
            return found

        with patch.object(LogisticRegression, "fit", counting):
            yield


def shape(run: Run, record: Record, world: World, counts: Iterations) -> Shape:
    """Sizes of a run that has been measured."""
    opened = Opened(run, world)
    made, test = task.build(opened)
    predictor = construct(run.method, run.settings)
    widths = {space: value.shape[-1] for space, value in test.spaces.items()}
    recipe = getattr(predictor, "recipe", None)
    aux = next((width for space, width in widths.items() if space not in ("clip", "clip_spatial")), 0)
    tower = 0
    if run.method.endswith(":CoOp"):
        predictor.build(made)
        tower = of_tower(predictor.encode, predictor.n_ctx)  # type: ignore[arg-type]  # nn.Module's attributes have no types
    return Shape(
        n=len(made.support) + (0 if made.generated is None else len(made.generated)),
        looked=record.n + record.n_val,
        shifted=sum(len(shift.samples) for shift in task.shifts(opened).values()),
        states=len({(found.epoch, repr(found.tuned)) for found in record.selections.values()}),
        classes=len(made.classnames),
        clip=widths.get("clip", 0),
        aux=aux,
        patches=test.spaces["clip_spatial"].shape[-2] if "clip_spatial" in test.spaces else 0,
        epochs=recipe.epochs if recipe else 1,
        batch=recipe.batch_size if recipe else 1,
        searched=math.prod(len(values) for name, values in predictor.tunes.items() if name == "sharpness"),
        fits=counts.fits,
        evaluations=counts.evaluations,
        tower=tower,
    )


def runs_of(shots: Sequence[int], seeds: Sequence[int]) -> list[Run]:
    """Runs of Table 4 on the mini suite."""
    mini = suites.load("mini")
    found = {
        run.key: run
        for cell in planned_cells([exhibit.load("table4")], mini, (), (), False)
        for run in cell.runs(mini, seeds)
    }
    return [run for run in found.values() if not shots or run.shots in (0, *shots)]


@click.command()
@click.option("--shots", type=int, multiple=True, help="Numbers of shots; all without it.")
@click.option("--seeds", type=int, multiple=True, default=(1,), show_default=True)
def main(shots: tuple[int, ...], seeds: tuple[int, ...]) -> None:
    """Print CPU seconds, floor and ratio of each method."""
    limit_threads(1)
    at, world = pace(), World(suites.load("mini"), read())
    print(f"{cpu_name()}, torch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()}), 1 thread")
    print(
        f"at best {2 * at.products / 1e9:.0f} GFLOP/s, {2 * at.doubles / 1e9:.0f} in double precision,"
        f" {1e9 / at.exponentials:.2f} ns an exponential"
    )
    took: dict[str, float] = defaultdict(float)
    least: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder, flushing_denormals():
        store = Store(Path(folder))
        for run in runs_of(shots, seeds):
            opened, counts = Opened(run, world), Iterations()
            task.build(opened), task.shifts(opened)  # features and text are extracted, and modules imported
            with counts.counted():
                start = time.process_time()
                record = measure(run, world, store)
                used = time.process_time() - start
            sizes, method = shape(run, record, world, counts), run.method.partition(":")[2]
            took[method] += used
            least[method] += floor(zero_shot(sizes) + FLOORS[method](sizes), at)
    print(f"\n{'method':<14} {'CPU s':>7} {'floor':>7} {'ratio':>6}")
    for method in sorted(took, key=lambda name: -took[name]):
        print(row(method, took[method], least[method], WORST))
    print(row("all", sum(took.values()), sum(least.values()), GOAL))


def row(name: str, took: float, least: float, most: float) -> str:
    """A line of the table; a ratio above the largest wanted is marked."""
    ratio = took / least
    return f"{name:<14} {took:7.1f} {least:7.1f} {ratio:6.1f}" + (f"  above {most:g}" if ratio > most else "")


if __name__ == "__main__":
    main()
