"""Exhibits in other roles, remembered: the note that `bench run` leaves of one, and roles that only records tell of."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace

from benchmark.core.digest import Json, JsonDict
from benchmark.core.errors import BenchError
from benchmark.core.settings import Settings
from benchmark.exhibits import encoder_roles
from benchmark.exhibits.exhibit import Exhibit, names
from benchmark.exhibits.substitution import FOLDER, Instead
from benchmark.suites.suite import Suite

OUTSIDE = (FOLDER, encoder_roles.TIMM, encoder_roles.OPEN_CLIP)
"""Beginnings of roles that no suite has itself."""

OPENERS = ("reader", "loader")
UNKNOWN = "PATH"
"""Path of a folder of images, or of an encoder's file, that only records tell of."""


@dataclass(frozen=True)
class Note:
    """Question of a `bench run` on other data or encoders, kept for reports: an exhibit in other roles.

    Attributes:
        exhibit: Id of the exhibit.
        instead: Other roles.
        given: Kind of a role, such as "dataset" -> arguments of its reader or loader, such as the `path` of a folder; none of
            roles that the suite has itself.
    """

    exhibit: str
    instead: Instead
    given: Mapping[str, Json]

    @classmethod
    def of(cls, exhibit: Exhibit, suite: Suite, instead: Instead) -> "Note":
        """The note on an exhibit that is asked in the roles of a suite of `with_roles`."""
        specs = {
            kind: (suite.datasets if kind == "dataset" else suite.encoders)[r] for kind, r in instead.roles.items()
        }
        given = {
            kind: {name: value for name, value in spec.items() if name not in OPENERS}
            for kind, spec in specs.items()
            if instead.roles[kind].startswith(OUTSIDE)
        }
        return cls(exhibit.id, instead, given)

    @classmethod
    def from_json(cls, said: Json) -> "Note | None":
        """The note of plain data that somebody may have edited; None if it is none."""
        exhibit, roles, given = said.get("exhibit"), said.get("instead"), said.get("given")
        if exhibit not in names() or not isinstance(roles, dict) or not isinstance(given, dict):
            return None
        known = {field.name for field in fields(Instead)}
        if not set(given) <= set(roles) <= known or not _texts([*roles.values()]):
            return None
        valid = all(isinstance(spec, dict) and _arguments(spec) for spec in given.values())
        return cls(exhibit, Instead(**roles), given) if valid else None

    def to_json(self) -> JsonDict:
        """The note as plain data."""
        return {"exhibit": self.exhibit, "instead": self.instead.roles, "given": dict(self.given)}


def _arguments(spec: Json) -> bool:
    """Whether arguments of a reader or loader are texts, or lists of texts where they may be."""
    return all(
        _texts(value if isinstance(value, list) and name == "template" else [value]) for name, value in spec.items()
    )


def _texts(values: Sequence[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def recalled(suite: Suite, instead: Instead, given: Mapping[str, Json] | None = None) -> Suite:
    """Add roles that records name, without their data and weights being here.

    Args:
        suite: Suite of the records.
        instead: Roles that the records name.
        given: Role -> arguments of its reader or loader when it was measured, as far as they are known (`Note.given`).

    Returns:
        The suite with these roles. They can be asked for; opened can be only encoders that their name tells.
    """
    known = given or {}
    if instead.dataset and instead.dataset not in suite.datasets:
        told = {"path": UNKNOWN, **known.get(instead.dataset, {}), "role": instead.dataset}
        of_images = {**told, "reader": "benchmark.suites.absent:dataset"}
        suite = replace(suite, datasets={**suite.datasets, instead.dataset: of_images})
    for role, what in ((instead.aux, "encoder"), (instead.backbone, "backbone")):
        if role and role not in suite.encoders:
            spec = _recalled_encoder(suite, role, what, known.get(role, {}))
            suite = replace(suite, encoders={**suite.encoders, role: spec})
    return suite


def _recalled_encoder(suite: Suite, role: str, what: str, known: Json) -> Json:
    """The table of an encoder that a record names: its own if the name tells it, else one that is not opened."""
    if "@" not in role:
        with suppress(BenchError):
            return encoder_roles.outside(suite, role, what, Settings())[1]
    return {"file": UNKNOWN, **known, "loader": "benchmark.suites.absent:encoder"}
