"""Values of a TOML file beside the annotations of the parameters that they are given to."""

import types
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

PLAIN: dict[object, tuple[type, ...]] = {str: (str,), bool: (bool,), int: (int,), float: (float, int), Path: (str,)}
"""Annotation -> types of the values that may be given for it."""
LISTS = (list, tuple, set, frozenset, Sequence, Iterable, Collection)
TABLES = (dict, Mapping)


def fits(value: object, annotation: object) -> bool:
    """Whether a value may be given for a parameter.

    Args:
        value: A text, number, truth value, list or table of a TOML file.
        annotation: Annotation of the parameter.

    Returns:
        False where the annotation names other plain types; True also where it says nothing of plain values.
    """
    kind, inner = get_origin(annotation) or annotation, get_args(annotation)
    if kind in (Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if kind is Literal:
        return value in inner
    if kind is types.NoneType:
        return False
    if kind in LISTS:
        return isinstance(value, list) and _elements_fit(value, [one for one in inner if one is not ...])
    if kind in TABLES:
        return isinstance(value, dict)
    return type(value) in PLAIN.get(kind, (type(value),))


def _elements_fit(values: Sequence[Any], kinds: Sequence[object]) -> bool:
    return not kinds or all(any(fits(value, kind) for kind in kinds) for value in values)
