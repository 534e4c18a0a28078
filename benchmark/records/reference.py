"""Look-up of numbers printed in the paper or logged by repositories, from results/reference/paper/*.csv."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from benchmark.core import manifest, paths, tidy_csv
from benchmark.core.digest import Json
from benchmark.core.errors import Damaged

REMEDY = "git checkout or a new installation restores it; after a change, sha256sum *.csv > SHA256SUMS in that folder"
"""Last words of an error on a damaged file."""


def printed(file: str, cite: Json) -> float | None:
    """The printed accuracy of one row of a reference file; an ambiguous citation raises ValueError.

    Args:
        file: name of the file in results/reference/paper.
        cite: column -> value, which identifies the row.

    Returns:
        The accuracy (%); None if no row agrees with all of `cite`, or the row has no accuracy.
    """
    found = cited(file, cite)
    return float(found["accuracy"]) if found and found["accuracy"] else None


def logged(log: Json) -> float | None:
    """The accuracy (%) in a repository's log; `log` has the keys of a citation and `file`, the name of the reference file."""
    return printed(str(log.get("file", "")), {name: value for name, value in log.items() if name != "file"})


def cited(file: str, cite: Json) -> dict[str, str] | None:
    """The row of a reference file that a citation identifies.

    Args:
        file: name of the file in results/reference/paper.
        cite: column -> value, which identifies the row.

    Returns:
        The row, column -> text; None if no row agrees with all of `cite`.

    Raises:
        ValueError: if several rows agree.
    """
    if not cite or not file:
        return None
    found = [row for row in rows(file) if _agrees(row, cite)]
    if len(found) > 1:
        raise ValueError(f"{file}: {len(found)} rows agree with {dict(cite)}")
    return found[0] if found else None


def rows(file: str) -> list[dict[str, str]]:
    """All rows of a reference file, column -> text; empty if the file does not exist, Damaged if it is not as published."""
    return _rows(paths.reference() / "paper", file)


def verify() -> None:
    """Read every reference file; Damaged for the first that is not as published."""
    manifest.verify(paths.reference() / "paper", REMEDY)


def images(role: str) -> int:
    """Number of test images of the published data set of a role; ValueError if there is none of this name."""
    size = known_images(role)
    if size is None:
        raise ValueError(f"datasets.csv has no number of test images of {role}")
    return size


def known_images(role: str) -> int | None:
    """Number of test images of the published data set of a role, from results/reference/paper/datasets.csv, or None."""
    plain = role.replace("_", "").casefold()
    sizes = [int(r["n_test"]) for r in rows("datasets.csv") if r["dataset"].replace("-", "").casefold() == plain]
    return sizes[0] if sizes else None


def _agrees(row: Mapping[str, str], cite: Json) -> bool:
    return all(row.get(key) == str(value) for key, value in cite.items())


@cache
def _rows(folder: Path, file: str) -> list[dict[str, str]]:
    content = manifest.read(folder, file, REMEDY)
    try:
        return [] if content is None else tidy_csv.rows(content)
    except ValueError as error:
        raise Damaged(f"{folder / file}: cannot be read ({error}); {REMEDY}") from error
