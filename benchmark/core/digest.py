"""The hash of plain data, by which runs and their records are named."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]
"""Plain data by name, to be read: a JSON object or a table of a TOML file."""

JsonDict = dict[str, Any]
"""Plain data by name while it is put together."""


def digest(asked: Json) -> str:
    """First 20 hexadecimal digits of the sha256 of plain data, regardless of the order of keys; 1.0 counts as 1."""
    text = json.dumps(_canonical(asked), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _canonical(value: object) -> object:
    """Convert values that are equal in Python to equal JSON: whole floats to integers, tuples to lists."""
    if isinstance(value, Mapping):
        return {name: _canonical(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
