"""The data sets and encoders that a suite names: looked at without being opened, and opened once a process."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from benchmark.core import settings
from benchmark.core.asset import Asset
from benchmark.core.errors import BenchError
from benchmark.core.names import choose, resolve
from benchmark.data.dataset import Dataset
from benchmark.encoders.encoder import Encoder
from benchmark.methods import sealed
from benchmark.suites.suite import Suite

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
    place = (*map(repr, what), *settings.said())
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
    place = (kind, role, repr(spec), *settings.said())
    if place not in _open:
        _open[place] = resolve(spec[key], kind)(*arguments, **_arguments(spec, key))
    return _open[place]


def _arguments(spec: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What a reader or loader is told of what a suite says of a role."""
    return {name: value for name, value in spec.items() if name not in (key, *ROLE_KEYS)}
