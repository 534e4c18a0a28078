"""Records of questions that no exhibit of a suite asks: own data, other encoders, methods of other packages.

An exhibit in other roles (`benchmark.exhibits.substitution`) is rebuilt from the records alone, without data and weights. The
exhibits that `bench run` noted in the store come first; then those that hold most of the rest, until no record is left that
any exhibit could hold.
"""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from benchmark.analysis import own_methods
from benchmark.analysis.results import Measured, gather
from benchmark.core.digest import Json
from benchmark.core.errors import BenchError
from benchmark.core.settings import Settings
from benchmark.core.text import and_counted, counted
from benchmark.exhibits import exhibit, substitution
from benchmark.exhibits.exhibit import Exhibit
from benchmark.exhibits.naming import METHODS, method_named
from benchmark.exhibits.recalled import UNKNOWN, Note, recalled
from benchmark.exhibits.run import PROTOCOL
from benchmark.exhibits.substitution import Instead
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.suites import absent
from benchmark.suites.suite import Suite
from benchmark.suites.world import World

NOT_DRAWN = "are not drawn"
NAMED = 6
"""Largest number of data sets whose records are named; of more, the number is given."""


@dataclass(frozen=True)
class Others:
    """Records that no exhibit of the suite asks for.

    Attributes:
        shown: Exhibits in other roles with these records.
        left: Records that neither these exhibits nor a row of an own method hold.
        records: All of them.
    """

    shown: Sequence[Measured] = ()
    left: Sequence[Record] = ()
    records: Sequence[Record] = ()


NO_OTHERS = Others()


@dataclass(frozen=True)
class Candidate:
    """An exhibit in other roles that holds some of the records.

    Attributes:
        exhibit: The exhibit as substituted.
        suite: The suite in which its cells can be named.
        base: Id of the exhibit of the suite that it was made of.
        instead: Other roles.
        keys: Cell keys of the records that it holds.
        cells: Number of its cells with such a record.
    """

    exhibit: Exhibit
    suite: Suite
    base: str
    instead: Instead
    keys: frozenset[str]
    cells: int

    def gain(self, wanted: Collection[str]) -> tuple[int, int, bool, int]:
        """How well it would show records: how many, by how few other roles, as the table of methods, in how many cells."""
        return len(self.keys & set(wanted)), -len(self.instead.roles), self.base == METHODS, self.cells


def find(suite: Suite, store: Store, records: Mapping[str, Record], settings: Settings) -> Others:
    """Find the records that no exhibit of the suite asks for, and the exhibits in other roles that show them."""
    others = strangers(suite, records)
    notes = [note for said in store.asked() if (note := Note.from_json(said))] if records else []
    if not others and not notes:
        return NO_OTHERS
    roles = list(dict.fromkeys([note.instead for note in notes] + [i for record in others for i in _roles(record)]))
    given = _given(notes)
    for instead in roles:
        suite = recalled(suite, instead, given)
    rows = set().union(*(own_methods.held(exhibit.load(name), suite, others) for name in exhibit.names()))
    chosen = _noted(suite, notes, records.values())
    left = [r for r in others if r.cell_key not in rows and not any(r.cell_key in one.keys for one in chosen)]
    chosen += _covering(_candidates(suite, left), {record.cell_key for record in left})
    chosen.sort(key=lambda one: (one.instead.words(one.suite), one.exhibit.place))
    held = rows.union(*(one.keys for one in chosen))
    shown = [_measured(one, records, store, settings) for one in chosen]
    return Others(shown, [record for record in left if record.cell_key not in held], others)


def _given(notes: Iterable[Note]) -> dict[str, Json]:
    """Role -> noted arguments of its reader or loader; of a folder or a file that was moved, those of where it is now."""
    found = [(note.instead.roles[kind], spec) for note in notes for kind, spec in note.given.items()]
    return dict(sorted(found, key=lambda pair: os.path.exists(pair[1].get("path") or pair[1].get("file") or "")))


def strangers(suite: Suite, records: Mapping[str, Record]) -> list[Record]:
    """The records whose question no exhibit of the suite asks."""
    if not records:
        return []
    known = set().union(*(_held(exhibit.load(name), suite) for name in exhibit.names()))
    return [record for record in records.values() if record.cell_key not in known]


def _held(shown: Exhibit, suite: Suite) -> set[str]:
    """Cell keys of all runs of an exhibit."""
    return set().union(*_cells(shown, suite))


def _cells(shown: Exhibit, suite: Suite) -> list[set[str]]:
    """Cell keys of the runs of each cell; the cells of an exhibit share runs."""
    groups = (cell.groups(suite, (0,)) for cell in shown.cells())
    return [{runs[0].cell_key for part in parts for runs in part} for parts in groups]


def _noted(suite: Suite, notes: Iterable[Note], records: Iterable[Record]) -> list[Candidate]:
    """The noted exhibits that hold a record, without those in their own roles."""
    records = list(records)
    asked = dict.fromkeys((note.exhibit, note.instead) for note in notes)
    found = [_candidate(name, suite, instead, records) for name, instead in asked]
    own = {name: _held(exhibit.load(name), suite) for name in {c.base for c in found if c}}
    return [c for c in found if c and not c.keys <= own[c.base]]


