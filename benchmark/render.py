"""An exhibit, drawn: Markdown, tidy CSV, PNG. What is drawn comes from records alone."""

from collections.abc import Callable
from pathlib import Path

from benchmark import figure, paths
from benchmark.ordering import orders
from benchmark.results import COLUMNS, Measured, Row

NOTHING = "–"


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
    import pandas as pd

    frame = pd.DataFrame(measured.tidy(), columns=COLUMNS)
    counts = {name: "Int64" for name in ("seeds", "correct", "n")}
    return frame.astype(counts).to_csv(index=False, float_format="%.4f", lineterminator="\n")


def markdown(measured: Measured) -> str:
    """The table, the other selections, the ordering, what is missing, and the conditions."""
    parts = [
        f"# {measured.exhibit.title}",
        f"Suite {measured.suite.title}. {measured.exhibit.caption} {_selection_words(measured)}",
        main_table(measured),
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
    return _grid(measured, value)


def value(row: Row) -> str:
    """A cell for people: "62.3 ± 0.4"; with the paper's number behind it where the two may be compared."""
    ours = NOTHING
    if row.mean is not None and row.ci_low is not None and row.ci_high is not None:
        ours = f"{row.mean:.1f} ± {(row.ci_high - row.ci_low) / 2:.1f}"
    if row.paper is None:
        return ours
    difference = "" if row.mean is None else f", {row.mean - row.paper:+.1f}"
    return f"{ours} (paper {row.paper:.2f}{difference})"


def other_selections(measured: Measured, row: Row) -> str:
    """ "61.9 / 63.0 (+0.7)": last, test, and test minus val."""
    last, test = (measured.at(row.row, row.column, name).mean for name in ("last", "test"))
    if last is None or test is None or row.mean is None:
        return NOTHING
    return f"{last:.1f} / {test:.1f} ({test - row.mean:+.1f})"


def _grid(measured: Measured, text: Callable[[Row], str]) -> str:
    columns = [column["name"] for column in measured.exhibit.columns]
    lines = ["| method | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for row in measured.exhibit.rows:
        cells = [text(measured.at(row["name"], column)) for column in columns]
        lines.append(f"| {_escape(row['name'])} | " + " | ".join(cells) + " |")
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
    notes = [f"- {name}: {reason}." for name, reason in missing_rows(measured).items()]
    notes += [f"- {line}" for line in deviations(measured)]
    return ["## Notes", "\n".join(notes)] if notes else []


def missing_rows(measured: Measured) -> dict[str, str]:
    """Row -> why it is not run, or which of its columns are not."""
    found: dict[str, str] = {}
    for row in measured.exhibit.rows:
        gone = [c["name"] for c in measured.exhibit.columns if (row["name"], c["name"]) in measured.missing]
        if gone:
            reason = measured.missing[row["name"], gone[0]]
            every = len(gone) == len(measured.exhibit.columns)
            tail = f"; {reason}" if reason != "not yet run" else ""
            found[row["name"]] = "not yet run" + (tail if every else f" at {', '.join(gone)}{tail}")
    return found


def deviations(measured: Measured) -> list[str]:
    """What this suite sets differently from a method's published settings, and the cached views."""
    lines = []
    for method, settings in measured.suite.methods.items():
        if any(row.get("method") == method for row in measured.exhibit.rows):
            said = ", ".join(f"{name} = {_plain(value)}" for name, value in settings.items())
            lines.append(f"{method.partition(':')[2]} runs with {said} in this suite.")
    lines.append(
        f"Every method trains on {measured.suite.views} cached views of each image (view 0 as tested, the others randomly"
        " cropped and flipped), epoch e on view e modulo that; released code crops anew in every step."
    )
    return lines


def _plain(value: object) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
