"""How long do a report, the gate and the claims take over some thousand records? Prints the seconds of each command.

    python -m performance.report_speed [--records 3000]

The records are made up, of every cell of every exhibit on the mini suite and as many seeds as it takes, each with the
per-image correctness of 10,000 images. The first report draws its figures and the second finds them drawn; both are timed.
Each command is a process of its own, as a user types it. 3,000 records take about ten seconds on two idle cores.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmark.core.errors import ExitCode
from benchmark.core.settings import read
from benchmark.exhibits import exhibit
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import Run
from benchmark.records.metrics import BETAS, BINS
from benchmark.records.record import SCHEMA, SELECTIONS, Record
from benchmark.records.store import Store
from benchmark.suites import suite as suites
from benchmark.suites.suite import Suite
from benchmark.suites.world import World

IMAGES = 10_000
BENCH = [sys.executable, "-c", "from benchmark.cli import main; main()"]


def runs(suite: Suite, records: int) -> Iterator[Run]:
    """Every run of every exhibit, seed after seed, until there are enough."""
    seen: dict[str, None] = {}
    for seed in count(1):
        for name in exhibit.names():
            for cell in exhibit.load(name).cells():
                for run in cell.runs(suite, [seed]):
                    if run.key not in seen:
                        seen[run.key] = None
                        yield run
                        if len(seen) == records:
                            return


def made_up(run: Run, suite: Suite) -> tuple[Record, dict[str, np.ndarray]]:
    """A record with all fields that `measure` writes, and per-image correctness that agrees with it."""
    rng = np.random.default_rng(int(run.key[:8], 16))
    chance = 0.4 + 0.3 * (int(run.cell_key[:8], 16) % 1000) / 1000
    bits = {name: rng.random(IMAGES) < chance for name in SELECTIONS}
    selections = {name: {"correct": int(b.sum()), "epoch": 20, "tuned": {"beta": 2.0}} for name, b in bits.items()}
    counts: Mapping[str, Any] = {name: {"correct": s["correct"] // 2} for name, s in selections.items()}
    curve = [round(IMAGES * (chance - 0.01 * abs(i - 48) / 8)) for i in range(len(BETAS))]
    histogram = {side: [250] * BINS for side in ("right", "wrong")}
    record = {
        "schema": SCHEMA,
        "key": run.key,
        "asked": run.asked(),
        "n": IMAGES,
        "n_val": 400,
        "selections": selections,
        "picked_on": {"val": 200, "test": selections["test"]["correct"]},
        "metrics": {name: {"bias_correct": 3000, "cmy_raw": 0.9, "cmy_centred": chance} for name in SELECTIONS},
        "shifts": {role: {"n": 4000, "selections": counts} for role in run.shifts(suite)},
        "max_logit": {"low": 10.0, "high": 20.0, **histogram},
        "beta_curve": {"correct": curve, "best": {"beta": 1.0, "correct": max(curve)}},
        "curves": {"val": [200] * 20, "test": [6000] * 20},
        "fingerprints": Opened(run, World(suite, read())).fingerprints,
        "seconds": {"load": 0.1, "fit": 1.0, "total": 1.5},
        "peak_memory_mib": 800,
        "measured": "2024-01-01T00:00:00+00:00",
        "conditions": {"cpu": "made up", "commit": "0" * 40, "versions": {"torch": "2"}},
    }
    return Record.from_json(record), bits


def seconds(*arguments: str) -> float:
    """Wall-clock seconds of a command in a process of its own; the exit code of a regression is no failure."""
    start = time.perf_counter()
    done = subprocess.run([*BENCH, *arguments], capture_output=True, text=True, check=False)
    if done.returncode not in (ExitCode.OK, ExitCode.REGRESSION):
        raise SystemExit(done.stderr)
    return time.perf_counter() - start


def fill(records: int, folder: Path) -> Store:
    """Write as many made-up records of the mini suite under `folder`/results; returns their store."""
    suite, store = suites.load("mini"), Store(folder / "results" / "mini")
    for run in runs(suite, records):
        store.put(*made_up(run, suite))
    return store


def timed(records: int, folder: Path) -> dict[str, float]:
    """Seconds of reading the records alone and of each command over them; they are written under `folder` first."""
    store = fill(records, folder)
    start = time.perf_counter()
    store.records()
    read_alone = time.perf_counter() - start
    at = ["--results", str(folder / "results")]
    report = ["report", *at, "--reports", str(folder / "reports")]
    return {
        "records read, nothing else": read_alone,
        "report, figures drawn": seconds(*report),
        "report": seconds(*report),
        "check": seconds("check", *at),
        "claims": seconds("claims", *at),
    }


@click.command()
@click.option("--records", default=3000, show_default=True)
def main(records: int) -> None:
    """Print the seconds of each command, of the last three together, and their ratio to reading the records alone."""
    with tempfile.TemporaryDirectory() as folder:
        found = timed(records, Path(folder))
    for name, took in found.items():
        print(f"{name:28} {took:6.1f} s")
    read_alone, together = found["records read, nothing else"], sum(list(found.values())[2:])
    print(f"{'the last three together':28} {together:6.1f} s, over {records} records")
    print(f"{'ratio to reading alone':28} {together / read_alone:6.1f}")


if __name__ == "__main__":
    main()
