"""What there is: exhibits, methods, data sets, backbones, encoders, suites (`bench list`)."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import click

from benchmark.core.errors import ExitCode
from benchmark.exhibits import exhibit
from benchmark.suites import assets
from benchmark.suites import suite as suites
from benchmark.suites.suite import Suite

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
        "suites": {name: suites.load(name).title for name in suites.names()},
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


def show_catalogue(suite: str, form: str) -> ExitCode:
    """Print what there is; returns the exit code."""
    kinds = everything(suites.load(suite))
    if form == "json":
        click.echo(json.dumps(kinds, indent=1, ensure_ascii=False))
        return ExitCode.OK
    for kind, entries in kinds.items():
        click.echo(f"{kind}:" if entries else f"{kind}: none yet")
        width = max(map(len, entries), default=0)
        for name, words in entries.items():
            click.echo(f"  {name:<{width}}  {words}")
    return ExitCode.OK
