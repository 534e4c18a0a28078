"""Files of an exhibit: Markdown, CSV and PNG."""

from pathlib import Path

from benchmark.analysis.results import Measured, csv
from benchmark.core import text
from benchmark.core.files import writing, written_whole
from benchmark.reporting.figures import draw
from benchmark.reporting.notes import notes, selection_words
from benchmark.reporting.tables import (
    OTHER_SELECTIONS,
    extra_grid,
    extra_tables,
    grid,
    main_table,
    ordering_lines,
    other_selections,
)


def write(measured: Measured, folder: Path) -> list[Path]:
    """Write <id>.md, <id>.csv and <id>.png of an exhibit under `folder` and return their paths."""
    base = folder / measured.exhibit.id
    written = [base.with_suffix(suffix) for suffix in (".md", ".csv", ".png")]
    for path, content in zip(written, (markdown(measured), csv(measured)), strict=False):
        with written_whole("reports", path, "--reports") as file:
            file.write(content.encode())
    with writing("reports", folder, "--reports"):
        draw.draw(measured, written[2])
    return written


def markdown(measured: Measured) -> str:
    """An exhibit in Markdown: the main table, extra tables, the other selections, the ordering and notes."""
    title, caption = text.markdown(measured.suite.title), text.markdown(measured.exhibit.caption)
    parts = [
        f"# {text.markdown(measured.exhibit.title)}",
        f"Suite {title}. {caption} {selection_words(measured)}",
        main_table(measured),
        *(extra_grid(table) for table in extra_tables(measured)),
        "## The other selections",
        OTHER_SELECTIONS,
        grid(measured, lambda row: other_selections(measured, row)),
        *ordering_lines(measured),
        *notes(measured),
    ]
    return "\n\n".join(parts) + "\n"
