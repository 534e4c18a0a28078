"""A run: one method, trained once. It is named by what is asked for, every default spelt out, never by a path or device."""

import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from benchmark.errors import BenchError
from benchmark.names import choose, resolve
from benchmark.predictor import Predictor
from benchmark.suite import Suite
from benchmark.train import Recipe

PROTOCOL = 1
"""Raised when the way of measuring changes, so that no old record is taken for a new one."""


@dataclass(frozen=True)
class Run:
    """What is asked for: `settings` holds every hyper-parameter of the method as it stands."""

    suite: str
    dataset: str
    backbone: str
    method: str
    shots: int
    seed: int
    views: int
    settings: Mapping[str, Any]

    def asked(self) -> dict[str, Any]:
        """The question as plain data; a record carries it, its hash names the record."""
        return {"protocol": PROTOCOL, **asdict(self)}

    @property
    def key(self) -> str:
        """The run's name: 20 hexadecimal digits of the sha256 of the question."""
        return digest(self.asked())

    @property
    def cell_key(self) -> str:
        """What the seeds of one cell have in common: the same hash without the seed."""
        return cell_key(self.asked())

    @property
    def label(self) -> str:
        """For people: "CoOp, imagenet, 4 shots, seed 1"."""
        shots = f"{self.shots} shot{'s' * (self.shots != 1)}"
        return f"{self.method.partition(':')[2]}, {self.dataset}, {shots}, seed {self.seed}"

    def predictor(self) -> Predictor:
        """The method, constructed and not yet fitted."""
        return construct(self.method, self.settings)


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


def cell_key(asked: Mapping[str, Any]) -> str:
    """The hash of a question without its seed."""
    return digest({name: value for name, value in asked.items() if name != "seed"})


@cache
def predictor_class(method: str) -> type[Predictor]:
    """The class a method's name stands for; BenchError when it is no Predictor."""
    cls = resolve(method, "method")
    if not (isinstance(cls, type) and issubclass(cls, Predictor)):
        raise BenchError(f"method {method!r} is no benchmark.predictor.Predictor; see CONTRIBUTING.md")
    return cls


def construct(method: str, arguments: Mapping[str, Any]) -> Predictor:
    """Build a predictor from plain data; a recipe may be given in part, the rest is the method's own."""
    cls = predictor_class(method)
    known = [name for name in inspect.signature(cls).parameters]
    for name in arguments:
        choose(name, known, f"parameter of {method}")
    given = dict(arguments)
    try:
        partial = given.pop("recipe", None)
        predictor = cls(**given)
        if partial is None:
            return predictor
        given["recipe"] = _recipe(predictor.recipe, partial, method)
        return cls(**given)
    except (TypeError, ValueError) as error:
        raise BenchError(f"{method}: {error}") from error


def _recipe(own: Recipe | None, partial: Mapping[str, Any], method: str) -> Recipe:
    for name in partial:
        choose(name, Recipe.__dataclass_fields__, f"recipe field of {method}")
    return replace(own, **partial) if own is not None else Recipe(**partial)


def make(suite: Suite, cell: Mapping[str, Any], seed: int) -> Run:
    """The run that a cell of an exhibit asks for at one seed.

    Arguments: the cell's `with`, over the suite's for this method, over the method's defaults.
    """
    method = cell["method"]
    arguments = _merge(suite.methods.get(method, {}), cell.get("with", {}))
    return Run(
        suite=suite.name,
        dataset=choose(cell["dataset"], suite.datasets, f"data set of suite {suite.name}"),
        backbone=choose(cell["backbone"], suite.encoders, f"backbone of suite {suite.name}"),
        method=method,
        shots=cell["shots"],
        seed=seed,
        views=suite.views,
        settings=_settings(construct(method, arguments), method),
    )


def _settings(predictor: Predictor, method: str) -> dict[str, Any]:
    """The predictor's settings; BenchError when it does not keep them, or they are no plain data."""
    try:
        settings = predictor.settings()
        digest(settings)
    except (AttributeError, TypeError, ValueError) as error:
        raise BenchError(f"{method}: a run is named by its settings, kept as plain data: {error}") from error
    return settings


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` wins, name by name; a recipe is merged field by field."""
    merged = {**under, **over}
    if "recipe" in under and "recipe" in over:
        merged["recipe"] = {**under["recipe"], **over["recipe"]}
    return merged
