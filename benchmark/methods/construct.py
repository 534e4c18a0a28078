"""Class name and arguments -> predictor, and what a predictor with these arguments reads and wants."""

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from benchmark.core.digest import digest
from benchmark.core.errors import BenchError
from benchmark.core.names import choose, resolve
from benchmark.methods.predictor import Predictor
from benchmark.methods.recipe import Recipe


@cache
def predictor_class(method: str) -> type[Predictor]:
    """The class a method's name stands for; BenchError when it is no Predictor."""
    cls = resolve(method, "method")
    if not (isinstance(cls, type) and issubclass(cls, Predictor)):
        raise BenchError(f"method {method!r} is no benchmark.methods.predictor.Predictor; see CONTRIBUTING.md")
    return cls


def construct(method: str, arguments: Mapping[str, Any]) -> Predictor:
    """Build a predictor from plain data. A recipe, or another argument with fields, may be given in part."""
    cls = predictor_class(method)
    known = [name for name in inspect.signature(cls).parameters]
    for name in arguments:
        choose(name, known, f"parameter of {method}")
    given = dict(arguments)
    try:
        partial = {name: given.pop(name) for name in list(given) if _has_fields(cls, name)}
        predictor = cls(**given)
        if not partial:
            return predictor
        whole = {name: _completed(getattr(predictor, name), name, part, method) for name, part in partial.items()}
        return cls(**given, **whole)
    except (TypeError, ValueError) as error:
        raise BenchError(f"{method}: {error}") from error


def _has_fields(cls: type[Predictor], name: str) -> bool:
    """Whether a constructor's argument is a dataclass: the recipe, even of a method that has none of its own, and others."""
    return name == "recipe" or is_dataclass(inspect.signature(cls).parameters[name].default)


def _completed(own: Any, argument: str, partial: Mapping[str, Any], method: str) -> Any:
    kind = Recipe if own is None else type(own)
    for name in partial:
        choose(name, kind.__dataclass_fields__, f"{argument} field of {method}")
    return kind(**partial) if own is None else replace(own, **partial)


class Facts(NamedTuple):
    """What a method with its arguments is to the harness before it is fitted."""

    settings: Mapping[str, Any]
    reads: Sequence[str]
    wants: Sequence[str]


def facts(method: str, arguments: Mapping[str, Any]) -> Facts:
    """The facts of a method with its arguments. BenchError where it cannot be constructed so."""
    try:
        text = json.dumps(arguments, sort_keys=True)
    except TypeError:  # an argument that is no plain data names no run; constructing says so
        return _constructed(method, arguments)
    return _facts(method, text)


@cache
def _facts(method: str, arguments: str) -> Facts:
    """A pure function of its two texts, so remembered: a table asks for the facts of a method thousands of times."""
    return _constructed(method, json.loads(arguments))


def _constructed(method: str, arguments: Mapping[str, Any]) -> Facts:
    predictor = construct(method, arguments)
    return Facts(_settings(predictor, method), tuple(predictor.reads), tuple(predictor.wants))


def _settings(predictor: Predictor, method: str) -> dict[str, Any]:
    """The predictor's settings; BenchError when it does not keep them, or they are no plain data."""
    try:
        settings = predictor.settings()
        digest(settings)
    except (AttributeError, TypeError, ValueError) as error:
        raise BenchError(f"{method}: a run is named by its settings, kept as plain data: {error}") from error
    return settings
