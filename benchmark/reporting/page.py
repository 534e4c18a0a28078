"""The HTML page of `bench report`: self-contained, without network access, readable without JavaScript, all text escaped.

The first screen answers: one conclusion with its interval, how many hold, the picture of the main exhibit, and the next
command. The main exhibit follows, the verdicts of the claims, the paper's other exhibits in its order, those that were asked
of other data and encoders, the leaderboards, the leakage of selection on test images, the sensitivity to the weight of the
logit bias, missing exhibits, a guide to reading, and the conditions of the measurement. Every cell and every conclusion opens
beneath its row, a cell to its seeds, its curve over epochs, its provenance and the command that measures it again.
"""

import base64
import io
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from PIL import Image

from benchmark.analysis import beta_sensitivity, claims, leaderboard, leakage, remarks
from benchmark.analysis.claims import ClaimRow, Comparison
from benchmark.analysis.leaderboard import Board
from benchmark.analysis.leakage import Leak
from benchmark.analysis.moves import Moves
from benchmark.analysis.ordering import agreement, orders
from benchmark.analysis.other_questions import NO_OTHERS, NOT_DRAWN, Others, told
from benchmark.analysis.results import Measured, csv
from benchmark.core.digest import Json, JsonDict
from benchmark.core.files import written_whole
from benchmark.core.numbers import fixed
from benchmark.core.text import counted, lines
from benchmark.records import provenance
from benchmark.records.record import SELECTIONS, Record
from benchmark.reporting import cells, classes, tables
from benchmark.reporting.exhibit_files import markdown
from benchmark.reporting.figures import confusion, draw, style
from benchmark.reporting.next_step import MAIN, Step
from benchmark.reporting.notes import cached_views, deviations, missing
from benchmark.reporting.tables import extra_tables, latex

WORDS = {
    claims.SUPPORTED: "held",
    claims.CONTRADICTED: "not held",
    claims.INCONCLUSIVE: "open",
    claims.NOT_RUN: "not measured",
}
"""Verdict -> its word on the page, decided ones first."""
FIRST = (5.4, 4.3)
"""Width and height of the picture of the first screen, in inches."""


def write(
    exhibits: Sequence[Measured],
    problems: dict[str, str],
    folder: Path,
    verdicts: Sequence[ClaimRow] = (),
    leaks: Sequence[Leak] = (),
    others: Others = NO_OTHERS,
    moves: Moves | None = None,
    step: Step | None = None,
    boards: Sequence[Board] = (),
) -> Path:
    """Write index.html under `folder` and return its path."""
    path = folder / "index.html"
    text = html(exhibits, problems, folder, verdicts, leaks, others, moves, step, boards)
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
    moves: Moves | None = None,
    step: Step | None = None,
    boards: Sequence[Board] = (),
) -> str:
    """The HTML page as text.

    Args:
        exhibits: the exhibits of one suite.
        problems: file name -> reason, for records that were skipped.
        drawn: folder with the figures of these exhibits as <id>.png; figures without a file are drawn.
        verdicts: verdicts of the claims.
        leaks: leakage of selection on test images.
        others: records of questions that these exhibits do not ask.
        moves: what moved since an earlier measurement.
        step: the command to type next.
        boards: methods ranked over data sets and numbers of shots.

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
    ready = [measured for measured in exhibits if measured.ready]
    ready.sort(key=lambda measured: measured.exhibit.id != MAIN)
    papers = [row for row in verdicts if row.quote]
    return environment.get_template("report.html").render(
        suite=exhibits[0].suite,
        facts=_facts(records),
        answer=_answer(papers),
        tally=_tally(papers),
        step=step,
        moves=moves,
        moved=_moved(moves, [*exhibits, *others.shown]),
        claims=_by_word(papers),
        beyond=_by_word([row for row in verdicts if not row.quote]),
        first=_main_picture(ready),
        own=_own([*exhibits, *others.shown]),
        sources=claims.SOURCES,
        selections=SELECTIONS,
        other_selections=tables.OTHER_SELECTIONS,
        views=cached_views(exhibits[0].suite),
        exhibits=[_exhibit(measured, drawn, moves) for measured in ready],
        others=[_exhibit(measured, drawn, moves) for measured in others.shown],
        not_drawn=told(others.left, exhibits[0].suite, NOT_DRAWN),
        agreements=[found for measured in ready if (found := agreement(measured))],
        boards=boards,
        board_header=leaderboard.HEADER,
        board_rows=leaderboard.table,
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
    return f"{counted(len(records), 'run')}, {drawn}{when}."


def _drawn_seeds(records: Sequence[Record]) -> list[int]:
    """Seeds of the runs with a support set, ascending."""
    return sorted({record.seed for record in records if record.shots})


def _by_word(verdicts: Sequence[ClaimRow]) -> dict[str, list[JsonDict]]:
    """Word -> the claims with this verdict under the `val` selection; only words of some."""
    found = {
        word: [_claim(row) for row in verdicts if row.verdicts["val"].says == says] for says, word in WORDS.items()
    }
    return {word: rows for word, rows in found.items() if rows}


def _claim(row: ClaimRow) -> JsonDict:
    ours = row.verdicts["val"]
    told = {name: getattr(row, name) for name in ("quote", "place", "reading", "note", "quantifier")}
    effect = f"{claims.words(ours)}, {ours.at}" if ours.at and ours.effect is not None else ""
    return {
        **told,
        "id": f"claim-{row.id}",
        "verdicts": [_printed(_said(v.says)) if name == "paper" else _said(v.says) for name, v in row.verdicts.items()],
        "comparisons": _comparisons(row),
        "decides": effect,
        "reason": ours.reason,
    }


def _said(says: str) -> dict[str, str]:
    return {"says": WORDS[says], "css": says.replace(" ", "-")}


def _printed(said: dict[str, str]) -> dict[str, str]:
    """A verdict on the paper's own numbers, which are printed or not, but never measured."""
    return {**said, "says": "not printed"} if said["says"] == WORDS[claims.NOT_RUN] else said


