"""A folder in which commands measure the toy house, and what may never be found in it."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from safetensors import SafetensorError, safe_open

from benchmark.core import array_files, paths
from benchmark.records.store import Store

TOYS = Path(__file__).parents[1] / "toys"
SUITE = ("--suite", str(TOYS / "toy_house.toml"))
HOUR = 3600


@dataclass(frozen=True)
class Workshop:
    """A folder with results, reports, a cache and a reference run of its own."""

    root: Path

    @property
    def store(self) -> Store:
        """The records."""
        return Store(self.root / "results" / "toy_house")

    def enter(self) -> None:
        """Make this process, and those that it starts, work in the folder."""
        for name in ("results", "reports", "cache"):
            os.environ[f"BENCH_{name.upper()}"] = str(self.root / name)
        os.environ["BENCH_TRUST_SUITE"] = "toy_house"
        os.environ["PYTHONPATH"] = os.pathsep.join([str(TOYS), str(TOYS.parents[1])])
        sys.path.insert(0, str(TOYS))
        paths.reference = lambda: self.root / "reference"  # type: ignore[assignment]
        os.chdir(self.root)

    def files(self) -> list[Path]:
        """Every file, sorted."""
        return sorted(path for path in self.root.rglob("*") if path.is_file())

    def leftovers(self) -> list[Path]:
        """Temporary files."""
        return [path for path in self.files() if path.name.endswith(".tmp")]

    def age(self) -> None:
        """Make temporary files as old as those of a process that was killed long ago."""
        for path in self.leftovers():
            os.utime(path, (path.stat().st_mtime - 2 * HOUR,) * 2)

    def half_written(self) -> Iterator[str]:
        """Files under their final names that are not whole, with the reason."""
        for path in self.files():
            whole = WHOLE.get(path.suffix)
            if whole is None or path.name.endswith(".tmp"):
                continue
            try:
                whole(path)
            except (OSError, ValueError, SafetensorError, SyntaxError) as error:
                yield f"{path.relative_to(self.root)}: {error}"


def _json(path: Path) -> None:
    json.loads(path.read_text("utf-8"))


def _picture(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()


def _tensors(path: Path) -> None:
    with safe_open(path, "np"):
        pass


def _arrays(path: Path) -> None:
    array_files.read_npz(path)


def _table(path: Path) -> None:
    lines = path.read_text("utf-8").split("\n")
    if lines[-1]:
        raise ValueError("its last line has no end")


def _page(path: Path) -> None:
    if not path.read_text("utf-8").rstrip().endswith("</html>"):
        raise ValueError("it has no end")


WHOLE: dict[str, Callable[[Path], None]] = {
    ".json": _json,
    ".png": _picture,
    ".safetensors": _tensors,
    ".npz": _arrays,
    ".csv": _table,
    ".md": _table,
    ".html": _page,
}
"""Ending -> a look at a whole file, which raises an error for another one."""
