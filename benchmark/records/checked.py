"""Records found to agree with their answers, remembered by the stamps of both files, so that each is compared once.

The memory is a file in the cache folder, and only saves time: without it, or with a damaged one, records are compared again.
"""

import hashlib
import json
import os
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.core import files, regular
from benchmark.core.errors import BenchError
from benchmark.core.stamps import SETTLED, stamp

VERSION = 1
"""Raised when records are held against more than before, so that all are compared again."""


@dataclass
class Checked:
    """Records of a store -> the name of their answers' file, and the stamps of both files when they agreed.

    Attributes:
        file: The memory; None for none.
        known: Name of a record's file -> what is remembered.
        added: What `known` does not hold yet.
    """

    file: Path | None = None
    known: Mapping[str, object] = field(default_factory=dict)
    added: dict[str, list[object]] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path, cache: Path | None) -> "Checked":
        """The memory of the store in the folder `root`; an empty one without a cache folder."""
        if cache is None:
            return cls()
        name = hashlib.sha256(f"{VERSION} ".encode() + os.fsencode(root.absolute())).hexdigest()[:20]
        file = cache / "records" / f"{name}.json"
        try:
            known = files.parsed(regular.read_bytes(file))
        except (OSError, ValueError):
            known = {}
        return cls(file, known if isinstance(known, dict) else {})

    def knows(self, record: Path) -> bool:
        """Whether the record in a file was valid and agreed with its answers, and neither file has changed since."""
        match self.known.get(record.name):
            case [str(answers), *stamps] if stamps:
                return _stamps(record, record.with_name(answers)) == stamps
        return False

    def add(self, record: Path, answers: Path) -> None:
        """Remember a record, unless a file of it was written so recently that a second write may have equal times."""
        stamps = _stamps(record, answers)
        if stamps and max(stamps[1], stamps[5]) < (time.time() - SETTLED) * 1e9:
            self.added[record.name] = [answers.name, *stamps]

    def save(self, names: Collection[str]) -> None:
        """Keep what is known of the records of these names, and write it; no error where that cannot be written."""
        if not self.added:
            return
        self.known = {name: found for name, found in {**self.known, **self.added}.items() if name in names}
        self.added = {}
        if self.file is not None:
            with suppress(BenchError), files.written_whole("cache", self.file, "BENCH_CACHE") as stream:
                stream.write(json.dumps(self.known).encode())


def _stamps(record: Path, answers: Path) -> list[int]:
    """Size, mtime, ctime and inode of both files; [] where one is not there."""
    try:
        return [*stamp(record), *stamp(answers)]
    except (OSError, ValueError):
        return []
