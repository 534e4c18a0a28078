"""`bench report`: one self-contained HTML page from the store. No network, no JavaScript, everything escaped."""

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmark import figure, paths, provenance, render
from benchmark.ordering import orders
from benchmark.results import Measured
from benchmark.store import SELECTIONS, Record


def write(exhibits: Sequence[Measured], problems: dict[str, str], folder: Path) -> Path:
    """Write index.html under `folder` and return its path."""
    path = folder / "index.html"
    with paths.writing("reports", folder, "--reports"):
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(html(exhibits, problems), encoding="utf-8")
    return path


def html(exhibits: Sequence[Measured], problems: dict[str, str]) -> str:
    """The page as text."""
    environment = Environment(
        loader=PackageLoader("benchmark"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html")
    suite = exhibits[0].suite
    return template.render(
        suite=suite,
        exhibits=[_exhibit(measured) for measured in exhibits],
        problems=problems,
        conditions=provenance.summary([r for m in exhibits for found in m.records.values() for r in found]),
    )


def _exhibit(measured: Measured) -> dict[str, Any]:
    return {
        "id": measured.exhibit.id,
        "title": measured.exhibit.title,
        "caption": measured.exhibit.caption,
        "paper": measured.exhibit.paper,
        "columns": [column["name"] for column in measured.exhibit.columns],
        "rows": [_row(measured, row["name"]) for row in measured.exhibit.rows],
        "orders": orders(measured),
        "missing": render.missing_rows(measured),
        "deviations": render.deviations(measured),
        "picture": _picture(measured),
        "empty": not any(measured.records.values()),
    }


def _row(measured: Measured, name: str) -> dict[str, Any]:
    cells = []
    for column in measured.exhibit.columns:
        row = measured.at(name, column["name"])
        cells.append(
            {
                "value": render.value(row),
                "others": render.other_selections(measured, row),
                "seeds": _seeds(measured.records[name, column["name"]]),
            }
        )
    return {"name": name, "cells": cells}


def _seeds(records: Sequence[Record]) -> list[dict[str, Any]]:
    """A cell's records, seed by seed, for the details that a cell opens to."""
    return [
        {
            "seed": record["asked"].get("seed"),
            **{s: f"{100 * record['selections'][s]['correct'] / max(1, record['n']):.2f}" for s in SELECTIONS},
            "key": record["key"],
            "fit": record.get("seconds", {}).get("fit"),
        }
        for record in records
    ]


def _picture(measured: Measured) -> str:
    """The exhibit's picture as base64 PNG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        figure.draw(measured, path)
        return base64.b64encode(path.read_bytes()).decode()
