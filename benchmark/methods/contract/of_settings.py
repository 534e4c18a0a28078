"""Clauses on what a predictor is constructed from and what it declares."""

import inspect
import json
from typing import Any

import torch

from benchmark.core.digest import Json
from benchmark.methods.construct import declared
from benchmark.methods.contract.breach import Breach
from benchmark.methods.contract.subject import Subject
from benchmark.methods.predictor import Predictor

ROLES = ("imagenet", "oxford_pets", "a data set that nobody knows")
"""Data sets that published settings are asked for."""


def numbers_alone(subject: Subject) -> None:
    """The predictor is constructed from numbers and strings alone and stores each under the argument's name."""
    parameters = inspect.signature(subject.cls).parameters
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters.values()):
        raise Breach("the constructor takes *args or **kwargs; a run is named by arguments with names")
    for arguments in ({}, subject.settings):
        predictor = subject.cls(**arguments)
        settings = predictor.settings()
        json.dumps(settings, allow_nan=False)
        if missing := sorted(parameters.keys() ^ settings.keys()):
            raise Breach(f"settings() and the constructor disagree on {missing[0]!r}")
        again = subject.cls(**{name: getattr(predictor, name) for name in settings})
        if again.settings() != settings:
            raise Breach("constructed from its own settings it has other settings")
        _keeps_other_numbers(subject.cls, arguments, settings)
    for name in subject.watched.declared:
        raise Breach(f"fit changed {name}")


def _keeps_other_numbers(cls: type[Predictor], arguments: Json, settings: Json) -> None:
    """A number that the constructor takes is the one that it keeps."""
    for name, parameter in inspect.signature(cls).parameters.items():
        if not isinstance(parameter.default, float):
            continue
        other = 0.75 * settings[name] + 0.1
        try:
            kept = cls(**{**arguments, name: other}).settings()[name]
        except (TypeError, ValueError):  # out of the argument's range
            continue
        if kept != other:
            raise Breach(f"given {name}={other:g} it keeps {name}={kept!r}")


def declared_as_used(subject: Subject) -> None:
    """The declarations of a class can be used: spaces, fields, crops, the released choice, the published settings."""
    name, parameters = subject.cls.__name__, inspect.signature(subject.cls).parameters
    declared(subject.make(), name)
    for role in ROLES:
        for shots in (1, 16):
            published = subject.cls.published(role, shots)
            json.dumps(published, allow_nan=False)
            for unknown in sorted(published.keys() - parameters.keys()):
                raise Breach(f"published({role!r}, {shots}) gives {unknown!r}, which is no argument of the constructor")


def recipe_is_followed(subject: Subject) -> None:
    """A recipe that is an argument is what training follows: other epochs, or another learning rate, train otherwise."""
    recipe = subject.make().recipe
    if not subject.has_recipe or recipe is None:
        return
    others: dict[str, Any] = {"epochs": 1, "lr": 3 * recipe.lr}
    trained = dict(subject.fitted.named_parameters())
    for name, value in others.items():
        other = subject.make(**{name: value})
        other.fit(subject.task())
        if all(torch.equal(trained[key], parameter) for key, parameter in other.named_parameters()):
            raise Breach(f"with recipe {name}={value:g} it trains as with {name}={getattr(recipe, name):g}")
