"""Readers and loaders that note every call and its arguments, and the inspection of their files."""

from pathlib import Path
from typing import Any

from benchmark.core.asset import Asset
from benchmark.core.settings import Settings
from benchmark.encoders.encoder import Encoder, Loaded

CALLS: list[dict[str, Any]] = []
"""Arguments of every call since the list was last cleared."""
STATE = {"usable": True}
"""Whether an inspected file is usable."""


class Nothing:
    """A data set by its type, without images."""

    classnames = templates = ("nothing",)
    fingerprint = "nothing"

    def ids(self, *_: Any) -> Any: ...

    def labels(self, *_: Any) -> Any: ...

    def images(self, *_: Any) -> Any: ...

    def draw(self, *_: Any) -> Any: ...


class Plain(Nothing):
    """A reader without a parameter `settings`."""

    def __init__(self, **given: Any) -> None:
        CALLS.append(given)


class Placed(Nothing):
    """A reader that is given the settings."""

    def __init__(self, path: str, *, settings: Settings) -> None:
        self.settings = settings
        CALLS.append({"path": path, "settings": settings})


def encoder(role: str, width: int = 1) -> Encoder:
    """A loader, which is given its role first."""
    CALLS.append({"role": role, "width": width})
    return Encoder(role, f"{width} wide", lambda: Loaded(lambda images: images))


def look(opener: str, role: str = "", *, settings: Settings, deep: bool = False, **more: Any) -> Asset:
    """The state of a file in the cache folder."""
    CALLS.append({"opener": opener, "role": role, "deep": deep, **more})
    state = "ok" if STATE["usable"] else "missing"
    return Asset(f"{opener} {role}", state, Path(settings.cache), "", "", "", False, STATE["usable"])