def _candidates(suite: Suite, records: Iterable[Record]) -> list[Candidate]:
    """Every exhibit in every combination of the records' roles that holds a record."""
    records = list(records)
    roles = dict.fromkeys(instead for record in records for instead in _roles(record))
    found = [_candidate(name, suite, instead, records) for instead, name in product(roles, exhibit.names())]
    return [candidate for candidate in found if candidate]


def _candidate(name: str, suite: Suite, instead: Instead, records: Collection[Record]) -> Candidate | None:
    """An exhibit in other roles; None if there is no such, or it holds none of the records."""
    try:
        turned, world = substitution.asked(exhibit.load(name), suite, instead)
    except BenchError:  # it compares such roles, or has none to replace
        return None
    wanted = {record.cell_key for record in records}
    held = [keys.intersection(wanted) for keys in _cells(own_methods.with_own(turned, world, records), world)]
    keys = frozenset().union(*held)
    return Candidate(turned, world, name, instead, keys, sum(map(bool, held))) if keys else None


def roles_of(record: Record) -> Instead:
    """The roles that a record's question names, as far as it names any."""
    settings = record.settings if isinstance(record.settings, Mapping) else {}
    said = {
        "dataset": record.asked.get("dataset"),
        "aux": settings.get("aux"),
        "backbone": record.asked.get("backbone"),
    }
    return Instead(**{kind: role for kind, role in said.items() if isinstance(role, str) and role})


def _roles(record: Record) -> list[Instead]:
    """The substitutions that may have led to a record: each of its roles was asked for, or is the exhibit's own."""
    choices = product(*([(kind, role), None] for kind, role in roles_of(record).roles.items()))
    return [Instead(**dict(filter(None, choice))) for choice in choices if any(choice)]


def _covering(candidates: Sequence[Candidate], wanted: Collection[str]) -> list[Candidate]:
    """As few of the candidates as hold all wanted records that any holds."""
    chosen, left = [], set(wanted) & {key for c in candidates for key in c.keys}
    while left:
        best = max(candidates, key=lambda c: c.gain(left))
        chosen.append(best)
        left -= best.keys
    return chosen


def _measured(one: Candidate, records: Mapping[str, Record], store: Store, settings: Settings) -> Measured:
    """The exhibit with its records, and a sentence in its caption on each role that is not here today."""
    world = World(one.suite, settings)
    gone = filter(None, (_absent(kind, role, world) for kind, role in one.instead.roles.items()))
    caption = " ".join([one.exhibit.caption, *gone])
    return gather(replace(one.exhibit, caption=caption), one.suite, records, store.skipped())


def _absent(kind: str, role: str, world: World) -> str:
    """The sentence on a role that is not on this machine; "" if it is here, or cannot be looked for without opening it."""
    table = world.suite.datasets if kind == "dataset" else world.suite.encoders
    if table[role].get("reader", table[role].get("loader", "")).startswith(absent.__name__):
        return _gone(role, str(table[role].get("path") or table[role]["file"]))
    asset = world.inspect_dataset(role) if kind == "dataset" else world.inspect_encoder(role)
    return f"{world.suite.named(role)} is not here today." if asset is not None and not asset.usable else ""


def _gone(role: str, path: str) -> str:
    """The sentence on a folder of images, or an encoder's file, of which only records tell; "" if it lies where it was."""
    if path == UNKNOWN:
        return f"Where {role} lies is not noted here."
    return "" if os.path.exists(path) else f"{role} was in {path}, which is not here today."


def told(records: Sequence[Record], suite: Suite, what: str) -> str:
    """One line on records of other questions than the exhibits'; empty for none.

    Args:
        records: Records.
        suite: Their suite.
        what: What becomes of these questions, such as `NOT_DRAWN`.

    Returns:
        "8 records belong to questions that are not drawn: folder:birds-1a2b3c4d (LP-CLIP, CoOp; 8 shots)".
    """
    if not records:
        return ""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(_place(record, suite), []).append(record)
    parts = [f"{place} ({_methods(group)}; {_shots(group)})" for place, group in groups.items()]
    more = [f"and {len(parts) - NAMED} more"] if len(parts) > NAMED else []
    belong = f"{counted(len(records), 'record')} belong{'s' * (len(records) == 1)}"
    return f"{belong} to questions that {what}: {', '.join([*parts[:NAMED], *more])}"


def _place(record: Record, suite: Suite) -> str:
    """The data set of a record, and suite and protocol where they are not those of today's questions."""
    name, protocol = record.asked.get("suite", suite.name), record.asked.get("protocol", PROTOCOL)
    elsewhere = "" if name == suite.name else f" of suite {name}"
    older = "" if protocol == PROTOCOL else f" by protocol {protocol} (today's is {PROTOCOL})"
    return f"{suite.named(record.dataset) or 'no data set'}{elsewhere}{older}"


def _methods(records: Iterable[Record]) -> str:
    return ", ".join(dict.fromkeys(method_named(record.method, record.method) for record in records))


def _shots(records: Iterable[Record]) -> str:
    return and_counted({record.shots for record in records}, "shot", ", ") or "0 shots"
