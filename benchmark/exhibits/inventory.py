"""What the cells of exhibits need from outside, what of it is here, and the suite without the rest. Nothing is opened for it
that can be looked at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.core.asset import Asset
from benchmark.core.errors import Incomplete
from benchmark.encoders.published.slots import MISSING, OK
from benchmark.exhibits import run as runs
from benchmark.exhibits.exhibit import Cell
from benchmark.exhibits.needs import DATASET, ENCODER, Need, needed, of_run
from benchmark.exhibits.opened import Opened
from benchmark.suites.world import World


def licences(opened: Opened) -> dict[str, Any]:
    """For a run's record: the licence of each asset that took part, and whether one of them forbids commercial use.

    Empty where nothing came from outside.
    """
    needs = [*of_run(opened.run), *(Need(DATASET, shift) for shift in opened.shifts)]
    found = {need.words: asset for need in needs if (asset := look(need, opened.world))}
    if not found:
        return {}
    terms = {name: asset.licence or "none stated" for name, asset in found.items()}
    return {"licences": terms, "noncommercial": any(asset.noncommercial for asset in found.values())}


def look(need: Need, world: World, deep: bool = False) -> Asset | None:
    """What there is of it, `deep` at every file of it; None where its reader or loader cannot say before it is opened."""
    if need.kind == ENCODER:
        return world.inspect_encoder(need.role, deep)
    return world.inspect_dataset(need.role, need.kind if need.kind in runs.STAND_INS else "", deep)


def _opened(need: Need, world: World) -> Asset:
    """What there is of something that has to be opened for it. BenchError where what names it is mistaken."""
    state, says = OK, ""
    try:
        opened = world.encoder(need.role) if need.kind == ENCODER else world.dataset(need.role)
        says = f"fingerprint {opened.fingerprint[:12]}"
    except Incomplete as error:
        state, says = MISSING, str(error)
    return Asset(need.role, state, None, says, "", "", False, usable=state == OK)


@dataclass(frozen=True)
class Inventory:
    """What there is of all that some cells need, and which exhibits need it."""

    found: Mapping[Need, Asset]
    exhibits: Mapping[Need, Sequence[str]]

    @property
    def missing(self) -> dict[Need, Asset]:
        """What cannot be used."""
        return {need: asset for need, asset in self.found.items() if not asset.usable}

    def blocks(self, asset: Asset) -> list[str]:
        """The exhibits that need an asset, in whatever role."""
        needs = [need for need, found in self.found.items() if found.name == asset.name]
        return list(dict.fromkeys(exhibit for need in needs for exhibit in self.exhibits[need]))

    def lines(self) -> list[str]:
        """A line for each asset that cannot be used, with the exhibits that it blocks."""
        return list(dict.fromkeys(f"{a.line}; blocks {', '.join(self.blocks(a))}" for a in self.missing.values()))


def take(cells: Iterable[Cell], world: World) -> Inventory:
    """Look at everything that these cells need; what cannot be looked at is opened. BenchError where that is mistaken."""
    exhibits = needed(cells, world.suite)
    return Inventory({need: look(need, world) or _opened(need, world) for need in exhibits}, exhibits)


def absent_shifts(world: World, cells: Iterable[Cell]) -> list[Need]:
    """Shifts that are not here and that none of these cells reads: nobody has to fetch them for these."""
    read = {part.get(key) for cell in cells for part in cell.parts() for key in ("target", "dataset")}
    shifts = dict.fromkeys(shift for spec in world.suite.datasets.values() for shift in spec.get("shifts", ()))
    unread = [Need(DATASET, shift) for shift in shifts if shift not in read]
    return [need for need in unread if not (look(need, world) or _opened(need, world)).usable]
