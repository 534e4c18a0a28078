"""Records of an exhibit that was asked in other roles, as `bench run` leaves them."""

from collections.abc import Collection, Mapping
from typing import Any

from toy_house import full_record

from benchmark.exhibits import exhibit, substitution
from benchmark.exhibits.recalled import Note, recalled
from benchmark.exhibits.substitution import Instead
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.suites.suite import Suite

BIRDS = "folder:birds-1a2b3c4d"


def asked(
    suite: Suite, name: str, rows: Collection[str], shots: int, seeds: Collection[int] = (1,), **instead: str
) -> dict[str, Record]:
    """Records, by key, of some rows of an exhibit at a number of shots in other roles."""
    roles = Instead(**instead)
    shown, world = substitution.asked(exhibit.load(name), recalled(suite, roles), roles)
    cells = [cell for cell in shown.cells() if cell.row in rows and cell.of_column.shots == shots]
    assert {cell.row for cell in cells} == set(rows)
    runs = [run for cell in cells for run in cell.runs(world, list(seeds))]
    return {run.key: full_record(run, world, 0.5 + 0.01 * len(run.method)) for run in runs}


def kept(store: Store, records: Mapping[str, Record]) -> Store:
    """The store with these records in it."""
    for record in records.values():
        store.put(record, {name: _right(record, s.correct) for name, s in record.selections.items()})
    return store


def noted(store: Store, name: str, given: Mapping[str, Any] | None = None, **instead: str) -> None:
    """Leave the note that `bench run` leaves of an exhibit in other roles, with these arguments of the data set's reader."""
    store.keep_asked(Note(name, Instead(**instead), {"dataset": given} if given else {}).to_json())


def _right(record: Record, correct: int) -> Any:
    import numpy as np

    return np.arange(record.n) < correct
