"""Folders that output is written to: errors of writing in one line, and a check before work starts."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.core.errors import BenchError


@contextmanager
def writing(what: str, folder: Path, how: str) -> Iterator[None]:
    """Convert an OSError to a one-line BenchError with the option `how` that chooses another folder."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise BenchError(f"{what} folder {folder}: cannot be written ({reason}); choose another with {how}") from error


def check_writable(what: str, folder: Path, how: str) -> None:
    """Create a folder and write a probe file, so that BenchError comes before hours of work and not after them."""
    with writing(what, folder, how):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable.{secrets.token_hex(8)}.tmp"
        probe.write_bytes(b"")
        probe.unlink()
