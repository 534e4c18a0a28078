"""The data sets and encoders that a suite names: looked at without being opened, and opened once a process."""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark import places, sealed
from benchmark.data.dataset import Dataset
from benchmark.encoders.encoder import Encoder
from benchmark.errors import BenchError
from benchmark.names import choose, resolve
from benchmark.suite import Suite

ROLE_KEYS = (
    "shifts",
    "shift_encoders",
    "generated",
    "sentences",
    "stand_ins",
    "statistics",
    "images",
    "shots",
    "network",
)
"""What a suite says of a role, and its reader or loader is not told."""


@dataclass(frozen=True)
class Asset:
    """What there is of something that a suite needs and this repository does not hold.

    name: "data set imagenet", "weights clip_rn50".  state: in a word, as benchmark.encoders.slots has them.
    path: what was looked at.  says: one line on what is amiss and what to do, or worth knowing; empty where nothing is.
    page, licence: where it is published, on which terms ("" where none are stated).  usable: whether it can be opened.
    """

    name: str
    state: str
    path: Path | None
    says: str
    page: str
    licence: str
    noncommercial: bool
    usable: bool

    @property
    def line(self) -> str:
        """All of it for people."""
        terms = f"{self.page} ({self.licence or 'no licence stated'})"
        says = re.sub(rf"^{re.escape(self.name)}(:| is missing:| are missing:) ", "", self.says)
        return f"{self.name}: {self.state}: " + (says or f"{self.path}; {terms}")


_open: dict[tuple[object, ...], Any] = {}
_seen: dict[tuple[object, ...], Asset] = {}


def dataset(suite: Suite, role: str) -> Dataset:
    """The data set that plays a role in the suite. Breach where a predictor asks."""
    sealed.refuse(f"the data set {role}")
    return _get(suite, "data set", role, suite.datasets, "reader", ())


def encoder(suite: Suite, role: str) -> Encoder:
    """The encoder that plays a role in the suite, with its weights, frozen."""
    return _get(suite, "encoder", role, suite.encoders, "loader", (role,))


def look_at_dataset(suite: Suite, role: str, part: str = "", deep: bool = False) -> Asset | None:
    """What there is of a data set, or of a part of it ("generated", "sentences"), which is not opened for it.

    None where its reader cannot say. The module of a reader may have `look(reader, part=…, count=…, deep=…)`, which is told
    the reader's name and arguments; count: what the suite says of the part, for "generated" how many of a class.
    """
    look, opener, given = _looker(suite, "data set", role, suite.datasets, "reader")
    if look is None:
        return None
    said = {**given, "part": part, "count": suite.datasets[role].get(part, 0)}
    return _looked(lambda: look(opener, **said, deep=deep), deep, opener, said)


def look_at_encoder(suite: Suite, role: str, deep: bool = False) -> Asset | None:
    """The same of an encoder's weights: the module of a loader may have `look(loader, role, deep=…)`."""
    look, opener, given = _looker(suite, "encoder", role, suite.encoders, "loader")
    return _looked(lambda: look(opener, role, **given, deep=deep), deep, opener, role, given) if look else None


def _looked(look: Callable[[], Asset | None], deep: bool, *what: object) -> Asset | None:
    """A look, or what it saw before: what can be used is looked at once a process, unless deeper."""
    place = (*map(repr, what), *places.said())
    found = None if deep else _seen.get(place)
    if found is None:
        found = look()
        if found is not None and found.usable:
            _seen[place] = found
    return found


def _looker(
    suite: Suite, kind: str, role: str, table: Any, key: str
) -> tuple[Callable[..., Asset | None] | None, str, Mapping[str, Any]]:
    """What looks for a role, if there is such a thing; the name and the arguments of what opens it."""
    spec = table[choose(role, table, f"{kind} of suite {suite.name}")]
    try:
        module = sys.modules.get(getattr(resolve(spec[key], kind), "__module__", ""))
    except BenchError:  # whoever opens it will say so
        module = None
    return getattr(module, "look", None), spec[key].partition(":")[2], _arguments(spec, key)


def _get(suite: Suite, kind: str, role: str, table: Any, key: str, arguments: tuple[str, ...]) -> Any:
    spec = dict(table[choose(role, table, f"{kind} of suite {suite.name}")])
    place = (kind, role, repr(spec), *places.said())
    if place not in _open:
        _open[place] = resolve(spec[key], kind)(*arguments, **_arguments(spec, key))
    return _open[place]


def _arguments(spec: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What a reader or loader is told of what a suite says of a role."""
    return {name: value for name, value in spec.items() if name not in (key, *ROLE_KEYS)}
