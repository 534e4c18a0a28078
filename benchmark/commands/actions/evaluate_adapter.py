"""Work of `bench evaluate-adapter`: accuracy of a released adapter, beside the number of its README."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmark.commands.actions.filling import fill, refused, say_sizes
from benchmark.core import devices
from benchmark.core.errors import ExitCode
from benchmark.core.files import check_writable
from benchmark.core.numbers import fixed, interval
from benchmark.core.paths import expanded
from benchmark.core.settings import Settings
from benchmark.core.streams import answer_json, say_next, show
from benchmark.core.text import counted
from benchmark.exhibits import inventory
from benchmark.exhibits.exhibit import Cell
from benchmark.exhibits.needs import without_shifts
from benchmark.exhibits.opened import Opened
from benchmark.features import requests
from benchmark.running import released_adapter, workers
from benchmark.running.released_adapter import Evaluated
from benchmark.suites.suite import load as load_suite
from benchmark.suites.world import World


def evaluate_adapter(
    file: str, shots: int | None, suite: str, jobs: int | None, form: str, settings: Settings
) -> ExitCode:
    """Evaluate a released adapter of AMU-Tuning (best_adapter_16shots.pt) as it is, beside its README's number."""
    path, world = expanded(file), World(without_shifts(load_suite(suite, settings.trusted)), settings)
    weights = released_adapter.read(path)
    cells = released_adapter.cells(released_adapter.shots_of(path, shots))
    here = inventory.take(map(released_adapter.tested, cells), world)
    if here.missing:
        raise refused(here, "nothing was evaluated")
    say_sizes(here)
    released_adapter.check(weights, released_adapter.untrained(cells[0], world.suite), world, path)
    if _make(cells, world, jobs):
        return ExitCode.RUNS_FAILED
    found = [released_adapter.evaluate(weights, cell, world) for cell in cells]
    if form == "json":
        answer_json([_record(one) for one in found])
        return ExitCode.OK
    show(_text(path, cells, found))
    trained = f"bench run --table readings --shots {cells[0].question.shots}{world.suite.option}"
    say_next(f"{trained} trains it anew, with epoch and settings chosen on validation images")
    return ExitCode.OK


def _make(cells: Sequence[Cell], world: World, jobs: int | None) -> int:
    """Extract the features of the test images; the result is the number of files that failed."""
    check_writable("cache", world.settings.cache, "BENCH_CACHE")
    runs = [released_adapter.untrained(cell, world.suite) for cell in cells]
    needed = [request for run in runs for request in requests.of(Opened(run, world))]
    processes = devices.workers(jobs, world.settings.torch_device)
    with workers.Crew(processes, world, debug=world.settings.debug) as crew:
        return len(fill(needed, world, crew))


def _text(path: Path, cells: Sequence[Cell], found: Sequence[Evaluated]) -> str:
    """The accuracies as text: a heading, and a line for each reading of the file."""
    question = cells[0].question
    n, whole = found[0].n, found[0].n_published
    images = f"{n:,} test images" if whole in (None, n) else f"{n:,} of the {whole:,} published test images"
    lines = [
        f"{path.name}: {counted(question.shots or 0, 'shot')}, {question.backbone}, {images} of {question.dataset}"
    ]
    width = max(len(one.reading) for one in found)
    for one in found:
        accuracy, low, high = one.accuracy
        beside = "" if one.published is None else _beside(one.published, accuracy)
        lines.append(f"  {one.reading:<{width}}  {fixed(accuracy, 2)}{interval(low, high, 2)}{beside}")
    return "\n".join(lines)


def _beside(published: float, accuracy: float) -> str:
    return f"  README {fixed(published, 2)}, {fixed(accuracy - published, 2, '+')}"


def _record(one: Evaluated) -> dict[str, object]:
    accuracy, low, high = one.accuracy
    difference = None if one.published is None else accuracy - one.published
    return {**asdict(one), "accuracy": accuracy, "low": low, "high": high, "difference": difference}
