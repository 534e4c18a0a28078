"""An exhibit, drawn: Markdown, tidy CSV, PNG. What is drawn comes from records alone."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmark import figure, paths, readings, rules, tidy
from benchmark.exhibit import Cell
from benchmark.ordering import orders
from benchmark.results import COLUMNS, Measured, Row
from benchmark.run import Run, predictor_class
from benchmark.suite import Suite

NOTHING, DAGGER = "–", "†"
NAMED = 6
"""Columns that a note names; of more it gives the number."""
LOPSIDED = 0.15
"""The part of half an interval by which its two sides must differ to be given apart."""
LOGGED = (
    "log: what the method's own repository logged, where the paper prints nothing; test-selected where its released code is"
    " (results/reference/paper/README.md)."
)
REASONS = 2
"""Reasons that a note gives for what a row goes without; of more the first."""


def write(measured: Measured, folder: Path) -> list[Path]:
    """Write <id>.md, <id>.csv and <id>.png of an exhibit under `folder` and return their paths."""
    base = folder / measured.exhibit.id
    written = [base.with_suffix(suffix) for suffix in (".md", ".csv", ".png")]
    with paths.writing("reports", folder, "--reports"):
        folder.mkdir(parents=True, exist_ok=True)
        written[0].write_text(markdown(measured), encoding="utf-8")
        written[1].write_text(csv(measured), encoding="utf-8")
        figure.draw(measured, written[2])
    return written


def csv(measured: Measured) -> str:
    """The tidy rows; percentages to four decimals, empty where nothing was measured."""
    return tidy.text(COLUMNS, measured.tidy())


def markdown(measured: Measured) -> str:
    """The table, the other selections, the ordering, what is missing, and the conditions."""
    parts = [
        f"# {measured.exhibit.title}",
        f"Suite {measured.suite.title}. {measured.exhibit.caption} {_selection_words(measured)}",
        main_table(measured),
        *(_extra(table) for table in extra_tables(measured)),
        "## The other two selections",
        "`last` is the last epoch at the method's own settings; `test` picks epoch and settings on the test images, as"
        " released code does. Each cell: last / test (test minus val, the leakage gap).",
        _grid(measured, lambda row: other_selections(measured, row)),
        *_ordering(measured),
        *_notes(measured),
    ]
    return "\n\n".join(parts) + "\n"


def main_table(measured: Measured) -> str:
    """The table itself, under the `val` selection."""
    return _grid(measured, partial(shown, measured))


def latex(measured: Measured) -> str:
    """The table as LaTeX for the booktabs package, one tabular a panel."""
    title = " ".join(measured.exhibit.title.split())
    parts = [f"% {title}; suite {measured.suite.name}, val selection; needs \\usepackage{{booktabs}}"]
    for panel, columns in measured.exhibit.by_panel().items():
        header = [measured.exhibit.row_header, *(column.get("short", column["name"]) for column in columns)]
        rows = [
            [row["name"], *_texts(measured, row["name"], columns, partial(shown, measured))]
            for row in measured.exhibit.rows
        ]
        body = [" & ".join(map(_tex, row)) + r" \\" for row in (header, *rows)]
        inner = [r"\toprule", body[0], r"\midrule", *body[1:], r"\bottomrule"]
        named = [f"% {' '.join(panel.split())}"] if panel else []
        parts += [*named, rf"\begin{{tabular}}{{l{'r' * len(columns)}}}", *inner, r"\end{tabular}"]
    return "\n".join(parts) + "\n"


_TEX = {
    "†": r"$^\dagger$",
    "\\": r"\textbackslash{}",
    "±": r"$\pm$",
    "–": "--",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def _tex(text: str) -> str:
    """A text in which nothing is a command to LaTeX."""
    return "".join(_TEX.get(sign, f"\\{sign}" if sign in "&%$#_{}" else sign) for sign in text)


def extra_tables(measured: Measured) -> list[dict[str, Any]]:
    """What else belongs to the exhibit: its picture in numbers, what its rule picks. Title, words, header, rows."""
    return [*figure.tables(measured), *rules.tables(measured)]


def _extra(table: Mapping[str, Any]) -> str:
    return f"## {table['title']}\n\n{table['words']}\n\n" + _lines(table["header"], table["rows"])


def value(row: Row) -> str:
    """A cell for people: "62.3 ± 0.4", "99.1 +0.4 -0.9", a ratio "0.837 ± 0.004".

    With the paper's number behind it where the two may be compared.
    """
    ours, digits = NOTHING, 1 if readings.counted(row.metric) else 3
    if row.mean is not None:
        ours = f"{row.mean:.{digits}f}"
        if row.ci_low is not None and row.ci_high is not None:
            ours += _either_way(row.mean - row.ci_low, row.ci_high - row.mean, digits)
    return ours if row.paper is None else ours + _beside("paper", row.paper, row, digits)


def _beside(source: str, number: float, row: Row, digits: int) -> str:
    """ " (paper 62.60, -0.3)"."""
    difference = "" if row.mean is None else f", {row.mean - number:+.{digits}f}"
    return f" ({source} {number:.{max(2, digits)}f}{difference})"


def _either_way(below: float, above: float, digits: int) -> str:
    """ " ± 0.4"; " +0.3 -0.9" where the two sides differ so much that half of both would tell something else."""
    if abs(above - below) < max(10**-digits, LOPSIDED * (above + below) / 2):
        return f" ± {(above + below) / 2:.{digits}f}"
    return f" +{above:.{digits}f} -{below:.{digits}f}"


def shown(measured: Measured, row: Row) -> str:
    """The same, with the logged number where there is no printed one, "not run: imagenet_r missing" where runs went without,
    and a dagger where it is stale.
    """
    place = row.row, row.column
    gone = measured.skipped.get(place)
    text = value(row).replace(NOTHING, f"not run: {gone}", 1) if gone else value(row)
    if place in measured.logged:
        text += _beside("log", measured.logged[place], row, 1)
    return f"{text} {DAGGER}" if place in measured.stale else text


def stale(measured: Measured) -> str:
    """What the dagger means here, in a sentence; empty where no cell has one."""
    changed = sorted({name for names in measured.stale.values() for name in names})
    if not changed:
        return ""
    return (
        f"{DAGGER} stale: measured on other {', '.join(changed)} than are here today;"
        f" {measured.command} --rerun measures it again"
    )


def other_selections(measured: Measured, row: Row) -> str:
    """ "61.9 / 63.0 (+0.7)": last, test, and test minus val."""
    last, test = (measured.at(row.row, row.column, name).mean for name in ("last", "test"))
    if last is None or test is None or row.mean is None:
        return NOTHING
    digits = 1 if readings.counted(row.metric) else 3
    return f"{last:.{digits}f} / {test:.{digits}f} ({test - row.mean:+.{digits}f})"


def _grid(measured: Measured, text: Callable[[Row], str]) -> str:
    """One table, or one under each panel's name."""
    tables = []
    for panel, columns in measured.exhibit.by_panel().items():
        header = [measured.exhibit.row_header, *(column.get("short", column["name"]) for column in columns)]
        rows = [[row["name"], *_texts(measured, row["name"], columns, text)] for row in measured.exhibit.rows]
        tables.append((f"**{panel}**\n\n" if panel else "") + _lines(header, rows))
    return "\n\n".join(tables)


