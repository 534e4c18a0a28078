"""What does it cost to hold cached features to their hashes, beside a run that reads them?

    python performance/checking_speed.py [further options of bench run]

Table 4 is measured twice: with an empty cache, and with a full one and no records, which is a warm run. Then every cached
file is checked as the first process does, which reads it, as a later one does, which looks at its stamp, and as the same
process does. The demand: a later process spends at most 3 % of a warm run.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmark.core import contents
from benchmark.core.stamps import SETTLED
from benchmark.features import checked, shard_files
from performance.table4_speed import timed


def seconds(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        run = ("run", "--table", "4", *sys.argv[1:])
        empty = timed(*run, folder=folder)
        time.sleep(SETTLED)
        shutil.rmtree(Path(folder) / "bench_results")
        warm = timed(*run, folder=folder)
        cache = Path(folder) / "bench_cache"
        files = dict.fromkeys(sorted(cache.rglob("*.safetensors")), shard_files.any_form)
        size = sum(file.stat().st_size for file in files) / 2**20

        def look() -> None:
            checked.conditions(files, cache)

        contents.forget(cache)
        first = seconds(look)
        shard_files.forget()
        later, again = seconds(look), seconds(look)
    print(f"empty cache: {empty:.1f} s; warm run: {warm:.1f} s; {len(files)} files of {size:.0f} MiB")
    for process, took in (("first process", first), ("later process", later), ("same process", again)):
        print(f"{process}: {1000 * took:.1f} ms, {100 * took / warm:.2f} % of a warm run")


if __name__ == "__main__":
    main()
