"""What was worked out from a big file before: kept by path, size and time, so that asking again costs nothing.

One JSON file in the cache folder. Losing it loses time, and the digests that weights were first seen with (see `trusted`).
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark.core import paths
from benchmark.core.files import writing

VERSION = 1  # goes up when what is worked out changes its meaning; older memories of files are then not read


def of(path: Path, what: str, work_out: Callable[[], Any]) -> Any:
    """`work_out()`, or what it was when the file had this size and time. Only what JSON holds."""
    known = _files().get(_key(path), {})
    if what not in known:
        found = work_out()
        _change(lambda memory: memory["files"].setdefault(_key(path), {}).update({what: found}))
        return found
    return known[what]


def known(path: Path, what: str) -> Any:
    """What is remembered of the file as it is, or None."""
    return _files().get(_key(path), {}).get(what)


def trusted() -> dict[str, str]:
    """Slot -> digest of the weights that it was first used with."""
    return _read()["trusted"]


def trust(slot: str, digest: str) -> None:
    """From now on these are the weights of this slot, and of no other."""

    def edit(memory: dict[str, Any]) -> None:
        others = {name: known for name, known in memory["trusted"].items() if known != digest}
        memory["trusted"] = {**others, slot: digest}

    _change(edit)


def file() -> Path:
    """Where all this is kept."""
    return paths.cache() / "weights.json"


def _key(path: Path) -> str:
    stat = path.stat()
    return f"{VERSION} {path.absolute()} {stat.st_size} {stat.st_mtime_ns}"


def _files() -> dict[str, Any]:
    return _read()["files"]


def _read() -> dict[str, Any]:
    try:
        memory = json.loads(file().read_text())
        return {"files": dict(memory["files"]), "trusted": dict(memory["trusted"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"files": {}, "trusted": {}}


def _change(edit: Callable[[dict[str, Any]], Any]) -> None:
    memory = _read()
    edit(memory)
    where = file()
    temporary = where.with_name(f".{where.name}.{secrets.token_hex(8)}.tmp")
    with writing("cache", where.parent, "BENCH_CACHE"):
        where.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(memory, indent=1))
        os.replace(temporary, where)


def file_hash(file: Path, algorithm: str = "sha256") -> str:
    """Hash of a file's bytes, in hexadecimal; remembered."""

    def work_out() -> str:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, algorithm).hexdigest()

    return of(file, algorithm, work_out)
