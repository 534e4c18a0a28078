"""Faults of files that cannot be read as images: what is wrong, and the remedy that fits it."""

import errno
import re
from collections.abc import Sequence

from PIL import Image, UnidentifiedImageError

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.regular import Special
from benchmark.data.published import stored
from benchmark.data.published.depth import SAVE, Unfit
from benchmark.data.published.stored import Stored

NAMED = 10
"""Largest number of files that a message names."""

DAMAGED = "copy it again from where it came"

FOREIGN = {
    b"II*\0": "a TIFF file of a kind that PIL does not read",
    b"MM\0*": "a TIFF file of a kind that PIL does not read",
    b"PF\n": "a PFM file, which PIL does not read",
    b"<svg": "an SVG drawing, which PIL does not read",
    b"%PDF": "a PDF file, which PIL does not read",
    b"ftyphe": "a HEIC file, which PIL does not read",
    b"ftypmif1": "a HEIF file, which PIL does not read",
    b"ftypavif": "an AVIF file, which PIL was built without",
    b"\xff\x0a": "a JPEG XL file, which PIL does not read",
    b"JXL ": "a JPEG XL file, which PIL does not read",
    b"v/1\x01": "an EXR file, which PIL does not read",
}
"""First bytes of files that PIL cannot read, at the start or, in containers, behind four bytes -> kind of file."""


_STREAM = re.compile(r" <_io\.[^>]*>")
"""How PIL names an open file in its messages."""


class Unreadable(BenchError):
    """An image that cannot be read: its place, the reason, and the remedy."""

    form = "{path}: cannot be read as an image ({reason}); {remedy}"

    def __init__(self, path: Stored, reason: str, remedy: str) -> None:
        super().__init__(self.form.format(path=path, reason=reason, remedy=remedy))
        self.path, self.reason, self.remedy = path, reason, remedy


class Absent(Unreadable, Incomplete):
    """A file that is listed and not there."""

    form = "{path}: {reason}; {remedy}"

    def __init__(self, path: Stored) -> None:
        super().__init__(path, "no such file, but it is listed", "copy it there from where the others came")


def fault(path: Stored, error: Exception) -> Unreadable:
    """The fault of a file whose reading raised an exception; an intact file is not to be copied again."""
    if isinstance(error, FileNotFoundError):
        return Absent(path)
    reason = " ".join(_STREAM.sub("", str(error)).split()) or type(error).__name__
    return Unreadable(path, *_told(path, error, reason))


def _told(path: Stored, error: Exception, reason: str) -> tuple[str, str]:
    """Reason and remedy of an exception, given its text."""
    if isinstance(error, Unfit):
        return reason, error.remedy
    if isinstance(error, Image.DecompressionBombError):
        largest = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        return reason.partition(",")[0], f"scale it down to at most {largest:,} pixels, or leave it out"
    if isinstance(error, UnidentifiedImageError):
        return _unidentified(path, reason)
    if isinstance(error, IsADirectoryError):
        return "it is a folder", "rename it or move it away"
    if isinstance(error, Special) or (isinstance(error, OSError) and error.errno == errno.EFBIG):
        return str(error.strerror), "take it out of the folder or the list"
    if isinstance(error, PermissionError):
        return "permission denied", "let this user read it, as chmod u+r does"
    if isinstance(error, MemoryError):
        return "out of memory", "scale it down, or try fewer --jobs"
    if "not available" in reason:
        return f"PIL was built without its decoder: {reason}", SAVE
    return reason, DAMAGED


def _unidentified(path: Stored, reason: str) -> tuple[str, str]:
    """Reason and remedy of a file that PIL does not know, by its first bytes."""
    with stored.opened(path) as file:
        head = file.read(16)
    if not head:
        return "the file is empty", DAMAGED
    kind = next((kind for first, kind in FOREIGN.items() if head.find(first, 0, 4 + len(first)) in (0, 4)), None)
    if kind is None:
        return reason, DAMAGED
    return kind, f"{SAVE}, or copy it again if it is damaged" if "TIFF" in kind else SAVE


def told(faults: Sequence[Unreadable], total: int) -> str:
    """One line on unreadable files: their number, and by remedy the first `NAMED` of them."""
    by_remedy: dict[str, list[str]] = {}
    for one in faults[:NAMED]:
        by_remedy.setdefault(one.remedy, []).append(f"{one.path} ({one.reason})")
    named = "; ".join(f"{', '.join(which)}: {remedy}" for remedy, which in by_remedy.items())
    more = f"; and {len(faults) - NAMED:,} more" if len(faults) > NAMED else ""
    return f"{len(faults):,} of {total:,} images cannot be read: {named}{more}"
