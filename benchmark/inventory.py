"""What the cells of exhibits need from outside, what of it is here, and the suite without the rest. Nothing is opened for it
that can be looked at.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from benchmark import assets
from benchmark import run as runs
from benchmark.assets import Asset
from benchmark.encoders.slots import MISSING, OK
from benchmark.errors import Incomplete
from benchmark.exhibit import Cell
from benchmark.run import Run
from benchmark.suite import Suite

DATASET, ENCODER = "data set", "encoder"


class Need(NamedTuple):
    """Something that plays a role in a suite: a data set, an encoder, or one of run.STAND_INS for a data set."""

    kind: str
    role: str

    @property
    def words(self) -> str:
        """ "imagenet_r", "generated images of imagenet"."""
        return f"{runs.STAND_INS[self.kind]} of {self.role}" if self.kind in runs.STAND_INS else self.role


def of_cell(cell: Cell, suite: Suite) -> list[Need]:
    """What a cell needs to be run and read; nothing where it only cites, or the suite has no such role."""
    if cell.method is None or cell.empty or "declares" in cell.said or cell.lacks(suite):
        return []
    shift = [Need(DATASET, cell.said["target"])] if "target" in cell.said else []
    parts = (of_run(runs.make(suite, part, seed=0)) for part in cell.parts())
    return list(dict.fromkeys([need for part in parts for need in part] + shift))


def of_run(run: Run) -> list[Need]:
    """What a run needs, the shifts that it is tested on besides left out."""
    roles = [role.removesuffix(runs.SPATIAL) for role in run.roles().values() if role != runs.PIXELS]
    needs = [Need(DATASET, run.dataset), *(Need(kind, run.dataset) for kind in run.wants())]
    return [*needs, *(Need(ENCODER, role) for role in dict.fromkeys([run.backbone, *roles]))]


def licences(run: Run, suite: Suite) -> dict[str, Any]:
    """For a run's record: the licence of each asset that took part, and whether one of them forbids commercial use.

    Empty where nothing came from outside.
    """
    needs = [*of_run(run), *(Need(DATASET, shift) for shift in run.shifts(suite))]
    found = {need.words: asset for need in needs if (asset := look(need, suite))}
    if not found:
        return {}
    terms = {name: asset.licence or "none stated" for name, asset in found.items()}
    return {"licences": terms, "noncommercial": any(asset.noncommercial for asset in found.values())}


def everything(suite: Suite) -> list[Need]:
    """All that the suite names, data first."""
    found = [Need(DATASET, role) for role in suite.datasets]
    for kind in runs.STAND_INS:
        found += [Need(kind, role) for role, spec in suite.datasets.items() if spec.get(kind)]
    return found + [Need(ENCODER, role) for role in suite.encoders]


def needed(cells: Iterable[Cell], suite: Suite) -> dict[Need, list[str]]:
    """What some cells need, data sets first, and the exhibits that they belong to."""
    found: dict[Need, dict[str, None]] = {}
    for cell in cells:
        for need in of_cell(cell, suite):
            found.setdefault(need, {})[cell.exhibit] = None
    return {need: list(found[need]) for need in everything(suite) if need in found}


def look(need: Need, suite: Suite, deep: bool = False) -> Asset | None:
    """What there is of it, `deep` at every file of it; None where its reader or loader cannot say before it is opened."""
    if need.kind == ENCODER:
        return assets.look_at_encoder(suite, need.role, deep)
    return assets.look_at_dataset(suite, need.role, need.kind if need.kind in runs.STAND_INS else "", deep)


def _opened(need: Need, suite: Suite) -> Asset:
    """What there is of something that has to be opened for it. BenchError where what names it is mistaken."""
    state, says = OK, ""
    try:
        opened = assets.encoder(suite, need.role) if need.kind == ENCODER else assets.dataset(suite, need.role)
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


def take(cells: Iterable[Cell], suite: Suite) -> Inventory:
    """Look at everything that these cells need; what cannot be looked at is opened. BenchError where that is mistaken."""
    exhibits = needed(cells, suite)
    return Inventory({need: look(need, suite) or _opened(need, suite) for need in exhibits}, exhibits)


def without(suite: Suite, gone: Collection[Need]) -> Suite:
    """The suite as if it had not these data sets, encoders, generated images and sentences."""
    there = [role for role in suite.datasets if Need(DATASET, role) not in gone]
    encoders = {role: spec for role, spec in suite.encoders.items() if Need(ENCODER, role) not in gone}
    return replace(suite, datasets={role: _less(suite, role, gone) for role in there}, encoders=encoders)


def _less(suite: Suite, role: str, gone: Collection[Need]) -> Mapping[str, Any]:
    """What a suite says of a data set, without the shifts and parts that are gone."""
    spec = {name: value for name, value in suite.datasets[role].items() if Need(name, role) not in gone}
    for key, kind in (("shifts", DATASET), ("shift_encoders", ENCODER)):
        if key in spec:
            spec[key] = [name for name in spec[key] if Need(kind, name) not in gone]
    return spec


def without_shifts(suite: Suite) -> Suite:
    """The suite as if no data set had a shift."""
    return without(
        suite, [Need(DATASET, shift) for spec in suite.datasets.values() for shift in spec.get("shifts", ())]
    )


def absent_shifts(suite: Suite, cells: Iterable[Cell]) -> list[Need]:
    """Shifts that are not here and that none of these cells reads: nobody has to fetch them for these."""
    read = {part.get(key) for cell in cells for part in cell.parts() for key in ("target", "dataset")}
    shifts = dict.fromkeys(shift for spec in suite.datasets.values() for shift in spec.get("shifts", ()))
    unread = [Need(DATASET, shift) for shift in shifts if shift not in read]
    return [need for need in unread if not (look(need, suite) or _opened(need, suite)).usable]
