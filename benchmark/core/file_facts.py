"""A store of facts computed from large files (hashes, content), keyed by path, size, times and inode."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from benchmark.core.digest import JsonDict
from benchmark.core.files import written_whole
from benchmark.core.stamps import settled, stamp

VERSION = 1  # raised when the meaning of a fact changes, so that older facts are ignored

T = TypeVar("T")


class _Memory(TypedDict):
    """Content of the JSON file: key of a file -> facts by name; weights slot -> digest first used."""

    files: dict[str, JsonDict]
    trusted: dict[str, str]


def file_hash(file: Path, algorithm: str = "sha256") -> str:
    """Hash of a file's bytes, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


@dataclass(frozen=True)
class FileFacts:
    """Facts about large files, in one JSON file of the cache folder.

    Without that file, facts are computed again, but the digests that weights were first used with (`trusted`) are lost.

    Attributes:
        cache: The cache folder (`Settings.cache`).
    """

    cache: Path

    @property
    def file(self) -> Path:
        """The JSON file that holds all facts."""
        return self.cache / "weights.json"

    def of(self, path: Path, fact: str, compute: Callable[[], T]) -> T:
        """The stored fact about the unchanged file (`benchmark.core.contents`), else the JSON data of `compute()`."""
        known = self._files().get(_key(path), {})
        if fact not in known:
            found = compute()
            if settled(path):
                self._change(lambda memory: memory["files"].setdefault(_key(path), {}).update({fact: found}))
            return found
        stored: T = known[fact]
        return stored

    def known(self, path: Path, fact: str) -> Any:
        """The stored fact about the unchanged file; None if it was never computed."""
        return self._files().get(_key(path), {}).get(fact)

    def hash(self, path: Path, algorithm: str = "sha256") -> str:
        """Hash of a file's bytes, in hexadecimal; computed once while the file does not change."""
        return str(self.of(path, algorithm, lambda: file_hash(path, algorithm)))

    def trusted(self) -> dict[str, str]:
        """Weights slot -> digest of the weights that it was first used with."""
        return dict(self._read()["trusted"])

    def trust(self, slot: str, digest: str) -> None:
        """Store a digest as that of the weights of a slot, and remove it from every other slot."""

        def edit(memory: _Memory) -> None:
            others = {name: known for name, known in memory["trusted"].items() if known != digest}
            memory["trusted"] = {**others, slot: digest}

        self._change(edit)

    def _files(self) -> dict[str, JsonDict]:
        return dict(self._read()["files"])

    def _read(self) -> _Memory:
        try:
            memory = json.loads(self.file.read_text())
            return {"files": dict(memory["files"]), "trusted": dict(memory["trusted"])}
        except (OSError, ValueError, KeyError, TypeError):
            return {"files": {}, "trusted": {}}

    def _change(self, edit: Callable[[_Memory], object]) -> None:
        memory = self._read()
        edit(memory)
        with written_whole("cache", self.file, "BENCH_CACHE") as file:
            file.write(json.dumps(memory, indent=1).encode())


def _key(path: Path) -> str:
    return f"{VERSION} {path.absolute()} {' '.join(map(str, stamp(path)))}"
