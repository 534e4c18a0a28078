"""Where this package's own files lie: the checkout, and the reference numbers."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def reference() -> Path:
    """The paper's numbers and our reference run: beside the source, else where an installed package put them."""
    source = REPOSITORY / "results" / "reference"
    return source if source.is_dir() else Path(sys.prefix) / "share" / "amu-bench" / "reference"
