"""The hash of plain data, which names runs and features."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(asked: Mapping[str, Any]) -> str:
    """20 hexadecimal digits that name a question. The order of names does not count, and 1.0 is 1."""
    text = json.dumps(_same(asked), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _same(value: Any) -> Any:
    """What is equal in Python is made equal in JSON: a TOML file's 1 is the 1.0 of a default."""
    if isinstance(value, Mapping):
        return {name: _same(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_same(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
