"""Damaged inputs of every kind of file that the product reads: a result or a line, within 30 s and 1 GiB, and no code is run.

python -m tests.torture.damaged --count 2000
python -m tests.torture.damaged --kinds checkpoint "split list" --count 100 --seed 5

Each kind of file is damaged in turn: by what is no file, by contents that are hostile to some reader, and for the rest of
the count by changes of its bytes that the seed draws. Each use is a process of its own. What is at fault is printed with its
number, by which `--only` repeats it; the exit code is 1 if there is anything.
"""

import argparse
import itertools
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch

from benchmark.core.errors import ExitCode
from tests.torture import damage
from tests.torture.kinds import KINDS, Kind
from tests.torture.trial import Outcome, tried

Damage = tuple[str, Callable[[Path], object]]
"""Words for a damage, and what does it to a file."""


def damages(seed: int) -> Iterator[Damage]:
    """Every damage that is no file or hostile, and then without an end changes of bytes."""
    yield "as made", damage.untouched
    for replace in damage.NO_FILES:
        yield replace.__name__, partial(_replaced, replace)
    for words, content in damage.hostile().items():
        yield words, partial(_with, content)
    for number in itertools.count():
        change = damage.OF_BYTES[number % len(damage.OF_BYTES)]
        yield f"{change.__name__} {number}", partial(_changed, change, random.Random(f"{seed} {number}"))


def _replaced(replace: Callable[[Path], object], path: Path) -> None:
    path.unlink()
    replace(path)


def _with(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def _changed(change: Callable[[bytes, random.Random], bytes], dice: random.Random, path: Path) -> None:
    path.write_bytes(change(path.read_bytes(), dice))


def faults(kind: Kind, harm: Callable[[Path], object]) -> tuple[list[str], Outcome]:
    """Use a damaged file in an empty folder; the words for what must not happen, and the outcome."""
    folder = Path(tempfile.mkdtemp(prefix="damaged"))
    try:
        path = kind.make(folder)
        harm(path)
        os.environ.update({name: str(folder / name.rpartition("_")[2].lower()) for name in FOLDERS})
        outcome = tried(kind.use, folder)
        left = [str(file) for file in folder.rglob("*.tmp")]
        ran = ["code was run"] if (folder / damage.CANARY).exists() else []
        refused = ["a valid file is refused"] if harm is damage.untouched and outcome.code not in TAKEN else []
        return [*outcome.faults(), *ran, *left, *refused], outcome
    finally:
        shutil.rmtree(folder)


TAKEN = (ExitCode.OK, ExitCode.MISSING)
"""Exit codes of a use that has taken a file; `bench weights` misses those of other slots."""

FOLDERS = ("HOME", "BENCH_CACHE", "BENCH_RESULTS", "BENCH_REPORTS", "BENCH_WEIGHTS", "HF_HUB_CACHE", "TORCH_HOME")
"""Variables that lead into the folder of a use, so that nothing else is read."""


def trials(names: list[str], seed: int) -> Iterator[tuple[int, str, Damage]]:
    """Number, kind and damage of every trial: the kinds take turns."""
    each = {name: damages(seed) for name in names}
    for number, name in enumerate(itertools.cycle(names)):
        yield number, name, next(each[name])


def main() -> int:
    """Try, and print each fault and the count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="How many damaged files, of all kinds together.")
    parser.add_argument(
        "--kinds", nargs="+", choices=list(KINDS), default=list(KINDS), help="Which kinds; default: all."
    )
    parser.add_argument("--seed", type=int, default=1, help="Of the changes of bytes.")
    parser.add_argument("--only", type=int, help="Repeat the trial of this number, and print its output.")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    _import_commands()
    found = 0
    for number, name, (words, harm) in itertools.islice(trials(asked.kinds, asked.seed), asked.count):
        if asked.only not in (None, number):
            continue
        wrong, outcome = faults(KINDS[name], harm)
        found += bool(wrong)
        if wrong or asked.only is not None:
            last = outcome.output.strip().splitlines()[-1:] if asked.only is None else [outcome.output]
            print(f"{number}: {name}, {words}: {', '.join(wrong) or 'fine'}: {''.join(last)[:2000]}", flush=True)
    print(f"{asked.count} damaged files of {len(asked.kinds)} kinds: {found} at fault")
    return int(found > 0)


def _import_commands() -> None:
    """Import what the commands import when they are called, so that a forked process has it."""
    import benchmark.mini.pretraining.pretrain  # noqa: F401


if __name__ == "__main__":
    sys.exit(main())
