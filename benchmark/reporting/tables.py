"""Markdown and LaTeX tables of an exhibit, and the text of a cell."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape

import pandas as pd

from benchmark.analysis import feature_rule, sizes
from benchmark.analysis.ordering import orders
from benchmark.analysis.remarks import mark, sentences
from benchmark.analysis.results import Measured, Row
from benchmark.core.digest import Json, JsonDict
from benchmark.core.numbers import fixed, with_interval
from benchmark.core.text import counted, line, markdown
from benchmark.records import readings
from benchmark.reporting import classes
from benchmark.reporting.figures import draw

NOTHING = "–"


@dataclass(frozen=True)
class Form:
    """How texts are written in a language.

    Attributes:
        escape: A text -> the same text without mark-up of its own.
        strong: Format of a text in bold.
    """

    escape: Callable[[str], str]
    strong: str


def main_table(measured: Measured, asked: Collection[tuple[str, str]] | None = None) -> str:
    """The main table of an exhibit in Markdown, under the `val` selection, the best of a column in bold.

    Args:
        measured: the exhibit.
        asked: cells, (row, column), that are shown beside measured ones; None for all that has a number (`Measured.part`).

    Returns:
        The rows and columns that have something to show; all where nothing has.
    """
    return grid(measured.part(asked), partial(shown, measured), measured.best)


def latex(measured: Measured) -> str:
    """The main table of an exhibit as LaTeX for the booktabs package, one tabular a panel."""
    title = _in_one_line(measured.exhibit.title)
    parts = [f"% {title}; suite {measured.suite.name}, val selection; needs \\usepackage{{booktabs}}"]
    for panel, frame in frames(measured.part(), partial(shown, measured), measured.best, LATEX).items():
        wide = "l" + "r" * (frame.shape[1] - 1)
        named = [f"% {_in_one_line(panel)}"] if panel else []
        parts += [*named, frame.to_latex(index=False, escape=False, column_format=wide).rstrip()]
    parts += [rf"\par{{\footnotesize {_tex(sentence)}.\par}}" for sentence in sentences(measured)]
    return "\n".join(parts) + "\n"


_TEX = {
    "†": r"$^\dagger$",
    "\\": r"\textbackslash{}",
    "±": r"$\pm$",
    "–": "--",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def _in_one_line(text: str) -> str:
    return line(" ".join(text.split()))


def _tex(text: str) -> str:
    """Escape a text for LaTeX, in one line."""
    return "".join(_TEX.get(sign, f"\\{sign}" if sign in "&%$#_{}" else sign) for sign in line(text))


MARKDOWN, LATEX, HTML = Form(markdown, "**{}**"), Form(_tex, r"\textbf{{{}}}"), Form(escape, "<b>{}</b>")


def extra_tables(measured: Measured) -> list[JsonDict]:
    """Further tables, each with title, words, header and rows: by class, the figure in numbers, the rule's picks."""
    return [*classes.tables(measured), *draw.tables(measured), *feature_rule.tables(measured)]


def extra_grid(table: Json) -> str:
    """One of `extra_tables` in Markdown: title, a sentence, and the table."""
    return f"## {line(table['title'])}\n\n{line(table['words'])}\n\n" + _lines(table["header"], table["rows"])


def value(row: Row) -> str:
    """The text of a cell: mean and 95 % interval, then the paper's number where the two are comparable.

    Args:
        row: a cell of an exhibit.

    Returns:
        Text such as "62.3 ± 0.4", "99.1 +0.4 -0.9", or, for a ratio, "0.837 ± 0.004"; "–" for an empty cell.
    """
    ours, digits = NOTHING, 1 if readings.counted(row.metric) else 3
    if row.mean is not None:
        ours = with_interval(row.mean, row.ci_low, row.ci_high, digits)
    return ours if row.paper is None else ours + _beside("paper", row.paper, row, digits)


def _beside(source: str, number: float, row: Row, digits: int) -> str:
    """A reference number and the difference of the measured mean to it: " (paper 62.60, -0.3)"."""
    difference = "" if row.mean is None else f", {fixed(row.mean - number, digits, '+')}"
    return f" ({source} {fixed(number, max(2, digits))}{difference})"


def shown(measured: Measured, row: Row) -> str:
    """The text of a cell under the `val` selection, with its state.

    Args:
        measured: the exhibit.
        row: a cell of the exhibit.

    Returns:
        The text by `value`; also the number of the repository's log if the paper prints none, "not run: ..." for a cell with
        a missing asset, the number of test images where it is not the published one, the number of seeds where others in the
        column have more, and a dagger for a cell that is stale, of other test images or of few images of a class.
    """
    place = row.row, row.column
    gone = measured.skipped.get(place)
    text = value(row).replace(NOTHING, f"not run: {gone}", 1) if gone else value(row)
    if place in measured.logged:
        text += _beside("log", measured.logged[place], row, 1)
    if place in measured.sizes:
        text += f" ({_sizes(measured, place)})"
    if place in measured.fewer and row.mean is not None:
        text += f" ({counted(row.seeds, 'seed')})"
    return f"{text} {mark(measured, place)}".rstrip()


