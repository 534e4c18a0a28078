"""What there is: exhibits, methods, data sets, backbones, encoders, suites (`bench list`)."""

from collections.abc import Iterable

from benchmark import assets, exhibit, suite
from benchmark.suite import Suite


def everything(chosen: Suite) -> dict[str, dict[str, str]]:
    """Kind -> name -> a few words on it, for the chosen suite."""
    exhibits = [exhibit.load(name) for name in exhibit.names()]
    backbones = {role: _file(spec) for role, spec in chosen.encoders.items() if spec["loader"].endswith("clip")}
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
    dataset = assets.dataset(chosen, role)
    return f"{len(dataset.classnames)} classes, {len(dataset.ids('test'))} test images"


def _file(spec: object) -> str:
    return str(spec["loader"]) if isinstance(spec, dict) else ""
