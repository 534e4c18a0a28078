"""Many writers on one store and one cache: every record is there once, and equal whoever wrote it.

python -m tests.torture.writers --writers 16 --seconds 120

Each writer measures the same table with `--rerun` again and again, with features that all of them make. At the end the
records must be usable, those of one question equal but for times and places, and no file may be half-written.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmark.core.digest import JsonDict
from benchmark.records.record import Record
from tests.torture.kills import finished
from tests.torture.workshop import SUITE, Workshop

RUN = ("run", *SUITE, "--table", "4", "--quick", "--rerun", "--jobs", "1")
OF_THE_DAY = ("seconds", "measured", "peak_memory_mib", "conditions", "answers")
"""Fields that tell when and where a run was measured, and the name of the answers, which the store holds to these."""


def numbers(record: Record) -> JsonDict:
    """Fields that must be equal in two measurements of one question."""
    return {name: part for name, part in record.to_json().items() if name not in OF_THE_DAY}


def written(workshop: Workshop, seconds: float) -> int:
    """Measure the table again and again for some seconds, in this process's children; how often."""
    ends, times = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        finished(RUN, workshop)
        times += 1
    return times


def faults(workshop: Workshop, alone: dict[str, Record]) -> Iterator[str]:
    """Faults that many writers left behind, a line for each."""
    store = workshop.store
    together = store.records()
    yield from (f"record {name} cannot be used: {why}" for name, why in store.problems.items())
    yield from (f"record {key} is there and was not asked, or is not there" for key in alone.keys() ^ together.keys())
    yield from (
        f"record {k} differs" for k in alone.keys() & together.keys() if numbers(alone[k]) != numbers(together[k])
    )
    answers = list(store.root.glob("*.npz"))
    if len(answers) != len(together):
        yield f"{len(answers)} files of answers of {len(together)} records"
    yield from workshop.half_written()
    yield from (f"left over: {path.name}" for path in workshop.leftovers())


def main() -> int:
    """Write together, look, and print what is at fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=120)
    asked = parser.parse_args()
    workshops = [Workshop(Path(tempfile.mkdtemp(prefix=name))) for name in ("alone", "together")]
    finished(RUN, workshops[0])
    children = []
    for _ in range(asked.writers):
        if not (child := os.fork()):
            os._exit(min(255, written(workshops[1], asked.seconds)))
        children.append(child)
    times = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    found = list(faults(workshops[1], workshops[0].store.records()))
    print("\n".join(found))
    records = len(workshops[1].store.records())
    print(f"{asked.writers} writers, {sum(times)} times the table, {records} records, {len(found)} faults")
    if not found:
        for workshop in workshops:
            shutil.rmtree(workshop.root)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
