"""Paths of this package's own files (the checkout, the reference numbers), and those in a user's home folder."""

import sys
from pathlib import Path

from benchmark.core.errors import BenchError

REPOSITORY = Path(__file__).resolve().parents[2]

INSTALLED = Path(sys.prefix) / "share" / "amu-bench" / "reference"
"""Folder of the paper's numbers and the reference run in an installed package."""


def reference() -> Path:
    """Folder of the paper's numbers and the reference run: in the checkout, else in the installed package's data."""
    source = REPOSITORY / "results" / "reference"
    return source if source.is_dir() else INSTALLED


def home() -> Path | None:
    """The user's home folder; None where there is none, as for some users of containers."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def expanded(path: str | Path) -> Path:
    """A path with "~" and "~user" expanded; BenchError where there is no such home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise BenchError(f"{path}: there is no such home folder; write the whole path") from error
