"""Are damaged records, answers and reference files found? Prints a count for each kind of damage, and fails for one unseen.

    PYTHONPATH=.:tests/toys python tests/torture/edited_records.py [--times 300] [--seed 0]

Each time a file is picked and damaged: a record, its answers, or a file of the reference run. It is cut, a bit of it is
flipped, a number in it is changed, it is emptied, deleted, or exchanged for another file of its kind. Then all is read.
The damage is found where a line names the file or the record. It is harmless where all that is read is as before: the same
records, the same answers, the same rows. It is unseen in every other case, and an error is any exception but a BenchError.
"""

import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import click
from toy_house import full_record
from toy_world import bits_of, toy

from benchmark.analysis.gate import reference_run
from benchmark.analysis.gate.reference_run import Golden
from benchmark.analysis.results import gather
from benchmark.core import paths
from benchmark.core.errors import BenchError
from benchmark.exhibits import exhibit
from benchmark.records.store import Store

EXHIBIT = "table4"
Content = bytes | None
"""Content of a damaged file; None for a deleted one."""


def _cut(content: bytes, dice: random.Random, other: bytes) -> Content:
    return content[: dice.randrange(len(content))]


def _flipped(content: bytes, dice: random.Random, other: bytes) -> Content:
    place = dice.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << dice.randrange(8)]) + content[place + 1 :]


def _number(content: bytes, dice: random.Random, other: bytes) -> Content:
    """A digit becomes another one; without digits a byte does."""
    places = [found.start() for found in re.finditer(rb"\d", content)] or range(len(content))
    place = dice.choice(places)
    digit = dice.choice([d for d in b"0123456789" if d != content[place]])
    return content[:place] + bytes([digit]) + content[place + 1 :]


DAMAGES: dict[str, Callable[[bytes, random.Random, bytes], Content]] = {
    "cut": _cut,
    "flipped": _flipped,
    "number": _number,
    "emptied": lambda *_: b"",
    "deleted": lambda *_: None,
    "exchanged": lambda content, dice, other: other,
}


class Place:
    """Results and a reference run in a folder, and all that is read of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / "results" / "toy"
        self.shown, self.suite = exhibit.load(EXHIBIT), toy()

    def fill(self) -> None:
        """Write full records of some cells, and make them the reference run."""
        store = Store(self.results)
        for number, cell in enumerate(list(self.shown.cells())[:24]):
            for run in cell.runs(self.suite, [1]):
                record = full_record(run, self.suite, 0.4 + number / 50, 200)
                store.put(record, bits_of(record))
        reference_run.update([gather(self.shown, self.suite, store.records())], store.records(), store)

    def files(self) -> list[Path]:
        """All files, in order."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def read(self) -> tuple[object, list[str]]:
        """All that commands read, and the lines on damage."""
        store, lines, golden = Store(self.results), [], Golden("toy")
        records = store.records()
        lines += [f"{name}: {problem}" for name, problem in store.problems.items()]
        answers = {key: store.correct(key, "val").tolist() for key in records}
        try:
            rest: object = (
                golden.exhibits(),
                golden.cells(EXHIBIT),
                {name: bits.tolist() for name, bits in golden.all_answers.items()},
                golden.all_readings,
            )
        except BenchError as error:
            rest = str(error)
            lines.append(str(error))
        found = {key: record.to_json() for key, record in records.items()}
        return (found, answers, rest), lines


def damage(place: Place, dice: random.Random) -> tuple[Path, str, Content]:
    """Damage one file of a place.

    Args:
        place: the place.
        dice: what chooses.

    Returns:
        The file, the kind of damage, and the content that it had.
    """
    path, kind = dice.choice(place.files()), dice.choice(list(DAMAGES))
    content = path.read_bytes()
    alike = [p for p in place.files() if p.suffix == path.suffix and p != path] or [path]
    new = DAMAGES[kind](content, dice, dice.choice(alike).read_bytes())
    if new is None:
        path.unlink()
    else:
        path.write_bytes(new)
    return path, kind, content


def judged(place: Place, whole: object, path: Path) -> str:
    """What becomes of a damaged file: "found", "harmless", "absent" for a deleted record, "unseen", or the error."""
    try:
        read, lines = place.read()
    except Exception as error:
        return f"ERROR {type(error).__name__}: {error}"
    if any(path.name in line or path.stem.partition("-")[0] in line for line in lines):
        return "found"
    if read == whole:
        return "harmless"
    is_record = path.parent == place.results and path.suffix == ".json"
    return "absent" if is_record and not path.exists() else "unseen"


def tortured(times: int, seed: int) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Damage a file of results and of a reference run, again and again.

    Args:
        times: how often.
        seed: seed of the choices.

    Returns:
        Kind of damage and what became of it -> number; a line for each that was unseen or an error.
    """
    counts: Counter[tuple[str, str]] = Counter()
    bad, dice = [], random.Random(seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(paths, "reference", return_value=Path(folder) / "reference"),
    ):
        place = Place(Path(folder))
        place.fill()
        whole, lines = place.read()
        assert not lines, lines
        for _ in range(times):
            path, kind, content = damage(place, dice)
            said = judged(place, whole, path)
            counts[kind, said.partition(" ")[0]] += 1
            if said == "unseen" or said.startswith("ERROR"):
                bad.append(f"{path.name}: {kind}: {said}")
            path.write_bytes(content)
        shutil.rmtree(place.results)
    return counts, bad


@click.command()
@click.option("--times", default=300, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(times: int, seed: int) -> None:
    """Print what became of each kind of damage; exit 1 where one was unseen, or an error."""
    counts, bad = tortured(times, seed)
    for (kind, said), number in sorted(counts.items()):
        print(f"{kind:10} {said:10} {number:5}")
    print("\n".join(bad) or f"{times} damages, none unseen, no error")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
