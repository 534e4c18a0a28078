"""The paper's printed numbers, results/reference/paper/*.csv: looked up, never typed into code."""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from benchmark.core import paths


def printed(file: str, cite: Mapping[str, Any]) -> float | None:
    """The accuracy (%) of the one row of a reference file that agrees with every key of `cite`; None where there is none.

    Raises ValueError when two rows agree: a citation must be unambiguous.
    """
    found = cited(file, cite)
    return float(found["accuracy"]) if found and found["accuracy"] else None


def logged(log: Mapping[str, Any]) -> float | None:
    """The same of a repository's log: `log` names the file too."""
    return printed(str(log.get("file", "")), {name: value for name, value in log.items() if name != "file"})


def cited(file: str, cite: Mapping[str, Any]) -> dict[str, str] | None:
    """That row, as text."""
    if not cite or not file:
        return None
    found = [row for row in rows(file) if _agrees(row, cite)]
    if len(found) > 1:
        raise ValueError(f"{file}: {len(found)} rows agree with {dict(cite)}")
    return found[0] if found else None


def rows(file: str) -> list[dict[str, str]]:
    """Every row of a reference file, as text; none where there is no such file."""
    return _rows(paths.reference() / "paper" / file)


def images(role: str) -> int:
    """Test images that the published data set of a role has, results/reference/paper/datasets.csv."""
    plain = role.replace("_", "").casefold()
    (size,) = [int(r["n_test"]) for r in rows("datasets.csv") if r["dataset"].replace("-", "").casefold() == plain]
    return size


def _agrees(row: Mapping[str, str], cite: Mapping[str, Any]) -> bool:
    return all(row.get(key) == str(value) for key, value in cite.items())


@cache
def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
