"""A part of a JSON object: known keys become fields, unknown keys survive, absent keys stay absent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from benchmark.core.json_part import Part


@dataclass(frozen=True)
class Leaf(Part):
    keys: ClassVar[Mapping[str, str]] = {"kind": "class"}

    kind: str
    size: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tree(Part):
    parts: ClassVar[Mapping[str, type[Part]]] = {"top": Leaf}
    tables: ClassVar[Mapping[str, type[Part]]] = {"leaves": Leaf}

    top: Leaf | None = None
    leaves: Mapping[str, Leaf] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def test_known_keys_become_fields_at_every_depth() -> None:
    tree = Tree.from_json({"top": {"class": "a"}, "leaves": {"left": {"class": "b", "size": 0}}})
    assert tree == Tree(Leaf("a"), {"left": Leaf("b", 0)})


def test_a_round_trip_keeps_unknown_keys_and_adds_none() -> None:
    said = {"top": {"class": "a", "kind": 1}, "leaves": {}, "root": [1]}
    tree = Tree.from_json(said)
    assert tree.more == {"root": [1]}
    assert tree.top == Leaf("a", more={"kind": 1})
    assert tree.to_json() == said
    assert Tree.from_json({}).to_json() == {}