def _comparisons(row: ClaimRow) -> list[JsonDict]:
    """Each comparison of a claim, with its outcome by source (`claims.SOURCES`)."""
    by_source = {name: {c.name: c for c in verdict.comparisons} for name, verdict in row.verdicts.items()}
    names = dict.fromkeys(name for found in by_source.values() for name in found)
    return [
        {"name": name, "by": [_told(found.get(name), source) for source, found in by_source.items()]} for name in names
    ]


def _told(comparison: Comparison | None, source: str) -> dict[str, str]:
    if comparison is None:
        return {**_said(claims.NOT_RUN), "effect": "", "rests": ""}
    what = counted(len(comparison.rests_on), "printed number" if source == "paper" else "record")
    rests = f"{'premise; ' * comparison.premise}{what}, over {comparison.over}"
    return {**_said(comparison.says), "effect": claims.words(comparison), "rests": rests}


def _tally(verdicts: Sequence[ClaimRow]) -> list[dict[str, str | int]]:
    """Word, CSS class and number of the claims of each verdict under the `val` selection."""
    says = [row.verdicts["val"].says for row in verdicts]
    return [{**_said(kind), "count": says.count(kind)} for kind in WORDS if kind in says]


def _answer(verdicts: Sequence[ClaimRow]) -> dict[str, str] | None:
    """The conclusion that the page begins with, under `val`: decided and of the main exhibit, else decided, else any."""
    tried = [row for row in verdicts if row.verdicts["val"].effect is not None]
    if not tried:
        return None

    def rank(row: ClaimRow) -> tuple[bool, bool, int]:
        says = row.verdicts["val"].says
        return says == claims.INCONCLUSIVE, MAIN not in row.exhibits, [*WORDS].index(says)

    first = min(tried, key=rank)
    verdict = first.verdicts["val"]
    return {**_said(verdict.says), "reading": first.reading, "at": verdict.at, "effect": claims.words(verdict)}


def _moved(moves: Moves | None, shown: Sequence[Measured]) -> list[str]:
    """A line for each cell that moved: its exhibit, row and column, and by how much."""
    exhibits = {measured.exhibit.id: measured for measured in shown}
    found = {} if moves is None else moves.moved
    return [
        f"{exhibits[name].exhibit.title}, {row}, {exhibits[name].column(column)}: {cells.difference(one)}"
        for (name, row, column), one in found.items()
    ]


def _own(shown: Sequence[Measured]) -> dict[str, list[JsonDict]]:
    """Own method -> id and title of each exhibit with a row of it."""
    found: dict[str, list[JsonDict]] = {}
    for measured in shown:
        for row in measured.exhibit.added:
            found.setdefault(row, []).append({"id": measured.exhibit.id, "title": measured.exhibit.title})
    return found


