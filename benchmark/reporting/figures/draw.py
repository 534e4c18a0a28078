"""The figure of an exhibit (matplotlib) and its tables, by the exhibit's `mark.kind`."""

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
from typing import IO

from benchmark.analysis.results import Measured
from benchmark.core import regular
from benchmark.core.digest import JsonDict
from benchmark.core.files import written_whole
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
"""Channel level from which a colour of the quantised palette becomes white, the background of the page."""


def draw(measured: Measured, path: Path) -> None:
    """Draw the figure of an exhibit into a PNG file, unless the file is up to date.

    The PNG contains a digest of its data and of the drawing code, so that a report redraws only what changed, and a hash of
    its own bytes, so that a torn picture is drawn anew.

    Args:
        measured: the exhibit.
        path: the PNG file.
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
    """Quantise the PNG to COLOURS colours (a third of the size) and write it with the text fields `says` and its hash."""
    from PIL import Image, PngImagePlugin

    text = PngImagePlugin.PngInfo()
    for name, value in says.items():
        text.add_text(name, value)
    with Image.open(file) as picture:
        few = picture.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.putpalette([255 if level >= WHITE else level for level in few.getpalette() or []])
    content = io.BytesIO()
    few.save(content, "PNG", pnginfo=text)
    with written_whole("reports", path, "--reports") as written:
        written.write(_hashed(content.getvalue()))


END, MARK = 12, 83
"""Bytes of the last chunk of a PNG file, which is empty, and of the text field with the hash before it."""


def _hashed(picture: bytes) -> bytes:
    """The PNG with one more text field, its sha256."""
    from PIL import PngImagePlugin

    field = io.BytesIO()
    PngImagePlugin.putchunk(field, b"tEXt", b"sha256\0", hashlib.sha256(picture).hexdigest().encode())
    return picture[:-END] + field.getvalue() + picture[-END:]


def draw_all(pictures: Iterable[tuple[Measured, Path]]) -> None:
    """Draw the figures that are not up to date; on Linux with two cores, half of them in a forked process.

    If the forked process fails, its figures are missing and are drawn by the next call of `draw`.

    Args:
        pictures: exhibits and their PNG files.
    """
    todo = [(m, path) for m, path in pictures if _drawn_of(path) != _digest(m)]
    todo.sort(key=lambda picture: len(picture[0].rows), reverse=True)  # both processes get large and small figures
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
"""Smallest number of figures for which a second process saves time."""

DRAWN_OF = "Drawn of"
"""Text field of the PNG that holds the digest."""


def _digest(measured: Measured) -> str:
    """The sha256 of the data of a figure: exhibit, cells, keys and dates of the records, and drawing code."""
    records = [(r.key, r.measured) for found in measured.records.values() for r in found]
    parts = (measured.exhibit, measured.suite.name, measured.rows, records, measured.texts, measured.sizes, _code())
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@cache
def _code() -> str:
    package = resources.files(__package__)
    files = sorted(f.name for f in package.iterdir() if f.name.endswith((".py", ".toml")))
    texts = [package.joinpath(name).read_text("utf-8") for name in files]
    return hashlib.sha256("\n".join([version("matplotlib"), str((DPI, COLOURS, WHITE)), *texts]).encode()).hexdigest()


def _drawn_of(path: Path) -> str | None:
    """The digest in a PNG file; None if the file is missing, has no digest, or is not as it was written."""
    from PIL import Image, UnidentifiedImageError

    try:
        content = regular.read_bytes(path)
        if _hashed(content[: -END - MARK] + content[-END:]) != content:
            return None
        with Image.open(io.BytesIO(content)) as picture:
            return picture.info.get(DRAWN_OF)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError):
        return None


def tables(measured: Measured) -> list[JsonDict]:
    """Tables of data that the figure shows and the main table does not, each with title, words, header and rows."""
    of_kind = getattr(_kind(measured), "tables", None)
    return [] if of_kind is None else of_kind(measured)


def _kind(measured: Measured) -> ModuleType:
    name = measured.exhibit.mark.get("kind", "line")
    return KINDS[choose(name, KINDS, f"mark of {measured.exhibit.id}")]
