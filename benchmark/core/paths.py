"""Where things go: an option wins, then the environment, then the default."""

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def results(option: str | None = None) -> Path:
    """Records, results/<suite>/ (--results, BENCH_RESULTS)."""
    return _choose(option, "BENCH_RESULTS", Path("results"))


def reports(option: str | None = None) -> Path:
    """Tables, pictures and the page (--reports, BENCH_REPORTS)."""
    return _choose(option, "BENCH_REPORTS", Path("reports"))


def cache() -> Path:
    """Features and other things that can be made again (BENCH_CACHE, else amu-bench in the user's cache folder)."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return _choose(None, "BENCH_CACHE", home / "amu-bench")


def reference() -> Path:
    """The paper's numbers and our golden ones: beside the source, else where an installed package put them."""
    source = REPOSITORY / "results" / "reference"
    return source if source.is_dir() else Path(sys.prefix) / "share" / "amu-bench" / "reference"


def _choose(option: str | None, variable: str, default: Path) -> Path:
    return Path(option or os.environ.get(variable) or default).expanduser()
