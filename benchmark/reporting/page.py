"""The HTML page of `bench report`: self-contained, without network access, readable without JavaScript, all text escaped.

The page begins with the verdicts of the claims and a guide to reading. The paper's exhibits follow in the paper's order, then
those that were asked of other data and encoders, the leakage of selection on test images, the sensitivity to the weight of
the logit bias, missing exhibits, and the conditions of the measurement. Every cell opens to its seeds, its provenance and
the command that measures it again.
"""

import base64
import re
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from benchmark.analysis import beta_sensitivity, claims, leakage, remarks
from benchmark.analysis.claims import ClaimRow, Comparison
from benchmark.analysis.drawn import nothing_to_choose, unvalidated
from benchmark.analysis.leakage import Leak
from benchmark.analysis.ordering import orders
from benchmark.analysis.other_questions import NO_OTHERS, NOT_DRAWN, Others, told
from benchmark.analysis.results import Measured, csv
from benchmark.core.digest import Json, JsonDict
from benchmark.core.files import written_whole
from benchmark.core.numbers import fixed
from benchmark.core.text import lines
from benchmark.exhibits.exhibit import Cell
from benchmark.exhibits.question import Question
from benchmark.records import provenance, readings
from benchmark.records.record import SELECTIONS, Record
from benchmark.reporting import tables
from benchmark.reporting.exhibit_files import markdown
from benchmark.reporting.figures import draw
from benchmark.reporting.notes import cached_views, deviations, missing
from benchmark.reporting.tables import extra_tables, latex, other_selections
from benchmark.suites.suite import Suite


def write(
    exhibits: Sequence[Measured],
    problems: dict[str, str],
    folder: Path,
    verdicts: Sequence[ClaimRow] = (),
    leaks: Sequence[Leak] = (),
    others: Others = NO_OTHERS,
) -> Path:
    """Write index.html under `folder` and return its path."""
    path = folder / "index.html"
    text = html(exhibits, problems, folder, verdicts, leaks, others)
    with written_whole("reports", path, "--reports") as file:
        file.write(text.encode())
    return path


