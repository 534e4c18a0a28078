"""The picture of an exhibit (matplotlib), and the tables that belong to a picture; chosen by the exhibit's `mark.kind`."""

import hashlib
import io
import multiprocessing
import os
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from benchmark.analysis.results import Measured
from benchmark.core.names import choose
from benchmark.reporting.figures import curve, dots, histogram, lines, panels, scatter

KINDS: dict[str, ModuleType] = {
    "line": lines,
    "panels": panels,
    "dots": dots,
    "curve": curve,
    "histogram": histogram,
    "scatter": scatter,
}
DPI = 160
COLOURS = 128
WHITE = 250
"""What is nearly white is white again when colours were put together: the page is."""


def draw(measured: Measured, path: Path) -> None:
    """Draw the exhibit's picture into a PNG file, unless the file is the picture of exactly this already.

    A picture carries what it was drawn of, so that a report of which little is new takes little time.
    """
    digest = _digest(measured)
    if _drawn_of(path) == digest:
        return
    import matplotlib.pyplot as plt

    drawn, file = _kind(measured).draw(measured), io.BytesIO()
    drawn.savefig(file, dpi=DPI, metadata={"Software": None})
    plt.close(drawn)
    _save(file, path, {DRAWN_OF: digest})


def _save(file: IO[bytes], path: Path, says: Mapping[str, str]) -> None:
    """A PNG again, in as many colours as it takes: a third of the size, which a page with sixteen of them can tell."""
    from PIL import Image, PngImagePlugin

    text = PngImagePlugin.PngInfo()
    for name, value in says.items():
        text.add_text(name, value)
    with Image.open(file) as picture:
        few = picture.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.putpalette([255 if level >= WHITE else level for level in few.getpalette() or []])
    few.save(path, pnginfo=text)


def draw_all(pictures: Iterable[tuple[Measured, Path]]) -> None:
    """Draw several of which some may be drawn already; half of them in a process beside this one, where one can be forked.

    What that process does not get done is drawn by whoever asks for it next.
    """
    todo = [(m, path) for m, path in pictures if _drawn_of(path) != _digest(m)]
    todo.sort(key=lambda picture: len(picture[0].rows), reverse=True)  # the large ones apart
    alone = len(todo) < WORTH_A_PROCESS or sys.platform != "linux" or (os.cpu_count() or 1) < 2
    helper = None if alone else multiprocessing.get_context("fork").Process(target=_draw_each, args=(todo[1::2],))
    if helper is not None:
        helper.start()
    _draw_each(todo if helper is None else todo[::2])
    if helper is not None:
        helper.join()


def _draw_each(pictures: Iterable[tuple[Measured, Path]]) -> None:
    for measured, path in pictures:
        draw(measured, path)


WORTH_A_PROCESS = 4
"""Pictures from which on a second process is worth its while."""

DRAWN_OF = "Drawn of"


def _digest(measured: Measured) -> str:
    """Of everything that a picture shows or is drawn by: the exhibit, its numbers, its records, and the code that draws."""
    records = [(r["key"], r.get("measured")) for found in measured.records.values() for r in found]
    parts = (measured.exhibit, measured.suite.name, measured.rows, records, measured.texts, _code())
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@cache
def _code() -> str:
    package = resources.files(__package__)
    files = sorted(f.name for f in package.iterdir() if f.name.endswith((".py", ".toml")))
    texts = [package.joinpath(name).read_text("utf-8") for name in files]
    return hashlib.sha256("\n".join([version("matplotlib"), str((DPI, COLOURS, WHITE)), *texts]).encode()).hexdigest()


def _drawn_of(path: Path) -> str | None:
    """What a picture says that it was drawn of; None where there is no such file, or none of ours."""
    if not path.is_file():
        return None
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            return picture.info.get(DRAWN_OF)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError):
        return None


def tables(measured: Measured) -> list[dict[str, Any]]:
    """What the picture shows and the exhibit's own table does not, as tables: title, words, header, rows."""
    of_kind = getattr(_kind(measured), "tables", None)
    return [] if of_kind is None else of_kind(measured)


def _kind(measured: Measured) -> ModuleType:
    name = measured.exhibit.mark.get("kind", "line")
    return KINDS[choose(name, KINDS, f"mark of {measured.exhibit.id}")]
