"""Records of a store as results.jsonl, of which another store takes them, or as results.csv, a table of counts."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchmark.core import tidy_csv
from benchmark.core.digest import Json, JsonDict
from benchmark.core.text import line
from benchmark.records import lines
from benchmark.records.consistency import sealed
from benchmark.records.lines import WHOLE
from benchmark.records.record import Record
from benchmark.records.store import DRAWS, TESTED, Store

CARRIER = "val"
"""Selection that every record has, and whose line has the whole record."""
FORMULA = ("=", "+", "-", "@", "'")
"""Beginnings by which a spreadsheet takes a text for a formula, and the sign that stands before a text that has one."""


@dataclass
class Exporter:
    """The lines of records, each list that several records name in the first of them alone.

    Attributes:
        store: The store of the records.
        named: Role of a data set -> its name for people.
        given: Lists that stand in a line already, kind and name.
    """

    store: Store
    named: Callable[[str], str]
    given: set[tuple[str, str]] = field(default_factory=set)

    def lines(self, record: Record) -> list[JsonDict]:
        """The lines of a run with all fields of the schema; OSError or ValueError where its answers cannot be read."""
        nothing = dict.fromkeys(WHOLE)
        whole = self._whole(record)
        return [
            {**said, **(whole if said["selection"] == CARRIER else nothing)} for said in lines.of(record, self.named)
        ]

    def _whole(self, record: Record) -> JsonDict:
        arrays = self.store.answers_of(record)
        found = {
            name: b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()) for name, array in arrays.items()
        }
        return {
            "record": json.dumps(sealed(record.to_json()), sort_keys=True, separators=(",", ":"), allow_nan=False),
            "answers": json.dumps({name: text.decode("ascii") for name, text in found.items()}),
            "draw": self._list(DRAWS, record.draw),
            "tested": self._list(TESTED, record.tested),
        }

    def _list(self, kind: str, name: str | None) -> str | None:
        """A list as JSON; None where none is named, or is here, or it stands in an earlier line."""
        if name is None or (kind, name) in self.given or (said := self.store.listed(kind, name)) is None:
            return None
        self.given.add((kind, name))
        return json.dumps(said)


def jsonl(said: Json) -> str:
    """A line of results.jsonl, in ASCII, without its end."""
    return json.dumps(said, allow_nan=False)


def csv(records: Iterable[Record], named: Callable[[str], str]) -> str:
    """The text of results.csv: a header, and a row for each run and selection, with null as an empty cell."""
    found = (said for record in records for said in lines.of(record, named))
    return tidy_csv.text(lines.COLUMNS, ({name: cell(said[name]) for name in lines.COLUMNS} for said in found))


def cell(value: object) -> str:
    """A value as the text of a cell: a number with all its digits, a text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, str):
        return ("'" if value.startswith(FORMULA) else "") + line(value)
    return json.dumps(value)
