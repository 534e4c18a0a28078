"""The data sets and encoders that a suite names, opened once a process."""

from typing import Any

from benchmark import sealed
from benchmark.data.dataset import Dataset
from benchmark.encoders.encoder import Encoder
from benchmark.names import choose, resolve
from benchmark.suite import Suite

ROLE_KEYS = ("shifts", "shift_encoders", "generated", "sentences", "stand_ins", "statistics")
"""What a suite says of a data set's role, and its reader is not told."""

_open: dict[tuple[str, str, str], Any] = {}


def dataset(suite: Suite, role: str) -> Dataset:
    """The data set that plays a role in the suite. Breach where a predictor asks."""
    sealed.refuse(f"the data set {role}")
    return _get(suite, "data set", role, suite.datasets, "reader", ())


def encoder(suite: Suite, role: str) -> Encoder:
    """The encoder that plays a role in the suite, with its weights, frozen."""
    return _get(suite, "encoder", role, suite.encoders, "loader", (role,))


def _get(suite: Suite, kind: str, role: str, table: Any, key: str, arguments: tuple[str, ...]) -> Any:
    spec = dict(table[choose(role, table, f"{kind} of suite {suite.name}")])
    place = (kind, role, repr(spec))
    if place not in _open:
        given = {name: value for name, value in spec.items() if name not in (key, *ROLE_KEYS)}
        _open[place] = resolve(spec[key], kind)(*arguments, **given)
    return _open[place]
