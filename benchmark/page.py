"""`bench report`: one self-contained HTML page from the store. No network, everything escaped, readable without JavaScript.

The answer first (the verdicts of the claims), then the paper's exhibits in its order, what choosing on test adds, what is
missing, the conditions. Every cell opens to its seeds, its provenance and the command that measures it again.
"""

import base64
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmark import claims, figure, leakage, paths, provenance, render
from benchmark import suite as suites
from benchmark.claims import ClaimRow
from benchmark.leakage import Leak
from benchmark.ordering import orders
from benchmark.results import Measured
from benchmark.store import SELECTIONS, Record


def write(
    exhibits: Sequence[Measured],
    problems: dict[str, str],
    folder: Path,
    verdicts: Sequence[ClaimRow] = (),
    leaks: Sequence[Leak] = (),
) -> Path:
    """Write index.html under `folder` and return its path."""
    path = folder / "index.html"
    with paths.writing("reports", folder, "--reports"):
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(html(exhibits, problems, folder, verdicts, leaks), encoding="utf-8")
    return path


def html(
    exhibits: Sequence[Measured],
    problems: dict[str, str],
    drawn: Path | None = None,
    verdicts: Sequence[ClaimRow] = (),
    leaks: Sequence[Leak] = (),
) -> str:
    """The page as text. drawn: a folder with the pictures, where these exhibits were just rendered; else they are drawn."""
    environment = Environment(
        loader=PackageLoader("benchmark"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html")
    return template.render(
        suite=exhibits[0].suite,
        claims=[_claim(row) for row in verdicts],
        tally=_tally(verdicts),
        exhibits=[_exhibit(measured, drawn) for measured in exhibits if measured.ready],
        leaks=leakage.grids(leaks),
        waiting=[_waiting(measured) for measured in exhibits if not measured.ready],
        problems=problems,
        conditions=provenance.summary(_each_once(exhibits)),
    )


def _claim(row: ClaimRow) -> dict[str, Any]:
    ours = row.verdicts["val"]
    told = {name: getattr(row, name) for name in ("quote", "place", "reading", "note", "quantifier")}
    effect = f"{claims.words(ours)}, {ours.at}" if ours.at else ours.reason
    return {
        **told,
        "verdicts": [{"says": v.says, "css": v.says.replace(" ", "-")} for v in row.verdicts.values()],
        "comparisons": [{"says": c.says, "name": c.name, "effect": claims.words(c)} for c in ours.comparisons],
        "decides": effect,
    }


def _tally(verdicts: Sequence[ClaimRow]) -> str:
    """How many claims have which verdict under val, in a sentence."""
    says = [row.verdicts["val"].says for row in verdicts]
    kinds = (claims.SUPPORTED, claims.CONTRADICTED, claims.INCONCLUSIVE, claims.NOT_RUN)
    return f"Of {len(says)} under val " + ", ".join(f"{says.count(kind)} are {kind}" for kind in kinds) + "."


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
        "files": _files(measured),
    }


def _files(measured: Measured) -> list[dict[str, str]]:
    """The exhibit as data, inside the page: name and data: URL."""
    texts = {
        "csv": ("text/csv", render.csv(measured)),
        "md": ("text/markdown", render.markdown(measured)),
        "tex": ("text/x-tex", render.latex(measured)),
    }
    return [
        {
            "name": f"{measured.exhibit.id}.{suffix}",
            "url": f"data:{kind};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}",
        }
        for suffix, (kind, text) in texts.items()
    ]


def _waiting(measured: Measured) -> dict[str, str]:
    return {
        "title": measured.exhibit.title,
        "share": f"{100 * measured.share:.0f} %",
        "command": _command(measured),
    }


def _command(measured: Measured) -> str:
    """What measures the exhibit."""
    name = measured.suite.name
    suite = "" if name == "mini" else f" --suite {name if name in suites.names() else f'{name}.toml'}"
    return f"{measured.exhibit.command}{suite}"


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
    records = measured.records[name, column]
    return {
        "value": render.shown(measured, row),
        "others": render.other_selections(measured, row),
        "seeds": _seeds(records),
        "provenance": _provenance(records),
        "again": _again(measured, name, column),
    }


def _again(measured: Measured, name: str, column: str) -> str:
    """What measures a cell again."""
    said = next(c for c in measured.exhibit.columns if c["name"] == column)
    shots = f" --shots {said['shots']}" if "shots" in said else ""
    return f"{_command(measured)} --method {shlex.quote(name)}{shots} --rerun"


def _provenance(records: Sequence[Record]) -> str:
    """When, at which commit and on what a cell was measured, in a line."""
    days = sorted({str(record.get("measured", ""))[:10] for record in records})
    commits = sorted({str(record["conditions"].get("commit", "unknown"))[:7] for record in records})
    cpus = sorted({str(record["conditions"].get("cpu", "unknown")) for record in records})
    return f"Measured {' and '.join(days)} at commit {' and '.join(commits)} on {' and '.join(cpus)}."


def _seeds(records: Sequence[Record]) -> list[dict[str, Any]]:
    """A cell's records, seed by seed, for the details that a cell opens to."""
    return [
        {
            "seed": record["asked"].get("seed"),
            **{s: f"{100 * record['selections'][s]['correct'] / max(1, record['n']):.2f}" for s in SELECTIONS},
            "chose": _chose(record),
            "key": record["key"],
            "fit": record.get("seconds", {}).get("fit"),
        }
        for record in records
    ]


def _chose(record: Record) -> str:
    """Epoch and settings that validation chose: "epoch 34, beta 3.2"."""
    picked = record["selections"]["val"]
    settings = (f"{name} {value:.3g}" for name, value in picked.get("tuned", {}).items())
    return ", ".join([f"epoch {picked.get('epoch', '–')}", *settings])


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
