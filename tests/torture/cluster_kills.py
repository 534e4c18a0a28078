"""Workers of a scheduler killed with signal 9 at random moments: no item is lost, comes back twice, or with a wrong result.

python -m tests.torture.cluster_kills --count 50 --seed 1

A scheduler and two workers under nannies do items of some tenths of a second. In the meantime a worker, or the process in it
that does the work, is killed every few seconds. Every item must come back once, with its result or as killed each time. The
exit code is 1 if there is anything.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

TOYS = Path(__file__).parents[1] / "toys"
sys.path.append(str(TOYS))

from toy_cluster import scheduler, worker  # noqa: E402
from toy_methods import napped  # noqa: E402

from benchmark.running.cluster import inspection, schedulers  # noqa: E402
from benchmark.running.cluster.pool import Pool  # noqa: E402

WORKERS = 2


def killing(pool: Pool, count: int, chance: random.Random, at_work: set[int], ended: threading.Event) -> int:
    """Kill workers, or the processes in them, until enough are killed or the work has ended; how many were."""
    killed = 0
    while killed < count and not ended.wait(chance.uniform(0.5, 4)):
        there = [one.found["process"] for one in list(pool.workers.values()) if one.usable]
        victims = there if chance.random() < 0.5 else list(at_work)
        if victims:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(victims), signal.SIGKILL)
                killed += 1
    ended.wait()
    return killed


def main() -> int:
    """Torture, and say what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=50, help="kills")
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    ended, at_work, killed = threading.Event(), set[int](), list[int]()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address, _ = stack.enter_context(scheduler(folder))
        for _ in range(WORKERS):
            stack.enter_context(worker(address, folder))
        here = inspection.inspected(None, inspection.Inputs())
        pool = stack.enter_context(Pool(schedulers.parsed(address), WORKERS, here=here))
        chance = random.Random(asked.seed)
        killer = threading.Thread(
            target=lambda: killed.append(killing(pool, asked.count, chance, at_work, ended)), daemon=True
        )
        killer.start()
        found: dict[str, list[str]] = {}
        started = time.monotonic()
        for done in pool.each(napped, [str(number) for number in range(asked.items)]):
            found.setdefault(done.item, []).append(done.error or done.result)
            at_work.add(done.process)
            at_work.difference_update({process for process in at_work if not Path(f"/proc/{process}").exists()})
        ended.set()
        killer.join()
    named = sum(told[0].startswith("its worker was killed") for told in found.values())
    wrong = {item: told for item, told in found.items() if told != [f"napped {item}"] and not told[0].startswith("its")}
    lost = asked.items - len(found)
    seconds = time.monotonic() - started
    print(f"{asked.items} items, {killed[0]} kills, {seconds:.0f} s: {named} killed each time, {lost} lost")
    for item, told in wrong.items():
        print(f"item {item}: {told}")
    return 1 if wrong or lost or any(len(told) > 1 for told in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
