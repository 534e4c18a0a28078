"""`bench report`: one self-contained HTML page from the store. No network, no JavaScript, everything escaped."""

import base64
import tempfile
from collections.abc import Mapping, Sequence
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
        path.write_text(html(exhibits, problems, folder), encoding="utf-8")
    return path


def html(exhibits: Sequence[Measured], problems: dict[str, str], drawn: Path | None = None) -> str:
    """The page as text. drawn: a folder with the pictures, where these exhibits were just rendered; else they are drawn."""
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
        exhibits=[_exhibit(measured, drawn) for measured in exhibits if measured.ready],
        waiting=[_waiting(measured) for measured in exhibits if not measured.ready],
        problems=problems,
        conditions=provenance.summary(_each_once(exhibits)),
    )


def _exhibit(measured: Measured, drawn: Path | None) -> dict[str, Any]:
    return {
        "id": measured.exhibit.id,
        "title": measured.exhibit.title,
        "caption": measured.exhibit.caption,
        "paper": measured.exhibit.paper,
        "row_header": measured.exhibit.row_header,
        "panels": [_panel(measured, *panel) for panel in measured.exhibit.by_panel().items()],
        "extras": render.extra_tables(measured),
        "orders": orders(measured),
        "missing": render.missing_rows(measured),
        "deviations": render.deviations(measured),
        "picture": _encoded(measured, drawn) or _picture(measured),
    }


def _waiting(measured: Measured) -> dict[str, str]:
    kind = "figure" if measured.exhibit.id.startswith("figure") else "table"
    return {
        "title": measured.exhibit.title,
        "share": f"{100 * measured.share:.0f} %",
        "command": f"bench run --{kind} {measured.exhibit.id.removeprefix(kind)}",
    }


def _panel(measured: Measured, name: str, columns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "columns": [column.get("short", column["name"]) for column in columns],
        "rows": [
            {"name": row["name"], "cells": [_cell(measured, row["name"], column["name"]) for column in columns]}
            for row in measured.exhibit.rows
        ],
    }


def _cell(measured: Measured, name: str, column: str) -> dict[str, Any]:
    if (name, column) in measured.texts:
        return {"value": measured.texts[name, column], "others": "", "seeds": []}
    row = measured.at(name, column)
    return {
        "value": render.value(row),
        "others": render.other_selections(measured, row),
        "seeds": _seeds(measured.records[name, column]),
    }


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


def _encoded(measured: Measured, drawn: Path | None) -> str:
    """The picture that lies drawn in a folder, as base64 PNG; empty where it does not."""
    path = drawn / f"{measured.exhibit.id}.png" if drawn is not None else None
    return base64.b64encode(path.read_bytes()).decode() if path is not None and path.is_file() else ""


def _picture(measured: Measured) -> str:
    """The exhibit's picture as base64 PNG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        figure.draw(measured, path)
        return base64.b64encode(path.read_bytes()).decode()


def _each_once(exhibits: Sequence[Measured]) -> list[Record]:
    """Every record that is shown, once, however many exhibits share it."""
    shown = (record for measured in exhibits for found in measured.records.values() for record in found)
    return list({record["key"]: record for record in shown}.values())
