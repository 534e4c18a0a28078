"""The figure of an exhibit (matplotlib) and its tables, by the exhibit's `mark.kind`."""

import hashlib
import io
import multiprocessing
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from benchmark.analysis.results import Measured
from benchmark.core import regular
from benchmark.core.cores import cores
from benchmark.core.digest import JsonDict
from benchmark.core.files import written_whole
from benchmark.core.names import choose
from benchmark.reporting.figures import confusion, curve, dots, histogram, lines, panels, scatter, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Pictures:
    """Which files of a figure are wanted: suffixes without their dot, "png" first, and whether the title stands above."""

    formats: Sequence[str] = ("png",)
    titled: bool = True

    def paths(self, measured: Measured, folder: Path) -> list[Path]:
        """The files of an exhibit under `folder`: <id>.png, and <id>-confusion.png where its test set is not balanced."""
        names = [measured.exhibit.id, *([f"{measured.exhibit.id}{CONFUSION}"] if measured.by_class else [])]
        return [folder / f"{name}.{suffix}" for name in names for suffix in self.formats]


PNG = Pictures()

KINDS: dict[str, ModuleType] = {
    "line": lines,
    "panels": panels,
    "dots": dots,
    "curve": curve,
    "histogram": histogram,
    "scatter": scatter,
}
CONFUSION = "-confusion"
"""End of the name of the picture of a confusion matrix."""
DPI = 160
DRAWN_OF = "Drawn of"
"""Text field of the PNG that holds the digest."""
FORMATS = {".png": b"", ".svg": b"</svg>", ".pdf": b"%%EOF"}
"""Suffix of a file -> how its content ends."""
METADATA: dict[str, dict[str, str | None]] = {
    ".png": {"Software": None, DRAWN_OF: DRAWN_OF},
    ".svg": {"Date": None, "Description": DRAWN_OF},
    ".pdf": {"CreationDate": None, "Keywords": DRAWN_OF},
}
"""Suffix of a file -> what its metadata say, `DRAWN_OF` in place of the digest, and no date."""


def draw(measured: Measured, path: Path, titled: bool = True) -> None:
    """Draw the figure of an exhibit, or its confusion matrix, into a file, unless the file is up to date.

    The file contains a digest of its data and of the drawing code, so that a report redraws only what changed. A PNG has a
    hash of its own bytes too, so that a torn picture is drawn anew.

    Args:
        measured: the exhibit.
        path: the file, whose suffix is one of `FORMATS`; the confusion matrix if its name ends with `CONFUSION`.
        titled: whether the title stands above the figure.
    """
    digest = _digest(measured, titled)
    if _up_to_date(path, digest):
        return
    with style.settings():
        drawn = (confusion if path.stem.endswith(CONFUSION) else _kind(measured)).draw(measured)
        if not titled:
            drawn.suptitle("")
        content = _saved(drawn, path.suffix, digest)
    with written_whole("reports", path, "--reports") as written:
        written.write(_hashed(content) if path.suffix == ".png" else content)


def _saved(drawn: "Figure", suffix: str, digest: str) -> bytes:
    """A figure as a file that contains the digest, the same bytes for the same figure."""
    file, said = (
        io.BytesIO(),
        {name: digest if value is DRAWN_OF else value for name, value in METADATA[suffix].items()},
    )
    drawn.savefig(file, format=suffix[1:], dpi=DPI, metadata=said)
    return file.getvalue()


def small(measured: Measured, width: float, height: float) -> str:
    """The line plot of an exhibit as an SVG element without metadata, enlarged, untitled, of `width` x `height` inches."""
    with style.settings():
        drawn = lines.small(measured, width, height)
        for patch in (drawn.patch, *(axes.patch for axes in drawn.axes)):
            patch.set_visible(False)  # the page shows through
        text = _saved(drawn, ".svg", "").decode()
    return re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)


def told(measured: Measured) -> str:
    """The figure in words, for readers who do not see it."""
    words = _kind(measured).told(measured)
    return f"{measured.exhibit.title}. {words or 'Nothing is measured yet'}."


END, MARK = 12, 83
"""Bytes of the last chunk of a PNG file, which is empty, and of the text field with the hash before it."""


def _hashed(picture: bytes) -> bytes:
    """The PNG with one more text field, its sha256."""
    from PIL import PngImagePlugin

    field = io.BytesIO()
    PngImagePlugin.putchunk(field, b"tEXt", b"sha256\0", hashlib.sha256(picture).hexdigest().encode())
    return picture[:-END] + field.getvalue() + picture[-END:]


def draw_all(pictures: Iterable[tuple[Measured, Path]], titled: bool = True) -> None:
    """Draw the figures that are not up to date; on Linux with two cores, half of them in a forked process.

    If the forked process fails, its figures are missing and are drawn by the next call of `draw`.

    Args:
        pictures: exhibits and their files.
        titled: whether titles stand above the figures.
    """
    todo = [(m, path) for m, path in pictures if not _up_to_date(path, _digest(m, titled))]
    todo.sort(key=lambda picture: len(picture[0].rows), reverse=True)  # both processes get large and small figures
    alone = len(todo) < WORTH_A_PROCESS or sys.platform != "linux" or cores() < 2
    helper = (
        None if alone else multiprocessing.get_context("fork").Process(target=_draw_each, args=(todo[1::2], titled))
    )
    if helper is not None:
        helper.start()
    _draw_each(todo if helper is None else todo[::2], titled)
    if helper is not None:
        helper.join()


def _draw_each(pictures: Iterable[tuple[Measured, Path]], titled: bool) -> None:
    for measured, path in pictures:
        draw(measured, path, titled)


WORTH_A_PROCESS = 4
"""Smallest number of figures for which a second process saves time."""


def _digest(measured: Measured, titled: bool) -> str:
    """The sha256 of the data of a figure: exhibit, cells, keys and dates of the records, drawing code, and title or none."""
    records = [(r.key, r.measured) for found in measured.records.values() for r in found]
    parts = (
        measured.exhibit,
        measured.suite.name,
        measured.rows,
        records,
        measured.texts,
        measured.sizes,
        titled,
        _code(),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@cache
def _code() -> str:
    package = resources.files(__package__)
    files = sorted(f.name for f in package.iterdir() if f.name.endswith((".py", ".toml")))
    texts = [package.joinpath(name).read_text("utf-8") for name in files]
    return hashlib.sha256("\n".join([version("matplotlib"), str(DPI), *texts]).encode()).hexdigest()


def _up_to_date(path: Path, digest: str) -> bool:
    """Whether a file is of the data of `digest`, and whole."""
    if path.suffix == ".png":
        return _drawn_of(path) == digest
    try:
        content = regular.read_bytes(path)
    except OSError:
        return False
    return digest.encode() in content and content.rstrip().endswith(FORMATS[path.suffix])


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