def html(
    exhibits: Sequence[Measured],
    problems: dict[str, str],
    drawn: Path | None = None,
    verdicts: Sequence[ClaimRow] = (),
    leaks: Sequence[Leak] = (),
    others: Others = NO_OTHERS,
) -> str:
    """The HTML page as text.

    Args:
        exhibits: the exhibits of one suite.
        problems: file name -> reason, for records that were skipped.
        drawn: folder with the figures of these exhibits as <id>.png; figures without a file are drawn.
        verdicts: verdicts of the claims.
        leaks: leakage of selection on test images.
        others: records of questions that these exhibits do not ask.

    Returns:
        The page.
    """
    environment = Environment(
        loader=PackageLoader("benchmark.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_fit,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(code=_code, fixed=fixed)
    records = _each_once([*exhibits, *others.shown])
    return environment.get_template("report.html").render(
        suite=exhibits[0].suite,
        facts=_facts(records),
        claims=[_claim(row) for row in verdicts],
        tally=_tally(verdicts),
        sources=claims.SOURCES,
        selections=SELECTIONS,
        other_selections=tables.OTHER_SELECTIONS,
        views=cached_views(exhibits[0].suite),
        exhibits=[_exhibit(measured, drawn) for measured in exhibits if measured.ready],
        others=[_exhibit(measured, drawn) for measured in others.shown],
        not_drawn=told(others.left, exhibits[0].suite, NOT_DRAWN),
        leaks=leakage.grids(leaks, exhibits[0].suite),
        sensitivity=beta_sensitivity.grids(beta_sensitivity.costs(exhibits)),
        waiting=[_waiting(measured) for measured in exhibits if not measured.ready],
        problems=problems,
        conditions={"seeds": ", ".join(map(str, _drawn_seeds(records))) or "none", **provenance.summary(records)},
    )


def _code(text: str) -> Markup:
    """Escape a text for HTML and mark up parts in backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _fit(value: object) -> object:
    """A value of a template as visible text: no sign in the names and messages of others hides what follows it."""
    if isinstance(value, Markup):
        return Markup(lines(value))
    return lines(value) if isinstance(value, str) else value


def _facts(records: Sequence[Record]) -> str:
    """The sentence on the number of runs, the number of seeds, and the dates of measurement."""
    if not records:
        return "Nothing is measured yet."
    seeds = _drawn_seeds(records)
    days = sorted({(record.measured or "")[:10] for record in records} - {""})
    when = f", measured {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else "") if days else ""
    drawn = f"{len(seeds)} draws of the support set" if len(seeds) > 1 else "one draw of the support set"
    return f"{len(records)} runs, {drawn}{when}."


def _drawn_seeds(records: Sequence[Record]) -> list[int]:
    """Seeds of the runs with a support set, ascending."""
    return sorted({record.seed for record in records if record.shots})


def _claim(row: ClaimRow) -> JsonDict:
    ours = row.verdicts["val"]
    told = {name: getattr(row, name) for name in ("quote", "place", "reading", "note", "quantifier")}
    effect = f"{claims.words(ours)}, {ours.at}" if ours.at and ours.effect is not None else ""
    return {
        **told,
        "verdicts": [_said(v.says) for v in row.verdicts.values()],
        "comparisons": _comparisons(row),
        "decides": effect,
        "reason": ours.reason,
    }


def _said(says: str) -> dict[str, str]:
    return {"says": says, "css": says.replace(" ", "-")}


def _comparisons(row: ClaimRow) -> list[JsonDict]:
    """Each comparison of a claim, with its outcome by source (`claims.SOURCES`)."""
    by_source = {name: {c.name: c for c in verdict.comparisons} for name, verdict in row.verdicts.items()}
    names = dict.fromkeys(name for found in by_source.values() for name in found)
    return [
        {"name": name, "by": [_told(found.get(name), source) for source, found in by_source.items()]} for name in names
    ]


def _told(comparison: Comparison | None, source: str) -> dict[str, str]:
    if comparison is None:
        return {"says": "–", "css": "not-run", "effect": "", "rests": ""}
    count = len(comparison.rests_on)
    what = f"{'printed number' if source == 'paper' else 'record'}{'s' * (count != 1)}"
    rests = f"{'premise; ' * comparison.premise}{count} {what}, over {comparison.over}"
    return {**_said(comparison.says), "effect": claims.words(comparison), "rests": rests}


def _tally(verdicts: Sequence[ClaimRow]) -> str:
    """The sentence with the number of claims by verdict, under the `val` selection."""
    says = [row.verdicts["val"].says for row in verdicts]
    kinds = (claims.SUPPORTED, claims.CONTRADICTED, claims.INCONCLUSIVE, claims.NOT_RUN)
    counted = ", ".join(f"{says.count(kind)} {kind}" for kind in kinds)
    return f"Of the {len(says)} conclusions, on validation's choice: {counted}."


def _exhibit(measured: Measured, drawn: Path | None) -> JsonDict:
    views = cached_views(measured.suite)
    cells = {(cell.row, cell.column): cell for cell in measured.exhibit.cells()}
    return {
        "id": measured.exhibit.id,
        "title": measured.exhibit.title,
        "caption": measured.exhibit.caption,
        "paper": measured.exhibit.paper,
        "is_figure": measured.exhibit.id.startswith("figure"),
        "row_header": measured.exhibit.row_header,
        "panels": [_panel(measured, cells, *panel) for panel in measured.exhibit.by_panel().items()],
        "extras": extra_tables(measured),
        "orders": orders(measured),
        "missing": missing(measured),
        "remarks": remarks.sentences(measured),
        "deviations": [line for line in deviations(measured) if line != views],
        "picture": _encoded(measured, drawn) or _picture(measured),
        "files": _files(measured),
    }


def _files(measured: Measured) -> list[dict[str, str]]:
    """The files of an exhibit as `data:` URLs, for download from the page."""
    texts = {
        "csv": ("text/csv", csv(measured)),
        "md": ("text/markdown", markdown(measured)),
        "tex": ("text/x-tex", latex(measured)),
    }
    return [
        {
            "name": f"{measured.exhibit.id}.{suffix}",
            "url": f"data:{kind};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}",
        }
        for suffix, (kind, text) in texts.items()
    ]


def _waiting(measured: Measured) -> dict[str, str]:
    cells = [cell for cell in measured.exhibit.cells() if cell.method and not (cell.empty or cell.declared)]
    return {
        "title": measured.exhibit.title,
        "share": f"{100 * measured.share:.0f} %",
        "command": measured.command,
        "prevented": measured.prevented((cell.row, cell.column) for cell in cells),
    }


def _panel(measured: Measured, cells: Mapping[tuple[str, str], Cell], name: str, columns: Sequence[Json]) -> JsonDict:
    return {
        "name": name,
        "columns": [column.get("short", column["name"]) for column in columns],
        "rows": [
            {"name": row["name"], "cells": [_cell(measured, cells[row["name"], c["name"]]) for c in columns]}
            for row in measured.exhibit.rows
        ],
    }


def _cell(measured: Measured, cell: Cell) -> JsonDict:
    name, column = cell.row, cell.column
    if (name, column) in measured.texts:
        return {"value": measured.texts[name, column], "others": "", "seeds": []}
    row = measured.at(name, column)
    records = measured.records[name, column]
    return {
        "value": tables.shown(measured, row),
        "others": other_selections(measured, row),
        "seeds": [_seed(record, cell.question, measured.suite) for record in records],
        "provenance": _provenance(records),
        "again": _again(measured, name, column),
    }


def _again(measured: Measured, name: str, column: str) -> str:
    """The command that measures a cell again."""
    said = next(c for c in measured.exhibit.columns if c["name"] == column)
    shots = f" --shots {said['shots']}" if "shots" in said else ""
    drawn = sorted({record.seed for record in measured.records[name, column] if record.shots})
    seeds = f" --seeds {','.join(map(str, drawn))}" if set(drawn) - set(measured.suite.seeds) else ""
    method = shlex.quote(measured.exhibit.added.get(name, name))
    return f"{measured.command} --method {method}{shots}{seeds} --rerun"


def _provenance(records: Sequence[Record]) -> str:
    """The sentence on dates, commits and processors of the measurement of a cell."""
    days = sorted({(record.measured or "")[:10] for record in records})
    commits = sorted({str(record.conditions.get("commit", "unknown"))[:7] for record in records})
    cpus = sorted({str(record.conditions.get("cpu", "unknown")) for record in records})
    return f"Measured {' and '.join(days)} at commit {' and '.join(commits)} on {' and '.join(cpus)}."


def _seed(record: Record, question: Question, suite: Suite) -> JsonDict:
    """The details of one record of a cell: seed, metric value under each selection, chosen settings, key, seconds."""
    run = readings.under(record, "val")
    dataset = "" if question.mean_over is None else f"{suite.named(record.dataset)}, "
    return {
        "seed": f"{dataset}{record.seed}",
        **{selection: _reading(record, question, selection) for selection in SELECTIONS},
        "chose": _chose(record),
        "key": run.key,
        "fit": run.seconds.get("fit"),
    }


def _chose(record: Record) -> str:
    """Epoch and settings chosen on validation images: "epoch 34, beta 3.2"; or why none were."""
    if unvalidated([record]) or nothing_to_choose(record):
        return "no validation images" if record.n_val == 0 and record.shots else "nothing to choose"
    picked = record.selections["val"]
    settings = (f"{name} {value:.3g}" for name, value in (picked.tuned or {}).items())
    return ", ".join([f"epoch {'–' if picked.epoch is None else picked.epoch}", *settings])


def _reading(record: Record, question: Question, selection: str) -> str:
    found = readings.read(record, question, selection)
    return "–" if found is None else fixed(found.value, 2 if readings.counted(question.metric) else 3)


def _encoded(measured: Measured, drawn: Path | None) -> str:
    """The figure of an exhibit in the folder `drawn`, as base64 PNG; empty if there is none."""
    path = drawn / f"{measured.exhibit.id}.png" if drawn is not None else None
    return base64.b64encode(path.read_bytes()).decode() if path is not None and path.is_file() else ""


def _picture(measured: Measured) -> str:
    """The figure of an exhibit, drawn anew, as base64 PNG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        draw.draw(measured, path)
        return base64.b64encode(path.read_bytes()).decode()


def _each_once(exhibits: Sequence[Measured]) -> list[Record]:
    """All records of the exhibits, without duplicates."""
    shown = (record for measured in exhibits for found in measured.records.values() for record in found)
    return list({record.key: record for record in shown}.values())
