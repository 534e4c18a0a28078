"""Commands killed with signal 9 at random moments: no record is lost, no file is half-written, nothing is left over.

python -m tests.torture.kills --count 200 --seed 1

Every command is first run to its end, for the seconds that it takes. Then each is killed in turn, with its workers, after a
time that the seed draws. After each kill the records of before must be there and unchanged, and every file must be whole.
At the end temporary files are made as old as those that were left long ago, every command is run to its end once more, and
must leave none of them. The exit code is 1 if there is anything.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmark.records.record import Record
from tests.torture.kinds import IMPORT, KINDS
from tests.torture.trial import bench
from tests.torture.workshop import SUITE, Workshop

TABLE = (*SUITE, "--table", "1", "--table", "4")


def _forget(workshop: Workshop, part: str) -> None:
    shutil.rmtree(workshop.root / part, ignore_errors=True)


COMMANDS: dict[str, tuple[tuple[str, ...], Callable[[Workshop], object]]] = {
    "run": (("run", *TABLE, "--rerun", "--jobs", "2"), lambda _: None),
    "features": (("features", *SUITE, "--table", "4", "--make"), lambda w: _forget(w, "cache")),
    "import": ((*IMPORT, "f.npz"), lambda w: KINDS["archive of features"].make(w.root)),
    "check --update": (("check", *SUITE, "--update"), lambda _: None),
    "report": (("report", *SUITE), lambda w: _forget(w, "reports")),
    "pretrain": (("pretrain", "dino", "--out", "pretrained", "--steps", "3"), lambda w: _forget(w, "pretrained")),
}
"""Name -> arguments, and what is done before, so that there is something to write."""


def started(arguments: tuple[str, ...], workshop: Workshop) -> int:
    """Start a command as the leader of a group of processes; its process."""
    child = os.fork()
    if child == 0:
        os.setsid()
        workshop.enter()
        with (workshop.root / "output.txt").open("w") as output:
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
        code = 99
        try:
            bench(*arguments)()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            os._exit(code)
    return child


def finished(arguments: tuple[str, ...], workshop: Workshop) -> float:
    """Run a command to its end; its seconds. RuntimeError where it fails."""
    begun = time.monotonic()
    _, status = os.waitpid(started(arguments, workshop), 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(arguments)}: {(workshop.root / 'output.txt').read_text()[-2000:]}")
    return time.monotonic() - begun


def timed(workshop: Workshop, arguments: tuple[str, ...], prepare: Callable[[Workshop], object]) -> float:
    """Prepare and run a command to its end; its seconds."""
    prepare(workshop)
    return finished(arguments, workshop)


def killed(arguments: tuple[str, ...], workshop: Workshop, after: float) -> None:
    """Kill a command and its workers after some seconds."""
    child = started(arguments, workshop)
    time.sleep(after)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)


def faults(workshop: Workshop, before: dict[str, Record]) -> Iterator[str]:
    """Faults that a kill left behind, a line for each."""
    store = workshop.store
    after = store.records()
    yield from (f"record {name} cannot be used: {why}" for name, why in store.problems.items())
    yield from (f"record {key} is lost" for key in before.keys() - after.keys())
    yield from workshop.half_written()


def main() -> int:
    """Kill, look, and print what is at fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    dice, found = random.Random(asked.seed), 0
    workshop = Workshop(Path(tempfile.mkdtemp(prefix="kills")))
    seconds = {name: timed(workshop, *COMMANDS[name]) for name in COMMANDS}
    print(", ".join(f"{name} {took:.1f} s" for name, took in seconds.items()), flush=True)
    for number in range(asked.count):
        name = list(COMMANDS)[number % len(COMMANDS)]
        arguments, prepare = COMMANDS[name]
        before, after = workshop.store.records(), dice.uniform(0, seconds[name])
        prepare(workshop)
        killed(arguments, workshop, after)
        for words in faults(workshop, before):
            found += 1
            print(f"kill {number}, {name} after {after:.2f} s: {words}", flush=True)
    workshop.age()
    for arguments, prepare in COMMANDS.values():
        timed(workshop, arguments, prepare)
    for path in workshop.leftovers():
        found += 1
        print(f"left over: {path.relative_to(workshop.root)}")
    print(f"{asked.count} kills, {len(workshop.store.records())} records, {found} faults")
    if not found:
        shutil.rmtree(workshop.root)
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