def _texts(measured: Measured, row: str, columns: Sequence[Mapping[str, Any]], text: Callable[[Row], str]) -> list[str]:
    names = [column["name"] for column in columns]
    return [measured.texts.get((row, name)) or text(measured.at(row, name)) for name in names]


def _lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    lines += [f"| {_escape(row[0])} | " + " | ".join(row[1:]) + " |" for row in rows]
    return "\n".join(lines)


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")


def _selection_words(measured: Measured) -> str:
    seeds = sorted({row.seeds for row in measured.rows if row.seeds})
    counts = " or ".join(map(str, seeds)) or "no"
    return (
        "Epoch and tunable settings are chosen on the few-shot validation images (`val`);"
        f" {counts} seed{'s' if seeds != [1] else ''} a cell."
    )


def _ordering(measured: Measured) -> list[str]:
    found = orders(measured)
    if not found:
        return []
    lines = ["| | the paper's order | the order here | Kendall's τ |", "|---|---|---|---:|"]
    for order in found:
        tau = NOTHING if order.tau is None else f"{order.tau:+.2f}"
        ranks = [" > ".join(map(_escape, names)) for names in (order.paper, order.ours)]
        lines.append(f"| {order.column} | {ranks[0]} | {ranks[1]} | {tau} |")
    note = "" if measured.suite.comparable else f" {measured.suite.note}"
    words = f"Best first, among the rows with a number on both sides.{note}"
    return ["## Ordering, beside the paper's", words, "\n".join(lines)]


