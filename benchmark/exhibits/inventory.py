"""Which of the data sets and weights that cells need are on this machine.

Files are inspected where the reader or loader can do that; only other data sets and encoders are opened.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmark.core.asset import DIFFERS, INCOMPLETE, LARGER, MISSING, OK, Asset
from benchmark.core.digest import JsonDict
from benchmark.core.errors import Incomplete
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Cell
from benchmark.exhibits.needs import DATASET, ENCODER, TESTED, Need, needed, of_run
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import STAND_INS
from benchmark.suites.world import World


def licences(opened: Opened) -> JsonDict:
    """Licences of the data sets and weights of a run, and weights with another hash, for its record.

    Args:
        opened: Run with its data sets and encoders.

    Returns:
        {"licences": {asset: licence}, "noncommercial": whether one of them forbids commercial use, "differs": {asset: why
        its weights are not known to be the published ones}}; empty if every asset is part of this repository.
    """
    needs = [*of_run(opened.run), *(Need(DATASET, shift) for shift in opened.shifts)]
    found = {need.words: asset for need in needs if (asset := look(need, opened.world))}
    if not found:
        return {}
    terms = {name: asset.licence or "none stated" for name, asset in found.items()}
    differs = {
        name: asset.says.removeprefix(f"{asset.path}: ") for name, asset in found.items() if asset.state == DIFFERS
    }
    forbids = any(asset.noncommercial for asset in found.values())
    return {"licences": terms, "noncommercial": forbids, "differs": differs or None}


def look(need: Need, world: World, deep: bool = False) -> Asset | None:
    """Inspect a needed asset, every file of it if `deep`; None if its reader or loader cannot do that without opening it."""
    if need.kind == ENCODER:
        return world.inspect_encoder(need.role, deep)
    part = need.kind if need.kind in STAND_INS else ""
    return world.inspect_dataset(need.role, part, deep, only_test=need.kind == TESTED)


def looks(needs: Iterable[Need], world: World, deep: bool = False) -> dict[Need, Asset | None]:
    """Inspect needed assets in their order; a data set that can be used is not inspected again for its test images."""
    found: dict[Need, Asset | None] = {}
    for need in needs:
        whole = found.get(Need(DATASET, need.role)) if need.kind == TESTED else None
        found[need] = whole if whole and whole.usable else look(need, world, deep)
    return found


def _opened(need: Need, world: World) -> Asset:
    """State of an asset, found by opening it; BenchError if its entry in the suite is wrong."""
    state, says = OK, ""
    try:
        opened = world.encoder(need.role) if need.kind == ENCODER else world.dataset(need.role)
        says = f"fingerprint {opened.fingerprint[:12]}"
    except Incomplete as error:
        state, says = MISSING, str(error)
    return Asset(need.role, state, None, says, "", "", False, usable=state == OK)


@dataclass(frozen=True)
class Inventory:
    """State of every asset that some cells need.

    Attributes:
        found: Needed asset -> its state.
        exhibits: Needed asset -> ids of the exhibits that need it.
    """

    found: Mapping[Need, Asset]
    exhibits: Mapping[Need, Sequence[str]]

    @property
    def missing(self) -> dict[Need, Asset]:
        """Assets that cannot be used."""
        return {need: asset for need, asset in self.found.items() if not asset.usable}

    @property
    def assets(self) -> list[Asset]:
        """Each asset once; of a data set the state of the whole, where the test images were inspected as well."""
        named: dict[str, Asset] = {}
        for asset in self.found.values():
            named.setdefault(asset.name, asset)
        return list(named.values())

    @property
    def of_another_size(self) -> list[Asset]:
        """Data sets that are used although they have another number of images than published."""
        return [asset for asset in self.assets if asset.usable and asset.state in (INCOMPLETE, LARGER)]

    def blocks(self, asset: Asset) -> list[str]:
        """Ids of the exhibits that need an asset, in any role."""
        needs = [need for need, found in self.found.items() if found.name == asset.name]
        return list(dict.fromkeys(exhibit for need in needs for exhibit in self.exhibits[need]))

    def lines(self) -> list[str]:
        """One line for each asset that cannot be used, with the exhibits that need it."""
        return [f"{a.line}; blocks {', '.join(self.blocks(a))}" for a in self.assets if not a.usable]


def take(cells: Iterable[Cell], world: World) -> Inventory:
    """Inspect, or else open, every asset that the cells need; BenchError if an entry in the suite is wrong."""
    exhibits = needed(cells, world.suite)
    found = looks(exhibits, world)
    return Inventory({need: asset or _opened(need, world) for need, asset in found.items()}, exhibits)


def spare_shifts(world: World, cells: Iterable[Cell], held: Collection[str] = ()) -> list[Need]:
    """Find the shifts that runs of the cells go without: to encode them takes longer than all else of a small run.

    A shift is kept that an exhibit reads of a training of these cells, so that no training is repeated for it.

    Args:
        world: Suite on this machine.
        cells: Cells.
        held: Roles of shifts to which records have answers that are measured again, so that none are lost.

    Returns:
        The shifts that no cell reads, without those that are kept or held and can be used on this machine.
    """
    cells = list(cells)
    read = {role for cell in cells for part in cell.parts() for role in (part.target, part.dataset)}
    kept = {*held, *_read_of_trainings(cells, world)}
    shifts = dict.fromkeys(shift for spec in world.suite.datasets.values() for shift in spec.get("shifts", ()))
    unread = [Need(DATASET, shift) for shift in shifts if shift not in read]
    return [need for need in unread if need.role not in kept or not (look(need, world) or _opened(need, world)).usable]


def _read_of_trainings(cells: Iterable[Cell], world: World) -> set[str]:
    """Shifts that any exhibit reads of the runs of cells, without those that train nothing."""
    keys = {run.cell_key: run.method for cell in cells for run in cell.runs(world.suite, [0]) if run.shots}
    shown = (cell for name in exhibit.names() for cell in exhibit.load(name).cells())
    asked = [cell for cell in shown if cell.question.target is not None and cell.method in keys.values()]
    return {str(c.question.target) for c in asked if any(run.cell_key in keys for run in c.runs(world.suite, [0]))}
