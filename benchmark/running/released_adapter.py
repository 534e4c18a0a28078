"""Evaluation of released AMU-Tuning adapters without training, next to the accuracy published in their README."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor

from benchmark.core.digest import Json
from benchmark.core.errors import BenchError
from benchmark.data import views
from benchmark.encoders.published import containers
from benchmark.exhibits.exhibit import Cell
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.question import Question
from benchmark.exhibits.run import Run, make
from benchmark.methods.samples import Samples
from benchmark.methods.scoring import right
from benchmark.numerics import stats
from benchmark.records import reference
from benchmark.running import task
from benchmark.suites.suite import Suite
from benchmark.suites.world import World


@dataclass(frozen=True)
class Evaluated:
    """Accuracy of an adapter under one interpretation of its method.

    Attributes:
        reading: Name of the interpretation.
        correct: Number of test images classified correctly.
        n: Number of test images.
        published: Published accuracy (%); None in a suite whose accuracies cannot be compared with it, and beside another
            number of test images than published.
        n_published: Number of images of the published test set; None where it is not known.
    """

    reading: str
    correct: int
    n: int
    published: float | None
    n_published: int | None = None

    @property
    def accuracy(self) -> tuple[float, float, float]:
        """Accuracy in per cent, with the ends of its 95 % interval over images."""
        return stats.interval([self.correct], [self.n])


@cache
def released() -> Json:
    """Content of released_adapter.toml."""
    return tomllib.loads(resources.files(__package__).joinpath("released_adapter.toml").read_text("utf-8"))


def shots_of(file: Path, said: int | None) -> int:
    """Number of shots of an adapter: `said`, else that in the name of its file; BenchError if there is neither."""
    named = re.search(released()["name"], file.name)
    if said is None and named is None:
        raise BenchError(f"{file}: its name does not say for how many shots it is; add --shots 16, or what it is")
    return said if said is not None else int(named[1])  # type: ignore[index]


def read(file: Path) -> Tensor:
    """Read the adapter's weights [C, D], float32, without executing code in the file; BenchError for other content."""
    name = released()["tensor"]
    _, content = containers.load(file)
    held = list(content) if isinstance(content, Mapping) else []
    tensor = content.get(name) if len(held) == 1 else None
    if not isinstance(tensor, Tensor) or tensor.ndim != 2 or not tensor.is_floating_point() or tensor.is_meta:
        is_mapping = isinstance(content, Mapping)
        words = ", ".join(map(containers.shown_key, held[:3])) if is_mapping else type(content).__name__
        raise BenchError(
            f"{file}: holds {words or 'nothing'}, not the one tensor {name} [classes, width] of an adapter"
        )
    try:
        tensor = containers.plain(name, tensor)
    except ValueError as instead:
        raise BenchError(f"{file}: holds {instead}") from instead
    if not tensor.isfinite().all():
        raise BenchError(f"{file}: {name} holds values that are not finite")
    return tensor.float()


def cells(shots: int) -> list[Cell]:
    """Cells, as of an exhibit, for an adapter: one for each interpretation of its method."""
    told = {name: released()[name] for name in ("dataset", "backbone", "method")}
    found = []
    for reading in released()["readings"]:
        question = Question(**told, metric="accuracy", shots=shots, arguments=reading["with"])
        found.append(Cell(reading["name"], f"{shots}-shot", question, question, "evaluate-adapter"))
    return found


def tested(cell: Cell) -> Cell:
    """The cell with 0 shots, which needs the test images of its data set alone."""
    return replace(cell, question=replace(cell.question, shots=0))


def untrained(cell: Cell, suite: Suite) -> Run:
    """The run of a cell with 0 shots, so that no support set is drawn."""
    return replace(make(suite, cell.question, seed=0), shots=0)


def check(weights: Tensor, run: Run, world: World, file: Path) -> None:
    """Check an adapter's shape against the data set's classes and the width of one encoded image; BenchError if wrong."""
    dataset = world.dataset(run.dataset)
    (space,) = [space for space in run.roles() if space != "clip"]
    image = views.of(dataset, "test", dataset.ids("test")[:1], 1, 0)[0]
    width = world.encoder(space).encode(image, 1).shape[1]
    wanted = (len(dataset.classnames), width)
    if tuple(weights.shape) != wanted:
        shapes = ["{} x {}".format(*shape) for shape in (weights.shape, wanted)]
        raise BenchError(
            f"{file}: {released()['tensor']} is {shapes[0]}, {shapes[1]} is needed: {wanted[0]} classes of {run.dataset},"
            f" {wanted[1]} features of {space}"
        )


def evaluate(weights: Tensor, cell: Cell, world: World) -> Evaluated:
    """Evaluate an adapter, whose shape was checked, under one interpretation of its method."""
    run = untrained(cell, world.suite)
    build, test = task.build(Opened(run, world))
    nothing = {
        space: x[:, :1] * 0 for space, x in test.spaces.items()
    }  # a support set of zeros, from which layers take their widths
    predictor = run.predictor()
    nobody = torch.zeros(1, dtype=torch.long, device=build.text.device)
    predictor.build(replace(build, support=Samples(nothing, nobody)))
    state, parameter = predictor.state_dict(), released()["parameter"]
    predictor.load_state_dict({**state, parameter: weights.to(state[parameter])})
    correct = int(right(predictor.eval(), test).sum())
    cite = {**released()["cite"], "shots": cell.question.shots}
    whole = reference.known_images(run.dataset) if world.suite.comparable else None
    alike = world.suite.comparable and whole in (None, len(test))
    published = reference.printed(released()["reference"], cite) if alike else None
    return Evaluated(cell.row, correct, len(test), published, whole)
