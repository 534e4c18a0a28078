"""All of the paper suite on 1 to 64 GPUs, on paper: list scheduling of stated times, and workers that sleep them scaled down.

Nobody has run the suite on that many. The runs are those that the paper's exhibits ask for. Their times are stated for an
ImageNet run of 16 shots on a GPU such as an A100 (docs/paper-suite.md), in proportion to classes times shots, and at least
`LEAST`; features take 1,000 images a second. Workers are threads that sleep, in the order of the list, with a wait for all
features before the runs; their efficiency is the share of the time in which they work.

python -m performance.scale [seconds that a simulation lasts]
"""

import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmark.commands.actions.choosing import planned_cells
from benchmark.core.durations import clock
from benchmark.data.published import sets
from benchmark.exhibits import exhibit
from benchmark.exhibits.run import Run
from benchmark.features import costs
from benchmark.features.requests import DECODED
from benchmark.running.scale import Scale
from benchmark.suites import suite

WORKERS = (1, 2, 4, 8, 16, 32, 64)

EXHIBITS = ("table1", "table2", "table3", "table4", "table5", "table6", "table7", "figure3", "figure5")
"""Those whose passes docs/paper-suite.md counts."""

PASSES, ENCODERS = 12_300_000, 4
"""Images through an encoder, and encoders that usually look at the same images together."""

MINUTES: Mapping[str, float] = {
    "AMUTuning": 8,
    "LinearProbe": 8,
    "LPCLIP": 50,
    "CLIPAdapter": 20,
    "VTCLIP": 20,
    "CoOp": 120,
    "MaPLe": 90,
    "CoCoOp": 24 * 60,
}
"""Class of a method -> minutes of a run on ImageNet at 16 shots."""

OTHERS, LEAST = 4.0, 0.5
"""Minutes of a run of the other methods, and least minutes of a run: reading features, scoring, search."""


def runs() -> list[Run]:
    """The runs of the exhibits, each once, in the order in which a command begins them."""
    paper = suite.load("paper", ())
    cells = planned_cells([exhibit.load(name) for name in EXHIBITS], paper, (), (), False)
    found = (run for cell in cells for run in cell.runs(paper, paper.seeds))
    return list({run.key: run for run in found}.values())


def seconds(run: Run) -> float:
    """Stated seconds of a run on one GPU."""
    stated = MINUTES.get(run.method.partition(":")[2], OTHERS)
    share = run.shots * sets.get(run.dataset).classes / 16_000
    return 60 * max(LEAST, stated * share)


def stated(order: Sequence[float]) -> Scale:
    """The suite, with its runs in an order."""
    shards = PASSES // (DECODED * ENCODERS)
    each = PASSES / costs.STATED["cuda"] / shards
    return Scale([each] * shards, order, photographs=PASSES // ENCODERS, gpu=True)


def slept(scale: Scale, workers: int, factor: float) -> float:
    """Efficiency of workers that sleep the times of the pieces, multiplied by a factor; 0 to 1."""
    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        for phase in (scale.shards, scale.runs):
            list(pool.map(lambda took: time.sleep(factor * took), phase))
    return factor * scale.busy / (workers * (time.perf_counter() - started))


def main(lasting: float = 30.0) -> None:
    """Compute, simulate and print."""
    wanted = {run.key: (run, seconds(run)) for run in runs()}
    every = [took for _, took in wanted.values()]
    others = [took for run, took in wanted.values() if not run.method.endswith(":CoCoOp")]
    one = stated(every)
    print(f"{len(every):,} runs and {len(one.shards):,} shards: {one.busy / 3600:.0f} GPU-hours", flush=True)
    for words, order in {
        "in the order of the tables": every,
        "the longest run first": sorted(every, reverse=True),
        "without CoCoOp, in the order of the tables": others,
        "without CoCoOp, the longest run first": sorted(others, reverse=True),
    }.items():
        scale = stated(order)
        print(f"{words}; the longest run takes {clock(max(order))}:")
        for workers in WORKERS:
            told = f"{workers:>3} {clock(scale.seconds(workers)):>12}, {scale.efficiency(workers):4.0%} busy"
            if workers == WORKERS[-1]:
                told += f"; workers that sleep {slept(scale, workers, lasting / scale.seconds(workers)):.0%}"
            print(told, flush=True)


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))
