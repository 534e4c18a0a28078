"""Cells by class, where a test set has more images of some classes than of others: recalls, confusions, balanced accuracy.

On such a test set the accuracy is mostly that of the largest classes. It is all counted from the predicted classes that
records keep. An exhibit is looked at by class if its cells are of one test set, such as Table 4 on own images.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmark.exhibits.exhibit import Cell
from benchmark.numerics import confusion, stats
from benchmark.records import readings
from benchmark.records.record import Record
from benchmark.records.store import Store, Tested

Place = tuple[str, str]
"""Row and column of a cell."""


@dataclass(frozen=True)
class OneClass:
    """A class in a cell.

    Attributes:
        name: Name of the class.
        n: Number of its test images.
        recall: The part of them that is classified correctly, in per cent, mean over seeds.
        taken_for: The class that they are most often taken for, "" where all are right.
        share: How many of them are, in per cent, mean over seeds.
    """

    name: str
    n: int
    recall: float
    taken_for: str
    share: float


@dataclass(frozen=True)
class ByClass:
    """Confusion matrices of a cell, one a seed, under `val`.

    Attributes:
        names: Names of the classes.
        seeds: A confusion matrix [C, C] for each seed.
    """

    names: Sequence[str]
    seeds: Sequence[np.ndarray]

    @cached_property
    def counts(self) -> np.ndarray:
        """Confusion matrix [C, C], summed over seeds."""
        found: np.ndarray = np.sum(self.seeds, axis=0)
        return found

    @cached_property
    def balanced(self) -> tuple[float, float | None, float | None]:
        """Balanced accuracy with its 95 % interval over seeds, in per cent; one seed has none, its classes being small."""
        each = [confusion.balanced_accuracy(counts) for counts in self.seeds]
        return stats.over_seeds(each) if len(each) > 1 else (each[0], None, None)

    @cached_property
    def classes(self) -> list[OneClass]:
        """The classes that have test images, in their order."""
        images, recalls, others = (
            self.counts.sum(1),
            confusion.recalls(self.counts),
            confusion.most_confused(self.counts),
        )
        return [
            OneClass(
                name,
                int(images[c]) // len(self.seeds),
                float(100 * recalls[c]),
                "" if other is None else self.names[other],
                0.0 if other is None else float(100 * self.counts[c, other] / images[c]),
            )
            for c, (name, other) in enumerate(zip(self.names, others, strict=True))
            if images[c]
        ]

    @property
    def worst(self) -> list[OneClass]:
        """The classes by recall, lowest first."""
        return sorted(self.classes, key=lambda one: one.recall)


def of_cells(cells: Iterable[Cell], records: Mapping[Place, Sequence[Record]], store: Store) -> dict[Place, ByClass]:
    """Look at the cells of an exhibit by class.

    Args:
        cells: Cells of the exhibit.
        records: Row and column -> records of the seeds.
        store: Store of the records.

    Returns:
        The accuracies on test images whose records keep what they predicted; none where these are of several test sets.
    """
    asked = [cell for cell in cells if cell.question.metric == "accuracy" and cell.question.target is None]
    places = [(cell.row, cell.column) for cell in asked]
    runs = {place: [readings.under(record, "val") for record in records.get(place, ())] for place in places}
    if len({run.tested for found in runs.values() for run in found} - {None}) != 1:
        return {}
    by_place = {place: _of_runs(found, store) for place, found in runs.items() if found}
    return {place: found for place, found in by_place.items() if found is not None}


def _of_runs(runs: Iterable[Record], store: Store) -> ByClass | None:
    """The runs of a cell; None where one does not keep what it predicted."""
    found = [store.tested(run) for run in runs]
    kept = [one for one in found if one is not None]
    if len(kept) < len(found):
        return None
    return ByClass(kept[0].classes, [_matrix(one) for one in kept])


def _matrix(tested: Tested) -> np.ndarray:
    return confusion.confusion(tested.labels, tested.predicted, len(tested.classes))
