"""The toy house as if it lay outside: a role is there when a file of its name lies in the data root."""

from pathlib import Path
from typing import Any

import toy_house

from benchmark.core.asset import Asset
from benchmark.core.errors import Incomplete
from benchmark.core.settings import Settings
from benchmark.encoders.encoder import Encoder
from benchmark.suites.suite import Suite

SHIFTS = ["imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"]
NONCOMMERCIAL = {"imagenet", "mocov3"}


def tiles(key: str, *, settings: Settings, **given: Any) -> toy_house.Tiles:
    _need(key, settings)
    return toy_house.Tiles(**given)


def clip(role: str, *, settings: Settings) -> Encoder:
    _need(role, settings)
    return toy_house.clip(role, settings=settings)


def projection(role: str, *, settings: Settings) -> Encoder:
    _need(role, settings)
    return toy_house.projection(role)


def look(opener: str, key: str, part: str = "", deep: bool = False, *, settings: Settings, **_: Any) -> Asset:
    """`key` is an encoder's role, or a data set's key."""
    kind = {"tiles": "data set"}.get(opener, "weights")
    name = f"{part or kind} {key}"
    path = _path(f"{key}-{part}" if part else key, settings)
    there = path.is_file()
    bad = deep and there and path.read_text() != "good"
    state = "incomplete" if bad else "ok" if there else "missing"
    says = "" if state == "ok" else f"put it into {path}"
    return Asset(name, state, path, says, f"https://{key}", f"terms of {key}", key in NONCOMMERCIAL, there and not bad)


def write_suite(folder: Path, **changes: str) -> Path:
    """The toy house's suite file, every role outside."""
    text = toy_house.FILE.read_text().replace("toy_house:clip", "toy_outside:clip")
    text = text.replace("toy_house:projection", "toy_outside:projection")
    for role in toy_house.house().datasets:
        inside = f'[datasets.{role}]\nreader = "toy_house:Tiles"'
        assert inside in text
        text = text.replace(inside, f'[datasets.{role}]\nreader = "toy_outside:tiles"\nkey = "{role}"')
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path = folder / "outside.toml"
    path.write_text(text)
    return path


def everything(world: Suite) -> list[str]:
    """The names of all files that make the suite whole."""
    return [
        *world.datasets,
        *(role.replace("/", "-") for role in world.encoders),
        "imagenet-generated",
        "imagenet-sentences",
    ]


def _need(name: str, settings: Settings) -> None:
    if not _path(name, settings).is_file():
        raise Incomplete(f"{name} was opened and is not there")


def _path(name: str, settings: Settings) -> Path:
    assert settings.data_root is not None
    return settings.data_root / name.replace("/", "-")
