"""Where things go: an option wins, then the environment, then the default."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.errors import BenchError

REPOSITORY = Path(__file__).resolve().parent.parent


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


@contextmanager
def writing(what: str, folder: Path, how: str) -> Iterator[None]:
    """Turn an OSError into the one line that says which option (`how`) chooses another folder."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise BenchError(f"{what} folder {folder}: cannot be written ({reason}); choose another with {how}") from error


def check_writable(what: str, folder: Path, how: str) -> None:
    """BenchError before anything is measured, when nothing could be written afterwards. Makes the folder."""
    with writing(what, folder, how):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable.{secrets.token_hex(8)}.tmp"
        probe.write_bytes(b"")
        probe.unlink()


def _choose(option: str | None, variable: str, default: Path) -> Path:
    return Path(option or os.environ.get(variable) or default).expanduser()
