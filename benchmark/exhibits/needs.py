"""Data sets and encoders that cells and runs need, and a suite without missing ones."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import NamedTuple

from benchmark.core.digest import Json
from benchmark.exhibits.exhibit import Cell
from benchmark.exhibits.run import PIXELS, SPATIAL, STAND_INS, Run, make
from benchmark.suites.suite import Suite

DATASET, TESTED, ENCODER = "data set", "test images", "encoder"
"""Kinds of needs. A run that trains nothing needs of its data set the test images alone."""


class Need(NamedTuple):
    """A needed asset of a suite: kind (one of those above or of `run.STAND_INS`) and role of the data set or encoder."""

    kind: str
    role: str

    @property
    def words(self) -> str:
        """Name for printing: "imagenet_r", "generated images of imagenet"."""
        return f"{STAND_INS[self.kind]} of {self.role}" if self.kind in STAND_INS else self.role


def of_cell(cell: Cell, suite: Suite) -> list[Need]:
    """Assets that a cell needs; empty if it only cites a number, cannot be run in the suite, or is known by records alone."""
    if cell.method is None or cell.empty or cell.recorded or cell.question.declares is not None or cell.lacks(suite):
        return []
    target = cell.question.target
    shift = [] if target is None else [Need(DATASET, target)]
    parts = (of_run(make(suite, part, seed=0)) for part in cell.parts())
    return list(dict.fromkeys([need for part in parts for need in part] + shift))


def of_run(run: Run) -> list[Need]:
    """Assets that a run needs, without the shifts on which it is also tested."""
    roles = [role.removesuffix(SPATIAL) for role in run.roles().values() if role != PIXELS]
    data = Need(DATASET if run.shots else TESTED, run.dataset)
    needs = [data, *(Need(kind, run.dataset) for kind in run.wants())]
    return [*needs, *(Need(ENCODER, role) for role in dict.fromkeys([run.backbone, *roles]))]


def everything(suite: Suite) -> list[Need]:
    """Every asset of the suite: data sets, generated images and sentences, encoders."""
    found = [Need(kind, role) for kind in (DATASET, TESTED) for role in suite.datasets]
    for kind in STAND_INS:
        found += [Need(kind, role) for role, spec in suite.datasets.items() if spec.get(kind)]
    return found + [Need(ENCODER, role) for role in suite.encoders]


def needed(cells: Iterable[Cell], suite: Suite) -> dict[Need, list[str]]:
    """Assets that cells need, data sets first -> ids of the exhibits of these cells."""
    found: dict[Need, dict[str, None]] = {}
    for cell in cells:
        for need in of_cell(cell, suite):
            found.setdefault(need, {})[cell.exhibit] = None
    return {need: list(found[need]) for need in everything(suite) if need in found}


def without(suite: Suite, gone: Collection[Need]) -> Suite:
    """The suite without the given data sets, encoders, generated images and sentences."""
    there = [role for role in suite.datasets if Need(TESTED, role) not in gone]
    encoders = {role: spec for role, spec in suite.encoders.items() if Need(ENCODER, role) not in gone}
    return replace(suite, datasets={role: _reduced_table(suite, role, gone) for role in there}, encoders=encoders)


def _reduced_table(suite: Suite, role: str, gone: Collection[Need]) -> Json:
    """The suite's table of a data set, without removed shifts, shift encoders, generated images and sentences."""
    spec = {name: value for name, value in suite.datasets[role].items() if Need(name, role) not in gone}
    if Need(DATASET, role) in gone:  # its test images may be there, but nothing can be drawn
        spec["shots"] = []
    for key, kind in (("shifts", DATASET), ("shift_encoders", ENCODER)):
        if key in spec:
            spec[key] = [name for name in spec[key] if Need(kind, name) not in gone]
    return spec


def without_shifts(suite: Suite) -> Suite:
    """The suite without the shifts of its data sets."""
    return without(
        suite, [Need(DATASET, shift) for spec in suite.datasets.values() for shift in spec.get("shifts", ())]
    )