def _notes(measured: Measured) -> list[str]:
    notes = [f"- {_escape(names)}: {reason}." for names, reason in missing(measured).items()]
    notes += [f"- {text}." for text in [stale(measured)] if text]
    notes += [f"- {line}" for line in deviations(measured)]
    return ["## Notes", "\n".join(notes)] if notes else []


def missing(measured: Measured) -> dict[str, str]:
    """The same of all rows that go without for one reason together: "CoOp, VT-CLIP" -> "not yet run at 2-shot"."""
    rows: dict[str, list[str]] = {}
    for name, reason in missing_rows(measured).items():
        rows.setdefault(reason, []).append(name)
    return {", ".join(names): reason for reason, names in rows.items()}


def missing_rows(measured: Measured) -> dict[str, str]:
    """Row -> why it is not run, or which of its columns are not; why no row has a number in a column stands under it."""
    found: dict[str, str] = {}
    for row in measured.exhibit.rows:
        by_reason: dict[str, list[str]] = {}
        for column in measured.exhibit.columns:
            if (row["name"], column["name"]) in measured.missing:
                by_reason.setdefault(measured.missing[row["name"], column["name"]], []).append(column["name"])
        words = [_why(measured, reason, gone) for reason, gone in by_reason.items()]
        if len(words) > REASONS:
            words = [words[0], f"and {len(words) - 1} times more for a reason of its kind"]
        if words:
            found[row["name"]] = "; ".join(words)
    return found


def _why(measured: Measured, reason: str, gone: list[str]) -> str:
    """ "not yet run at 1-shot, 2-shot": a reason, and for which columns where not for all."""
    head, _, tail = reason.partition(": ") if reason.startswith("not run: ") else ("not yet run", "", reason)
    tail = "" if tail == "not yet run" else f"{': ' if head == 'not run' else '; '}{tail}"
    asked = [c["name"] for c in measured.exhibit.columns if "declares" not in c]
    if len(gone) >= len(asked):
        return head + tail
    where = ", ".join(gone) if len(gone) <= NAMED else f"{len(gone)} of {len(asked)} columns"
    return f"{head} at {where}{tail}"


def deviations(measured: Measured) -> list[str]:
    """What a method here is not, what this suite sets differently from its published settings, and the cached views."""
    cells = list(measured.exhibit.cells())
    methods = {cell.method: cell.row for cell in cells if cell.method}
    notes = {row: predictor_class(method).note for method, row in methods.items()}
    lines = [f"{row}: {note}." for row, note in notes.items() if note]
    lines += [f"{row}: {text}." for row, text in _stand_ins(cells, measured.suite).items()]
    for method, settings in measured.suite.methods.items():
        if method in methods:
            said = ", ".join(_plain(name, value) for name, value in settings.items())
            lines.append(f"{method.partition(':')[2]} runs with {said} in this suite.")
    lines += [LOGGED] if measured.logged else []
    return [*lines, *_licences(measured), cached_views(measured.suite)]


def cached_views(suite: Suite) -> str:
    """What every number of a suite rests on and released code does otherwise."""
    few = f" ({suite.large_views} where it reads whole images or their places)" if suite.large_views else ""
    return (
        f"Every method trains on {suite.views} cached views of each image{few} (view 0 as tested, the others randomly cropped"
        " and flipped), epoch e on view e modulo that; released code crops anew in every step."
    )


def _licences(measured: Measured) -> list[str]:
    """On which terms what took part is published, by the records; nothing where nothing came from outside."""
    records = [record for found in measured.records.values() for record in found]
    terms = {name: text for record in records for name, text in record.get("licences", {}).items()}
    if not terms:
        return []
    kind = "Non-commercial" if any(record.get("noncommercial") for record in records) else "No non-commercial"
    return [f"{kind} assets took part; licences: " + "; ".join(f"{name}: {text}" for name, text in terms.items()) + "."]


def _stand_ins(cells: Sequence[Cell], suite: Suite) -> dict[str, str]:
    """Row -> what stands in for the things its method wants, where the suite says so of its data set."""
    first: dict[str, Run] = {}
    for cell in cells:
        if cell.row not in first and (made := cell.runs(suite, [0])):
            first[cell.row] = made[0]
    said = {row: suite.datasets[run.dataset].get("stand_ins") for row, run in first.items() if run.wants()}
    return {row: str(text) for row, text in said.items() if text}


def _plain(name: str, value: object) -> str:
    """ "n_ctx = 4"; of a recipe "epochs = 20"."""
    parts = value if isinstance(value, dict) else {name: value}
    return ", ".join(f"{part} = {said}" for part, said in parts.items())
