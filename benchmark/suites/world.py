"""A suite with the settings of this machine, which opens its data sets and encoders once."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from benchmark.core import code
from benchmark.core.asset import Asset
from benchmark.core.digest import Json
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
    "text",
)
"""Keys of a role in a suite's file that describe it to the harness and are no arguments of its reader or loader."""


class World:
    """A suite on this machine, with its data sets and encoders.

    Each data set and encoder is opened once, at first use, and then kept. A pickled copy for a worker process contains only
    the suite and the settings, and opens data sets and encoders again. The settings are passed to every reader and loader
    that has a parameter `settings`.

    Attributes:
        suite: Data sets and encoders by role.
        settings: Folders, device and precision.
    """

    def __init__(self, suite: Suite, settings: Settings) -> None:
        self.suite = suite
        self.settings = settings
        self._datasets: dict[str, Dataset] = {}
        self._encoders: dict[str, Encoder] = {}
        self._draws: dict[tuple[str, int, int], str] = {}
        self._inspected: dict[tuple[str, str, str, bool], Asset] = {}

    def __reduce__(self) -> tuple[type["World"], tuple[Suite, Settings]]:
        """Pickle only the suite and the settings, without opened data sets and encoders."""
        return World, (self.suite, self.settings)

    def dataset(self, role: str) -> Dataset:
        """The data set of a role, opened at first use; sealed.Breach if called from a predictor's code."""
        sealed.refuse(f"the data set {role}")
        if role not in self._datasets:
            self._datasets[role] = self._open("data set", role)
        return self._datasets[role]

    def encoder(self, role: str) -> Encoder:
        """The frozen encoder of a role, with its weights, opened at first use."""
        if role not in self._encoders:
            self._encoders[role] = self._open("encoder", role, role)
        return self._encoders[role]

    def data_fingerprint(self, role: str) -> str:
        """Identifier of the content of a role's data set, with the code of its reader if that is the user's own."""
        return self.dataset(role).fingerprint + self._code("data set", role)

    def draw_fingerprint(self, role: str, shots: int, seed: int) -> str:
        """Hash of the ids of the support set and the validation images of a draw, which depend on the sampler."""
        if (role, shots, seed) not in self._draws:
            draw = self.dataset(role).draw(shots, seed)
            ids = (draw.pool[draw.support], draw.val_pool[draw.val])
            content = b"|".join(part.astype("<i8").tobytes() for part in ids)
            self._draws[role, shots, seed] = hashlib.sha256(content).hexdigest()[:20]
        return self._draws[role, shots, seed]

    def encoder_fingerprint(self, role: str) -> str:
        """Identifier of the weights of a role's encoder, with the code of its loader if that is the user's own."""
        return self.encoder(role).fingerprint + self._code("encoder", role)

    def _code(self, kind: str, role: str) -> str:
        spec = self._spec(kind, role)
        found = code.fingerprint(resolve(spec[_KINDS[kind][0]], kind))
        return f" {found}" if found else ""

    def inspect_dataset(self, role: str, part: str = "", deep: bool = False, only_test: bool = False) -> Asset | None:
        """Inspect the files of a data set, or of a part of it, without opening it.

        This calls `look(reader, part=…, count=…, deep=…)` in the module of the reader, if defined there, with the reader's
        name and arguments. `count` is the suite's number for the part: for "generated", the number of images per class. A
        `look` with a parameter `only_test` is told whether only the test images matter.

        Args:
            role: Role of the data set in the suite.
            part: "generated", "sentences", or "" for the data set itself.
            deep: Whether to read every file.
            only_test: Whether the test images are all that is wanted, because nothing is trained.

        Returns:
            The state of the data set; None if the reader's module has no `look`.
        """
        count = self._spec("data set", role).get(part, 0)
        return self._inspect("data set", role, part, (), {"part": part, "count": count}, deep, only_test)

    def inspect_encoder(self, role: str, deep: bool = False) -> Asset | None:
        """Inspect an encoder's weights by `look(loader, role, deep=…)` in its loader's module; None if there is no `look`."""
        return self._inspect("encoder", role, "", (role,), {}, deep)

    def _inspect(
        self,
        kind: str,
        role: str,
        part: str,
        arguments: tuple[str, ...],
        more: Json,
        deep: bool,
        only_test: bool = False,
    ) -> Asset | None:
        """Call `look` of a role's module; a usable asset is inspected only once, unless `deep`."""
        spec, (key, _) = self._spec(kind, role), _KINDS[kind]
        try:
            module = sys.modules.get(getattr(resolve(spec[key], kind), "__module__", ""))
        except BenchError:  # raised again when the role is opened
            return None
        look: Callable[..., Asset | None] | None = getattr(module, "look", None)
        if look is None:
            return None
        narrow = {"only_test": True} if only_test and "only_test" in inspect.signature(look).parameters else {}
        place = (kind, role, part, bool(narrow))
        found = None if deep else self._inspected.get(place)
        if found is None:
            given = {**_arguments(spec, key), **more, **narrow, **self._settings_for(look)}
            found = look(spec[key].partition(":")[2], *arguments, **given, deep=deep)
            if found is not None and found.usable:
                self._inspected[place] = found
        return found

    def _open(self, kind: str, role: str, *arguments: str) -> Any:
        """Call the reader or loader of a role."""
        spec, (key, _) = self._spec(kind, role), _KINDS[kind]
        opener = resolve(spec[key], kind)
        given = {**_arguments(spec, key), **self._settings_for(opener)}
        return opener(*arguments, **given)

    def _spec(self, kind: str, role: str) -> Json:
        """The suite's table of a role; BenchError with the nearest role if it is unknown."""
        table: Mapping[str, Json] = getattr(self.suite, _KINDS[kind][1])
        return table[choose(role, table, f"{kind} of suite {self.suite.name}")]

    def _settings_for(self, called: Callable[..., object]) -> dict[str, Settings]:
        """The settings as a keyword argument, if a reader, loader or `look` has a parameter `settings`."""
        return {"settings": self.settings} if "settings" in inspect.signature(called).parameters else {}


_KINDS = {"data set": ("reader", "datasets"), "encoder": ("loader", "encoders")}
"""Kind of a role -> key that names its reader or loader, and the suite's table of such roles."""


def _arguments(spec: Json, key: str) -> Json:
    """Arguments of a reader or loader: all keys of its table but its own name and `ROLE_KEYS`."""
    return {name: value for name, value in spec.items() if name not in (key, *ROLE_KEYS)}
