"""What moved since an earlier measurement: each cell less the same cell of another results folder.

Cells are compared as rows are (`benchmark.analysis.compare`): at the same seeds, and on the same images where both stores
keep every image's answer. A cell moved where its difference is no chance by Holm's adjustment over the cells of its exhibit.
Cells of the very same records did not move and are no comparisons.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from pathlib import Path

from benchmark.analysis.compare import LEFT, RIGHT, Compared, compare_cells
from benchmark.analysis.pairing import pair
from benchmark.analysis.results import Measured, gather
from benchmark.numerics import stats
from benchmark.records.record import Record
from benchmark.records.store import Store

SELECTION = "val"
Place = tuple[str, str, str]
"""Exhibit, row and column of a cell."""


@dataclass(frozen=True)
class Moves:
    """The cells of some exhibits less those of an earlier results folder.

    Attributes:
        folder: The earlier results.
        same: Number of cells that rest on the very same records.
        compared: The differences of the others, in the order of the exhibits.
    """

    folder: Path
    same: int = 0
    compared: Mapping[Place, Compared] = field(default_factory=dict)

    @property
    def moved(self) -> dict[Place, Compared]:
        """The differences that are no chance."""
        return {place: found for place, found in self.compared.items() if found.says in (LEFT, RIGHT)}

    @property
    def words(self) -> str:
        """How many cells moved, of how many: "2 of 50 cells moved beyond chance"."""
        return f"{len(self.moved)} of {self.same + len(self.compared)} cells moved beyond chance"


def since(exhibits: Sequence[Measured], store: Store, folder: Path, earlier: Mapping[str, Record], old: Store) -> Moves:
    """Compare the cells of exhibits with those of an earlier measurement.

    Args:
        exhibits: Exhibits with our records.
        store: The answers of our records.
        folder: The earlier results folder, for people.
        earlier: Key -> earlier record.
        old: The answers of the earlier records.

    Returns:
        The comparisons of all cells that both have.
    """
    same = 0
    compared: dict[Place, Compared] = {}
    for measured in exhibits:
        before = gather(measured.exhibit, measured.suite, earlier)
        found: dict[Place, Compared] = {}
        for cell in measured.exhibit.cells():
            place = cell.row, cell.column
            sides = measured.records.get(place, []), before.records.get(place, [])
            if sides[0] and sides[0] == sides[1]:
                same += 1
            elif one := compare_cells(", ".join(place), cell.question, pair(*sides), (store, old), SELECTION):
                found[measured.exhibit.id, *place] = one
        adjusted = stats.holm([1.0 if isnan(one.p) else one.p for one in found.values()])
        compared |= {place: replace(one, adjusted=p) for (place, one), p in zip(found.items(), adjusted, strict=True)}
    return Moves(folder, same, compared)