def _main_picture(ready: Sequence[Measured]) -> dict[str, Markup | str] | None:
    """The picture of the first screen as SVG, its alternative text, and its title; None where there is no main exhibit."""
    if not ready or ready[0].exhibit.id != MAIN:
        return None
    return {
        "svg": Markup(draw.small(ready[0], *FIRST)),  # matplotlib escapes the names that it draws
        "alt": draw.told(ready[0]),
        "title": ready[0].exhibit.title,
        "seeds": style.seeds_in_words(ready[0]),
    }


def _exhibit(measured: Measured, drawn: Path | None, moves: Moves | None) -> JsonDict:
    views = cached_views(measured.suite)
    shown, part = cells.of(measured, moves), measured.part()
    return {
        "id": measured.exhibit.id,
        "title": measured.exhibit.title,
        "caption": measured.exhibit.caption,
        "paper": measured.exhibit.paper,
        "is_figure": measured.exhibit.id.startswith("figure"),
        "row_header": measured.exhibit.row_header,
        "panels": [_panel(part, shown, *panel) for panel in part.exhibit.by_panel().items()],
        "extras": extra_tables(measured),
        "orders": orders(measured),
        "missing": missing(measured),
        "remarks": remarks.sentences(measured),
        "deviations": [line for line in deviations(measured) if line != views],
        "picture": _encoded(measured, drawn, measured.exhibit.id),
        "alt": draw.told(measured),
        "confusion": _confusion(measured, drawn),
        "files": _files(measured),
    }


def _files(measured: Measured) -> list[dict[str, str]]:
    """The files of an exhibit as `data:` URLs, for download from the page."""
    texts = {
        ".csv": ("text/csv", csv(measured)),
        ".md": ("text/markdown", markdown(measured)),
        ".tex": ("text/x-tex", latex(measured)),
    }
    if measured.by_class:
        texts["-classes.csv"] = ("text/csv", classes.csv(measured))
    return [
        {
            "name": f"{measured.exhibit.id}{ending}",
            "url": f"data:{kind};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}",
        }
        for ending, (kind, text) in texts.items()
    ]


def _waiting(measured: Measured) -> dict[str, str]:
    cells = [cell for cell in measured.exhibit.cells() if cell.method and not (cell.empty or cell.declared)]
    return {
        "title": measured.exhibit.title,
        "share": f"{100 * measured.share:.0f} %",
        "command": measured.command,
        "prevented": measured.prevented((cell.row, cell.column) for cell in cells),
    }


def _panel(
    measured: Measured, shown: Mapping[tuple[str, str], JsonDict], name: str, columns: Sequence[Json]
) -> JsonDict:
    return {
        "name": name,
        "columns": [column.get("short", column["name"]) for column in columns],
        "rows": [
            {"name": row["name"], "cells": [shown[row["name"], c["name"]] for c in columns]}
            for row in measured.exhibit.rows
        ],
    }


def _confusion(measured: Measured, drawn: Path | None) -> dict[str, str] | None:
    """The confusion matrix of an exhibit, and its alternative text; None where the test set is balanced."""
    if not measured.by_class:
        return None
    name = f"{measured.exhibit.id}{draw.CONFUSION}"
    return {"picture": _encoded(measured, drawn, name), "alt": confusion.told(measured)}


def _encoded(measured: Measured, drawn: Path | None, name: str) -> str:
    """The figure <name>.png of an exhibit as base64 WebP: of the folder `drawn` if it is there, else drawn anew."""
    path = drawn / f"{name}.png" if drawn is not None else None
    if path is not None and path.is_file():
        return _webp(path)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.png"
        draw.draw(measured, path)
        return _webp(path)


def _webp(path: Path) -> str:
    """A PNG as base64 WebP without loss, half as large; a higher method takes longer and saves 2 % more."""
    content = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").save(content, "WEBP", lossless=True, method=1)
    return base64.b64encode(content.getvalue()).decode()


def _each_once(exhibits: Sequence[Measured]) -> list[Record]:
    """All records of the exhibits, without duplicates."""
    shown = (record for measured in exhibits for found in measured.records.values() for record in found)
    return list({record.key: record for record in shown}.values())
