"""What there is: exhibits, methods, data sets, backbones, encoders, suites (`bench list`)."""

from collections.abc import Iterable, Mapping
from typing import Any

from benchmark import assets, exhibit, suite
from benchmark.suite import Suite

BACKBONES = ("clip", "open_clip_pair")
"""What loaders are called that give an encoder with a text tower."""


def everything(chosen: Suite) -> dict[str, dict[str, str]]:
    """Kind -> name -> a few words on it, for the chosen suite."""
    exhibits = [exhibit.load(name) for name in exhibit.names()]
    backbones = {role: _file(spec) for role, spec in chosen.encoders.items() if spec["loader"].endswith(BACKBONES)}
    return {
        "tables": {e.id.removeprefix("table"): e.title for e in exhibits if e.id.startswith("table")},
        "figures": {e.id.removeprefix("figure"): e.title for e in exhibits if e.id.startswith("figure")},
        "methods": _methods(exhibits),
        "data sets": {role: _dataset(chosen, role) for role in chosen.datasets},
        "backbones": backbones,
        "encoders": {role: _file(s) for role, s in chosen.encoders.items() if role not in backbones},
        "suites": {name: suite.load(name).title for name in suite.names()},
    }


def _methods(exhibits: Iterable[exhibit.Exhibit]) -> dict[str, str]:
    """Rows that are a method by themselves; in the other exhibits rows are arguments or encoders."""
    return {row["name"]: row["method"] for e in exhibits for row in e.rows if "method" in row}


def _dataset(chosen: Suite, role: str) -> str:
    """Its size; of one that lies outside what there is of it, for it is not opened to be listed."""
    found = assets.look_at_dataset(chosen, role)
    if found is not None:
        return f"{found.state}: {found.path}" if found.usable else found.state
    dataset = assets.dataset(chosen, role)
    return f"{len(dataset.classnames)} classes, {len(dataset.ids('test'))} test images"


def _file(spec: Mapping[str, Any]) -> str:
    """What loads it, and with which arguments."""
    said = ", ".join(f"{name} = {value}" for name, value in spec.items() if name != "loader")
    return spec["loader"] + (f" ({said})" if said else "")
