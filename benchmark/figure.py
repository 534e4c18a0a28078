"""The picture of an exhibit (matplotlib), and the tables that belong to a picture; chosen by the exhibit's `mark.kind`."""

from pathlib import Path
from types import ModuleType
from typing import Any

from benchmark.figures import curve, dots, histogram, lines, panels, scatter
from benchmark.names import choose
from benchmark.results import Measured

KINDS: dict[str, ModuleType] = {
    "line": lines,
    "panels": panels,
    "dots": dots,
    "curve": curve,
    "histogram": histogram,
    "scatter": scatter,
}
DPI = 160


def draw(measured: Measured, path: Path) -> None:
    """Draw the exhibit's picture into a PNG file."""
    drawn = _kind(measured).draw(measured)
    drawn.savefig(path, dpi=DPI, metadata={"Software": None})

    import matplotlib.pyplot as plt

    plt.close(drawn)


def tables(measured: Measured) -> list[dict[str, Any]]:
    """What the picture shows and the exhibit's own table does not, as tables: title, words, header, rows."""
    of_kind = getattr(_kind(measured), "tables", None)
    return [] if of_kind is None else of_kind(measured)


def _kind(measured: Measured) -> ModuleType:
    name = measured.exhibit.mark.get("kind", "line")
    return KINDS[choose(name, KINDS, f"mark of {measured.exhibit.id}")]
