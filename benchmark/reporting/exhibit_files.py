"""Files of an exhibit: Markdown, CSV and pictures."""

from pathlib import Path

from benchmark.analysis.results import Measured, csv
from benchmark.core import text
from benchmark.core.files import writing, written_whole
from benchmark.reporting import classes
from benchmark.reporting.figures import draw
from benchmark.reporting.figures.draw import PNG, Pictures
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


def write(measured: Measured, folder: Path, pictures: Pictures = PNG) -> list[Path]:
    """Write the files of an exhibit.

    Args:
        measured: the exhibit.
        folder: folder of the files.
        pictures: files of each figure.

    Returns:
        Paths of <id>.md and <id>.csv, of <id>-classes.csv where the test set is not balanced, and of the pictures.
    """
    named = {".md": markdown, ".csv": csv, **({"-classes.csv": classes.csv} if measured.by_class else {})}
    texts = {folder / f"{measured.exhibit.id}{ending}": of(measured) for ending, of in named.items()}
    drawn = pictures.paths(measured, folder)
    for path, content in texts.items():
        with written_whole("reports", path, "--reports") as file:
            file.write(content.encode())
    with writing("reports", folder, "--reports"):
        for path in drawn:
            draw.draw(measured, path, pictures.titled)
    return [*texts, *drawn]


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
        grid(measured.part(), lambda row: other_selections(measured, row)),
        *ordering_lines(measured),
        *notes(measured),
    ]
    return "\n\n".join(parts) + "\n"
