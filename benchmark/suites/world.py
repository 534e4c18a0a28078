"""A suite with the settings of this machine, which opens its data sets and encoders once."""

import hashlib
import inspect
from collections.abc import Mapping

from benchmark.core import code
from benchmark.core.asset import Asset
from benchmark.core.digest import Json
from benchmark.core.errors import BenchError
from benchmark.core.names import choose
from benchmark.core.settings import Settings
from benchmark.data.dataset import Dataset
from benchmark.encoders.encoder import Encoder
from benchmark.methods import sealed
from benchmark.suites.openers import DATASET, ENCODER, Kind, Opener
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
            self._datasets[role] = self._opener(DATASET, role).open()
        return self._datasets[role]

    def encoder(self, role: str) -> Encoder:
        """The frozen encoder of a role, with its weights, opened at first use."""
        if role not in self._encoders:
            self._encoders[role] = self._opener(ENCODER, role).open(role)
            self._inspected.pop((ENCODER.name, role, "", False), None)  # its hashes are known now
        return self._encoders[role]

    def data_fingerprint(self, role: str) -> str:
        """Identifier of the content of a role's data set, with the code of its reader if that is the user's own."""
        return self.dataset(role).fingerprint + self._code(DATASET, role)

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
        return self.encoder(role).fingerprint + self._code(ENCODER, role)

    def _code(self, kind: Kind, role: str) -> str:
        found = code.fingerprint(self._opener(kind, role).function)
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
        count = self._spec(DATASET, role).get(part, 0)
        return self._inspect(DATASET, role, part, (), {"part": part, "count": count}, deep, only_test)

    def inspect_encoder(self, role: str, deep: bool = False) -> Asset | None:
        """Inspect an encoder's weights by `look(loader, role, deep=…)` in its loader's module; None if there is no `look`."""
        return self._inspect(ENCODER, role, "", (role,), {}, deep)

    def _inspect(
        self,
        kind: Kind,
        role: str,
        part: str,
        arguments: tuple[str, ...],
        more: Json,
        deep: bool,
        only_test: bool = False,
    ) -> Asset | None:
        """Call `look` of a role's module; a usable asset is inspected only once, unless `deep`."""
        self._spec(kind, role)  # raises for an unknown role
        try:
            opener = self._opener(kind, role)
        except BenchError:  # raised again when the role is opened
            return None
        look = opener.look
        if look is None:
            return None
        narrow = {"only_test": True} if only_test and "only_test" in inspect.signature(look).parameters else {}
        place = (kind.name, role, part, bool(narrow))
        found = None if deep else self._inspected.get(place)
        if found is None:
            found = opener.inspect(look, arguments, {**more, **narrow}, deep)
            if found is not None and found.usable:
                self._inspected[place] = found
        return found

    def _opener(self, kind: Kind, role: str) -> Opener:
        """The reader or loader of a role, imported and not called."""
        spec = self._spec(kind, role)
        given = {name: value for name, value in spec.items() if name not in (kind.key, *ROLE_KEYS)}
        return Opener(kind, self.suite.name, role, spec, given, self.settings)

    def _spec(self, kind: Kind, role: str) -> Json:
        """The suite's table of a role; BenchError with the nearest role if it is unknown."""
        table: Mapping[str, Json] = getattr(self.suite, kind.table)
        return table[choose(role, table, f"{kind.name} of suite {self.suite.name}")]
