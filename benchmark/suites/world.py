"""A suite with the settings of this machine: its data sets and encoders, inspected without being opened, and opened once."""

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from benchmark.core.asset import Asset
from benchmark.core.errors import BenchError
from benchmark.core.names import choose, resolve
from benchmark.core.settings import Settings
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
"""Keys of a role in a suite's file that its reader or loader is not given."""


class World:
    """A suite on this machine.

    Data sets and encoders are opened at first use and kept for as long as the world lives. A copy that travels to a worker
    process holds the suite and the settings alone, and opens anew there. A reader or loader that has a parameter
    `settings` is given them.

    Attributes:
        suite: What each role is.
        settings: Folders, device and precision.
    """

    def __init__(self, suite: Suite, settings: Settings) -> None:
        self.suite = suite
        self.settings = settings
        self._opened: dict[tuple[str, str], Any] = {}
        self._inspected: dict[tuple[str, str, str], Asset] = {}

    def __reduce__(self) -> tuple[type["World"], tuple[Suite, Settings]]:
        """Pickled as suite and settings: nothing that is open travels."""
        return World, (self.suite, self.settings)

    def dataset(self, role: str) -> Dataset:
        """The data set that plays a role in the suite. Breach where a predictor asks."""
        sealed.refuse(f"the data set {role}")
        return self._get("data set", role, ())

    def encoder(self, role: str) -> Encoder:
        """The encoder that plays a role in the suite, with its weights, frozen."""
        return self._get("encoder", role, (role,))

    def inspect_dataset(self, role: str, part: str = "", deep: bool = False) -> Asset | None:
        """The state of a data set, or of a part of it, which is not opened for that.

        The module of a reader may have `look(reader, part=…, count=…, deep=…)`, which is given the reader's name and
        arguments; count is the suite's number for the part, for "generated" how many images of a class.

        Args:
            role: The data set's role in the suite.
            part: "generated", "sentences", or "" for the data set itself.
            deep: Whether every file is read.

        Returns:
            The state; None where the reader's module has no `look`.
        """
        count = self._spec("data set", role).get(part, 0)
        return self._inspect("data set", role, part, (), {"part": part, "count": count}, deep)

    def inspect_encoder(self, role: str, deep: bool = False) -> Asset | None:
        """The state of an encoder's weights, by `look(loader, role, deep=…)` in its loader's module; None without one."""
        return self._inspect("encoder", role, "", (role,), {}, deep)

    def _inspect(
        self, kind: str, role: str, part: str, arguments: tuple[str, ...], more: Mapping[str, Any], deep: bool
    ) -> Asset | None:
        """Inspect; a usable asset is inspected once, unless `deep`."""
        spec, (key, _) = self._spec(kind, role), _KINDS[kind]
        try:
            module = sys.modules.get(getattr(resolve(spec[key], kind), "__module__", ""))
        except BenchError:  # whoever opens it will say so
            return None
        look = getattr(module, "look", None)
        if look is None:
            return None
        place = (kind, role, part)
        found = None if deep else self._inspected.get(place)
        if found is None:
            given = {**_arguments(spec, key), **more, **self._settings_for(look)}
            found = look(spec[key].partition(":")[2], *arguments, **given, deep=deep)
            if found is not None and found.usable:
                self._inspected[place] = found
        return found

    def _get(self, kind: str, role: str, arguments: tuple[str, ...]) -> Any:
        spec, (key, _) = self._spec(kind, role), _KINDS[kind]
        if (kind, role) not in self._opened:
            opener = resolve(spec[key], kind)
            given = {**_arguments(spec, key), **self._settings_for(opener)}
            self._opened[kind, role] = opener(*arguments, **given)
        return self._opened[kind, role]

    def _spec(self, kind: str, role: str) -> Mapping[str, Any]:
        """The suite's table of a role. BenchError with the nearest role where there is none."""
        table = getattr(self.suite, _KINDS[kind][1])
        return table[choose(role, table, f"{kind} of suite {self.suite.name}")]

    def _settings_for(self, called: Callable[..., Any]) -> dict[str, Settings]:
        """The settings, for a reader, loader or `look` that has a parameter of this name."""
        return {"settings": self.settings} if "settings" in inspect.signature(called).parameters else {}


_KINDS = {"data set": ("reader", "datasets"), "encoder": ("loader", "encoders")}
"""Kind of a role -> the key that names what opens it, and the suite's table of such roles."""


def _arguments(spec: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The arguments of a reader or loader in a suite's table."""
    return {name: value for name, value in spec.items() if name not in (key, *ROLE_KEYS)}
