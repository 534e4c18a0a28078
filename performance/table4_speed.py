"""How long, and with how much memory, `bench run --table 4` takes: empty store and cache, then full ones.

    python performance/table4_speed.py [further options of bench run]

The demands: at most 120 s and 4 GiB from empty on two cores; at most 5 s when everything is measured; 0.5 s for --help.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = [sys.executable, "-c", "from benchmark.cli import main; main()"]


def timed(*arguments: str, folder: str) -> float:
    """Seconds that a `bench` command takes with its output kept in `folder`."""
    places = {name: str(Path(folder) / name.lower()) for name in ("BENCH_RESULTS", "BENCH_REPORTS", "BENCH_CACHE")}
    started = time.perf_counter()
    subprocess.run([*COMMAND, *arguments], env={**os.environ, **places}, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        empty = timed("run", "--table", "4", *sys.argv[1:], folder=folder)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        full = timed("run", "--table", "4", *sys.argv[1:], folder=folder)
        listing = timed("--help", folder=folder)
    print(f"empty store and cache: {empty:.1f} s (demand: 120), largest process {peak:.2f} GiB (demand for all: 4)")
    print(f"full store: {full:.1f} s (demand: 5), ratio {empty / full:.0f}")
    print(f"bench --help: {listing:.2f} s (demand: 0.5)")


if __name__ == "__main__":
    main()
