"""Which runs of two rows are compared with each other: at which draws of the support set, and on which images.

A seed draws a support set. Two rows are compared at the seeds that both have. A row without a support set (0 shots) draws
nothing, so that its one run is compared with the other row's run at every seed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.core.errors import BenchError
from benchmark.records import readings
from benchmark.records.record import Record
from benchmark.records.store import Store

Answers = Callable[[Record], np.ndarray | None]
"""A run's record -> which test images the run classifies correctly, booleans [N]; None where that is not known."""

Images = tuple[str, str, int]
"""Images that answers are to: role of the data set or shift, its fingerprint, and the number of images."""

Runs = Sequence[Record]
"""The runs of a cell at one seed: several where the cell is a mean over data sets."""


@dataclass(frozen=True)
class Paired:
    """Runs of some rows at the draws of the support set that all these rows have.

    Attributes:
        seeds: The seed of each draw; one seed where no row draws anything, none where the rows have no draw in common.
        sides: Row by row, the runs at each of `seeds`.
    """

    seeds: tuple[int, ...]
    sides: tuple[tuple[Runs, ...], ...]

    def keys(self, selection: str) -> tuple[str, ...]:
        """Keys of the runs whose results count under `selection`, each once, row by row."""
        runs = (record for side in self.sides for at_seed in side for record in at_seed)
        return tuple(dict.fromkeys(readings.under(record, selection).key for record in runs))

    def answers(self, *known: Answers, target: str | None = None) -> list[list[np.ndarray]] | None:
        """Which images each row classifies correctly: booleans [N], row by row and seed by seed.

        Args:
            *known: Row by row, where the answers come from.
            target: Role of the shift whose images are meant, rather than the test images.

        Returns:
            None where the rows were not measured on the same images, or the answers of a run are gone. ValueError where a row
            has several runs at one seed, as means over data sets have.
        """
        runs = [[record for (record,) in side] for side in self.sides]
        if len({images(record, target) for side in runs for record in side}) > 1:
            return None
        found = []
        for side, answers_of in zip(runs, known, strict=True):
            right = [answers_of(record) for record in side]
            there = [answers for answers in right if answers is not None]
            if len(there) < len(right):
                return None
            found.append(there)
        return found


def pair(*rows: Iterable[Record]) -> Paired:
    """The records of some rows' cells, paired by draws of the support set."""
    sides = [by_seed(records) for records in rows]
    seeds = _common(sides)
    return Paired(tuple(seeds), tuple(tuple(_at(side, seed) for seed in seeds) for side in sides))


def repeated(records: Iterable[Record], times: int = 2) -> Paired:
    """The runs of one row, each paired with its own repetitions elsewhere (the reference run): every run counts."""
    side = tuple((record,) for record in records)
    return Paired(tuple(record.seed for (record,) in side), (side,) * times)


def stored(store: Store, selection: str, target: str | None = None) -> Answers:
    """The answers that `store` keeps under `selection`, to the test images or to those of the shift `target`."""

    def answers(record: Record) -> np.ndarray | None:
        try:
            return store.correct(readings.under(record, selection).key, selection, target)
        except BenchError:
            return None

    return answers


def by_seed(records: Iterable[Record]) -> dict[int, list[Record]]:
    """Seed -> the runs at that seed."""
    found: dict[int, list[Record]] = {}
    for record in records:
        found.setdefault(record.seed, []).append(record)
    return found


def by_dataset(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Data set -> the runs on it, one a seed."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.dataset, []).append(record)
    return found


def _common(sides: Collection[Mapping[int, Runs]]) -> list[int]:
    """The seeds at which all sides are compared."""
    if not all(sides):
        return []
    drawing = [set(side) for side in sides if not _draws_nothing(side)]
    return sorted(set.intersection(*drawing)) if drawing else [min(min(side) for side in sides)]


def _at(side: Mapping[int, Runs], seed: int) -> Runs:
    """The runs at `seed`; of a side that draws nothing, those that it has."""
    return side[seed] if seed in side else side[min(side)]


def _draws_nothing(side: Mapping[int, Runs]) -> bool:
    return all(record.shots == 0 for runs in side.values() for record in runs)


def images(record: Record, target: str | None = None) -> Images:
    """The test images of a run, or those of the shift `target`."""
    role = record.dataset if target is None else target
    part = record if target is None else (record.shifts or {}).get(target)
    return role, str(record.fingerprints.get(target or "data")), 0 if part is None else part.n
