"""Settings in tables by dotted names: {"recipe": {"lr": 0.1}} and {"recipe.lr": 0.1}."""

from collections.abc import Mapping
from typing import Any

from benchmark.core.digest import Json, JsonDict


def flat(settings: Json) -> JsonDict:
    """Name every field of a table of settings by a dotted name.

    Args:
        settings: Settings, of which some are tables of fields.

    Returns:
        Settings without tables.

    Example:
        >>> flat({"beta": 1.0, "recipe": {"lr": 0.1, "epochs": 20}})
        {'beta': 1.0, 'recipe.lr': 0.1, 'recipe.epochs': 20}
    """
    found: JsonDict = {}
    for name, value in settings.items():
        found |= {f"{name}.{k}": v for k, v in flat(value).items()} if isinstance(value, Mapping) else {name: value}
    return found


def nested(point: Mapping[str, Any]) -> JsonDict:
    """Put settings with a dotted name into tables of fields.

    Args:
        point: Name, with at most one dot -> value.

    Returns:
        Settings.

    Example:
        >>> nested({"beta": 1.0, "recipe.lr": 0.1, "recipe.epochs": 20})
        {'beta': 1.0, 'recipe': {'lr': 0.1, 'epochs': 20}}
    """
    found: JsonDict = {}
    for name, value in point.items():
        table, dot, field = name.partition(".")
        found[table] = {**found.get(table, {}), field: value} if dot else value
    return found
