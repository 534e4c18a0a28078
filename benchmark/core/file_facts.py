"""A store of facts computed from large files (hashes, content), keyed by path, size, times and inode."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from benchmark.core import regular
from benchmark.core.digest import JsonDict
from benchmark.core.files import parsed, written_whole
from benchmark.core.stamps import settled, stamp

VERSION = 1  # raised when the meaning of a fact changes, so that older facts are ignored

T = TypeVar("T")


Fits = Callable[[Any], bool]
"""A function that says whether JSON data have the form of a fact."""


def is_hash(fact: Any) -> bool:
    """Whether JSON data have the form of a hash, md5 or sha256, in hexadecimal."""
    return isinstance(fact, str) and re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{64}", fact) is not None


def is_true(fact: Any) -> bool:
    """Whether JSON data are the word true."""
    return fact is True


def is_anything(_: Any) -> bool:
    """Say that all JSON data fit."""
    return True


class _Memory(TypedDict):
    """Content of the JSON file: key of a file -> facts by name; weights slot -> digest first used."""

    files: dict[str, JsonDict]
    trusted: dict[str, str]


def file_hash(file: Path, algorithm: str = "sha256") -> str:
    """Hash of a file's bytes, in hexadecimal."""
    with regular.opened(file) as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


@dataclass(frozen=True)
class FileFacts:
    """Facts about large files, in one JSON file of the cache folder.

    Without that file, facts are computed again, but the digests that weights were first used with (`trusted`) are lost. What
    has another form than this class writes counts as not there.

    Attributes:
        cache: The cache folder (`Settings.cache`).
    """

    cache: Path

    @property
    def file(self) -> Path:
        """The JSON file that holds all facts."""
        return self.cache / "weights.json"

    def of(self, path: Path, fact: str, compute: Callable[[], T], fits: Fits = is_anything) -> T:
        """The stored fact about an unchanged file (`benchmark.core.contents`), or the one that is computed now.

        Args:
            path: The file.
            fact: Name of the fact.
            compute: Makes the fact, which is JSON data.
            fits: Whether stored data have the form of this fact; it is computed again where not.

        Returns:
            The fact.
        """
        known = self._files().get(_key(path), {})
        if fact not in known or not fits(known[fact]):
            found = compute()
            if settled(path):
                self._change(lambda memory: memory["files"].setdefault(_key(path), {}).update({fact: found}))
            return found
        stored: T = known[fact]
        return stored

    def known(self, path: Path, fact: str, fits: Fits = is_anything) -> Any:
        """The stored fact about the unchanged file; None if it was never computed, or does not fit."""
        stored = self._files().get(_key(path), {}).get(fact)
        return stored if fits(stored) else None

    def hash(self, path: Path, algorithm: str = "sha256") -> str:
        """Hash of a file's bytes, in hexadecimal; computed once while the file does not change."""
        return str(self.of(path, algorithm, lambda: file_hash(path, algorithm), is_hash))

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
            memory = parsed(regular.read_bytes(self.file))
            files = {path: facts for path, facts in memory["files"].items() if isinstance(facts, dict)}
            trusted = {slot: digest for slot, digest in memory["trusted"].items() if isinstance(digest, str)}
            return {"files": files, "trusted": trusted}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {"files": {}, "trusted": {}}

    def _change(self, edit: Callable[[_Memory], object]) -> None:
        memory = self._read()
        edit(memory)
        with written_whole("cache", self.file, "BENCH_CACHE") as file:
            file.write(json.dumps(memory, indent=1).encode())


def _key(path: Path) -> str:
    return f"{VERSION} {path.absolute()} {' '.join(map(str, stamp(path)))}"