def _sizes(measured: Measured, place: tuple[str, str]) -> str:
    """Test images of a cell beside the published number, with the data set's name in a mean over several."""
    found = measured.sizes[place]
    roles = {record.dataset for record in measured.records[place]}
    return sizes.in_words(found, measured.suite) if len(roles) > 1 else ", ".join(size.words for size in found)


OTHER_SELECTIONS = (
    "`last`: the last epoch at the method's own settings. `released`: epoch and settings as the method's released code"
    " chooses them, on the images that it chooses on (see the notes). `test`: both on the test images, the most that choosing"
    " there gives. Each cell: last / released (released minus val) / test (test minus val, the leakage gap)."
)
"""The sentences above the table of `other_selections`."""


def other_selections(measured: Measured, row: Row) -> str:
    """Means under the selections other than `val`, the last two with their gap to it: "61.9 / 62.5 (+0.2) / 63.0 (+0.7)"."""
    last, *chosen = (measured.at(row.row, row.column, name).mean for name in ("last", "released", "test"))
    val, digits = row.mean, 1 if readings.counted(row.metric) else 3
    if last is None or val is None:
        return NOTHING
    above = (NOTHING if mean is None else _with_gap(mean, val, digits) for mean in chosen)
    return " / ".join([fixed(last, digits), *above])


def _with_gap(mean: float, val: float, digits: int) -> str:
    """A mean and its difference from that under `val`: "62.5 (+0.2)"."""
    return f"{fixed(mean, digits)} ({fixed(mean - val, digits, '+')})"


def grid(measured: Measured, text: Callable[[Row], str], bold: Mapping[str, Collection[str]] | None = None) -> str:
    """The table of an exhibit in Markdown, one a panel.

    Args:
        measured: the exhibit.
        text: the text of a cell.
        bold: column -> rows whose cells there are bold.

    Returns:
        The tables.
    """
    tables = []
    for panel, frame in frames(measured, text, bold or {}, MARKDOWN).items():
        tables.append(
            (f"**{markdown(panel)}**\n\n" if panel else "") + _joined([*frame.columns], frame.values.tolist())
        )
    return "\n\n".join(tables)


def frames(
    measured: Measured, text: Callable[[Row], str], bold: Mapping[str, Collection[str]], form: Form
) -> dict[str, pd.DataFrame]:
    """The tables of an exhibit as data frames of texts.

    Args:
        measured: the exhibit.
        text: the text of a cell.
        bold: column -> rows whose cells there are bold.
        form: how the texts are written.

    Returns:
        Panel, "" for the only one -> its table, with the names of the rows in the first column.
    """

    def cell(row: str, column: str) -> str:
        said = form.escape(measured.texts.get((row, column)) or text(measured.at(row, column)))
        return form.strong.format(said) if row in bold.get(column, ()) else said

    rows = [row["name"] for row in measured.exhibit.rows]
    found = {}
    for panel, columns in measured.exhibit.by_panel().items():
        header = [measured.exhibit.row_header, *(column.get("short", column["name"]) for column in columns)]
        texts = [[form.escape(row), *(cell(row, column["name"]) for column in columns)] for row in rows]
        found[panel] = pd.DataFrame(texts, columns=[form.escape(name) for name in header])
    return found


def _lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; of a cell nothing but code in backticks is mark-up."""
    return _joined([*map(markdown, header)], [[*map(markdown, row)] for row in rows])


def _joined(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown of escaped cells."""
    body = [f"| {' | '.join(row)} |" for row in (header, *rows)]
    return "\n".join([body[0], "|---|" + "---:|" * (len(header) - 1), *body[1:]])


def ordering_lines(measured: Measured) -> list[str]:
    """The section that compares the order of the methods with the paper's, in Markdown, by column; empty without one."""
    found = orders(measured)
    if not found:
        return []
    lines = ["| | the paper's order | the order here | Kendall's τ |", "|---|---|---|---:|"]
    for order in found:
        tau = NOTHING if order.tau is None else fixed(order.tau, 2, "+")
        ranks = [" > ".join(map(markdown, names)) for names in (order.paper, order.ours)]
        lines.append(f"| {markdown(order.column)} | {ranks[0]} | {ranks[1]} | {tau} |")
    note = "" if measured.suite.comparable else f" {markdown(measured.suite.note)}"
    words = f"Best first, among the rows with a number on both sides.{note}"
    return ["## Ordering, beside the paper's", words, "\n".join(lines)]
