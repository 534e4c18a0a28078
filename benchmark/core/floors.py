"""Oldest versions of the libraries that open files of others, above the known holes by which such a file could do harm."""

import re
from functools import cache
from importlib import metadata
from typing import NamedTuple

from benchmark.core.errors import BenchError


class Floor(NamedTuple):
    """The oldest version that may open files of others.

    Attributes:
        version: Version.
        holes: Holes of older versions, by their identifiers.
        harm: What a file could do there.
    """

    version: str
    holes: str
    harm: str


FLOORS = {
    "torch": Floor("2.10", "CVE-2025-32434, CVE-2026-24747", "run code although only weights are read"),
    "pillow": Floor("13.0", "CVE-2023-4863, CVE-2026-25990, GHSA-5x8w-8jj5-q52h", "write outside of an image's memory"),
    "numpy": Floor("1.22", "CVE-2019-6446, CVE-2021-41496", "run code, or write outside of an array"),
    "jinja2": Floor("3.1.6", "CVE-2024-34064, CVE-2025-27516", "put mark-up or code into a page"),
    "pyarrow": Floor("14.0.1", "CVE-2023-47248", "run code"),
    "tqdm": Floor("4.66.3", "CVE-2024-34062", "run code by an argument"),
}
"""Library -> its floor; setup.cfg asks for no older one. Sources: the CVE records, and the libraries' release notes."""


def check(library: str, opened: object) -> None:
    """Refuse to open a file with a library that is below its floor.

    Args:
        library: Key of `FLOORS`.
        opened: The file, for the message.

    Raises:
        BenchError: The installed library is older.
    """
    if says := below(library):
        raise BenchError(f"{opened}: not opened, because {says}")


@cache
def below(library: str) -> str:
    """Why an installed library may not open files of others; "" for a version that may, or a library that is not here."""
    floor, found = FLOORS[library], installed(library)
    if found is None or number(found) >= number(floor.version):
        return ""
    return (
        f"{library} {found} lets a file {floor.harm} ({floor.holes});"
        f" type pip install --upgrade '{library}>={floor.version}'"
    )


def installed(library: str) -> str | None:
    """Version of an installed library; None if it is not installed."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def number(version: str) -> tuple[int, ...]:
    """The numbers of a version, without what marks a build: "2.10.0+cpu" -> (2, 10, 0)."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()
