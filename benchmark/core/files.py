"""Files that are written whole or not at all, and folders that can be written to."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.core.errors import BenchError


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
