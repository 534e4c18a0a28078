"""Paths of this package's own files: the checkout, and the reference numbers."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def reference() -> Path:
    """Folder of the paper's numbers and the reference run: in the checkout, else in the installed package's data."""
    source = REPOSITORY / "results" / "reference"
    return source if source.is_dir() else Path(sys.prefix) / "share" / "amu-bench" / "reference"
