"""Construction of predictors from plain data, and the settings, feature spaces and Task fields that they use."""

import inspect
import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import is_dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from benchmark.core.digest import Json, digest
from benchmark.core.errors import BenchError
from benchmark.core.foreign import Ended, foreign
from benchmark.core.names import choose, resolve
from benchmark.methods.choice import Released
from benchmark.methods.crops import Crops
from benchmark.methods.guest.visit import AT_IMPORT, guest
from benchmark.methods.predictor import Predictor
from benchmark.methods.recipe import Recipe

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@cache
def predictor_class(method: str) -> type[Predictor]:
    """Import the class of a method, given as "package.module:Class"; BenchError if it is no Predictor."""
    try:
        with guest(f"method {method}", facts=AT_IMPORT):
            cls = resolve(method, "method")
    except Ended as end:
        raise BenchError(
            f'{end} when it was imported; a script runs what stands under if __name__ == "__main__"'
        ) from end
    if not (isinstance(cls, type) and issubclass(cls, Predictor)):
        raise BenchError(f"method {method!r} is no benchmark.methods.predictor.Predictor; see CONTRIBUTING.md")
    return cls


def construct(method: str, arguments: Json) -> Predictor:
    """Construct a predictor from plain data; missing fields of a recipe, or of another dataclass, keep their defaults."""
    with foreign(f"method {method}"):
        return _construct(predictor_class(method), method, arguments)


def _construct(cls: type[Predictor], method: str, arguments: Json) -> Predictor:
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


def published(method: str, dataset: str, shots: int) -> Json:
    """Arguments that a method's authors published for a data set and a number of shots; BenchError if there are none such."""
    return deepcopy(_published(method, dataset, shots))


@cache
def _published(method: str, dataset: str, shots: int) -> Json:
    """Published arguments, cached because a table needs those of a method thousands of times."""
    cls = predictor_class(method)
    with guest(f"method {method}", facts=AT_IMPORT):
        found = cls.published(dataset, shots)
    for name in found:
        choose(name, inspect.signature(cls).parameters, f"parameter of {method}")
    return found


def _has_fields(cls: type[Predictor], name: str) -> bool:
    """Whether a constructor's argument is a dataclass; `recipe` always is, even if its default is None."""
    return name == "recipe" or is_dataclass(inspect.signature(cls).parameters[name].default)


def _completed(own: "DataclassInstance | None", argument: str, partial: Json, method: str) -> "DataclassInstance":
    kind = Recipe if own is None else type(own)
    for name in partial:
        choose(name, kind.__dataclass_fields__, f"{argument} field of {method}")
    return kind(**partial) if own is None else replace(own, **partial)


class Facts(NamedTuple):
    """Settings of a method, what it reads and wants, what its released code chooses, and its crops (`Predictor`)."""

    settings: Json
    reads: Sequence[str]
    wants: Sequence[str]
    released: Released
    crops: Crops | None


def facts(method: str, arguments: Json) -> Facts:
    """Facts about a method with given arguments; BenchError if it cannot be constructed with them."""
    try:
        text = json.dumps(arguments, sort_keys=True)
    except TypeError:  # no plain data: the construction raises the error to show
        return _constructed(method, arguments)
    return _facts(method, text)


@cache
def _facts(method: str, arguments: str) -> Facts:
    """Facts from JSON arguments, cached because a table needs the facts of a method thousands of times."""
    return _constructed(method, json.loads(arguments))


def _constructed(method: str, arguments: Json) -> Facts:
    with guest(f"method {method}", facts=AT_IMPORT):
        return declared(construct(method, arguments), method)


def declared(predictor: Predictor, method: str) -> Facts:
    """Facts that a predictor declares; BenchError if they cannot be used."""
    return Facts(
        settings=_settings(predictor, method),
        reads=_names(predictor.reads, "reads", method),
        wants=_names(predictor.wants, "wants", method),
        released=_released(predictor, method),
        crops=_crops(predictor, method),
    )


def _names(names: Sequence[str], attribute: str, method: str) -> Sequence[str]:
    """Names of feature spaces or of fields of the task; BenchError if they are one text, which is a sequence of letters."""
    if isinstance(names, str):
        raise BenchError(f"{method}: {attribute} is the text {names!r}; write ({names!r},)")
    return tuple(names)


def _released(predictor: Predictor, method: str) -> Released:
    """Choices of a method's released code; BenchError if it is no `Released` or searches what the method does not tune."""
    released = predictor.released
    if not isinstance(released, Released):
        raise BenchError(f"{method}: released is {released!r}, not a benchmark.methods.Released; see CONTRIBUTING.md")
    for choice in (released.choice, *released.on.values()):
        for name in choice.tunes or ():
            choose(name, predictor.tunes, f"setting that {method} tunes, in its released choice")
    return released


def _crops(predictor: Predictor, method: str) -> Crops | None:
    """Scale of the crops that a method trains on; BenchError if it is no pair of shares of an image's area."""
    if predictor.crops is None:
        return None
    try:
        low, high = map(float, predictor.crops)
    except (TypeError, ValueError):
        low = high = 0.0
    if not 0 < low <= high <= 1:
        raise BenchError(
            f"{method}: crops is {predictor.crops!r}; give two shares of an image's area, such as (0.08, 1.0)"
        )
    return low, high


def _settings(predictor: Predictor, method: str) -> Json:
    """Settings of a predictor; BenchError if it does not store its arguments, or they are no plain data."""
    try:
        settings = predictor.settings()
        digest(settings)
    except (AttributeError, TypeError, ValueError) as error:
        raise BenchError(f"{method}: a run is named by its settings, kept as plain data: {error}") from error
    return settings
