"""Frozen dataclasses that are read from JSON or TOML and written as JSON without the change of a letter."""

from collections.abc import Mapping
from dataclasses import fields
from typing import ClassVar, Self

from benchmark.core.digest import Json, JsonDict


class Part:
    """Base of a frozen dataclass with a field for each known key of an object, and `more` for all other keys.

    Absent fields are None and stay absent, so that a round trip through `from_json` and `to_json` changes no letter.
    """

    keys: ClassVar[Mapping[str, str]] = {}
    """Field -> its key, for fields that cannot be named by their key."""
    parts: ClassVar[Mapping[str, "type[Part]"]] = {}
    """Fields that are parts themselves."""
    tables: ClassVar[Mapping[str, "type[Part]"]] = {}
    """Fields that map names to parts."""
    more: Json

    @classmethod
    def from_json(cls, said: Json) -> Self:
        """Build the part from parsed and valid JSON or TOML."""
        known = cls._known()
        given: JsonDict = {known[key]: value for key, value in said.items() if key in known}
        for name, part in cls.parts.items():
            if name in given:
                given[name] = part.from_json(given[name])
        for name, part in cls.tables.items():
            if name in given:
                given[name] = {key: part.from_json(value) for key, value in given[name].items()}
        given["more"] = {key: value for key, value in said.items() if key not in known}
        return cls(**given)

    def to_json(self) -> Json:
        """The part as plain data, unknown keys included."""
        said: JsonDict = dict(self.more)
        for key, name in self._known().items():
            value = getattr(self, name)
            if value is None:
                continue
            if name in self.parts:
                value = value.to_json()
            elif name in self.tables:
                value = {place: part.to_json() for place, part in value.items()}
            said[key] = value
        return said

    @classmethod
    def _known(cls) -> dict[str, str]:
        """Key -> field, in the order of the fields."""
        names = (f.name for f in fields(cls) if f.init and f.name != "more")  # type: ignore[arg-type]
        return {cls.keys.get(name, name): name for name in names}
