"""Functions, constants and modules that the code of all methods shares by name, and one method can replace."""

import builtins
import json
import logging
import math
import operator
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmark.methods.guest.fact import ABSENT, Fact, Values, same

LIBRARIES = (
    *(builtins, json, logging, math, os, os.path, random, shutil, tempfile, time),
    *(np, np.random, torch, torch.linalg, nn, nn.functional, nn.init),
)
"""Modules of libraries whose functions methods and the harness call."""

CLASSES = (torch.Tensor, nn.Module, nn.Linear, nn.Parameter, torch.optim.Optimizer)
"""Classes of libraries of which they make objects."""

OWN = ("benchmark", "amu", "baselines", "open_clip")
"""Packages of this project, and that of CLIP."""

SHARED = (*OWN, "torch", "numpy")
"""Packages whose modules are known by name."""

Owner = ModuleType | type

METHODS = (FunctionType, classmethod, staticmethod, property)
"""Types of what a class defines to be called."""


SPARE = ((torch, "Storage"),)
"""Names that libraries set themselves: this one is set with the default dtype."""

Names = Mapping[Owner, Mapping[str, Any]]
"""Module or class -> its names and what they stand for."""


@dataclass(frozen=True)
class Held(Fact):
    """Names that modules and classes hold. They are thousands, so they get their words only where one has changed.

    Attributes:
        counts: Whether a name of an owner with this value is watched.
        words: A name of an owner in messages.
    """

    counts: Callable[[Owner, str, Any], bool] = lambda owner, name, value: True
    words: Callable[[Owner, str], str] = lambda owner, name: f"{_named(owner)}.{name}"

    def changed(self, before: Names, after: Names) -> dict[str, Any]:
        """Words for each name that stands for something else now, or is gone -> its owner, the name, what it stood for."""
        found = {}
        for owner, names in before.items():
            now = after.get(owner, {})
            if len(names) == len(now) and all(map(operator.is_, names.values(), now.values())):
                continue
            for name, value in names.items():
                if self.counts(owner, name, value) and not same(value, now.get(name, ABSENT)):
                    found[self.words(owner, name)] = (owner, name, value)
        return found


def _named(owner: Owner) -> str:
    return f"{owner.__module__}.{owner.__qualname__}" if isinstance(owner, type) else owner.__name__


def _names() -> Names:
    """Names of the modules and classes that `_is_function` watches."""
    own = _own()
    classes = [value for module in own for value in vars(module).values() if _defined(value, module)]
    return {owner: dict(vars(owner)) for owner in (*LIBRARIES, *own, *CLASSES, *classes)}


def _is_function(owner: Owner, name: str, value: Any) -> bool:
    """Whether a name is a function, or a class in a module."""
    if isinstance(owner, type):
        return isinstance(value, METHODS)
    return callable(value) and not name.startswith("__") and (owner, name) not in SPARE


def _defined(value: object, module: ModuleType) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


def _set_functions(before: Values) -> None:
    for owner, name, value in before.values():
        setattr(owner, name, value)


def _constants() -> Values:
    """Name of a constant of this project -> the module that it stands in, its name there, itself, and what it contains."""
    found: dict[str, Any] = {}
    for owner in _own():
        for name, value in list(vars(owner).items()):
            if name.isupper() and not name.startswith("_"):
                found[f"{owner.__name__}.{name}"] = (owner, name, value, _contents(value))
    return found


def _contents(value: Any) -> Any:
    return tuple(value.items() if isinstance(value, dict) else value) if isinstance(value, dict | list | set) else None


def _set_constants(before: Values) -> None:
    for owner, name, value, contents in before.values():
        setattr(owner, name, value)
        if contents is not None:
            value.clear()
            (value.extend if isinstance(value, list) else value.update)(contents)


def _own() -> list[ModuleType]:
    return [module for name, module in list(sys.modules.items()) if _top(name) in OWN and module is not None]


def _top(name: str) -> str:
    return name.partition(".")[0]


def _modules() -> Names:
    return {sys: sys.modules.copy()}


def _is_shared(owner: Owner, name: str, value: Any) -> bool:
    return _top(name) in SHARED


def _set_modules(before: Values) -> None:
    for _, name, module in before.values():
        sys.modules[name] = module


FUNCTIONS = Held(_names, _set_functions, counts=_is_function)
MODULES = Held(_modules, _set_modules, counts=_is_shared, words=lambda _, name: f"the module {name}")
REPLACED = [MODULES, FUNCTIONS, Fact(_constants, _set_constants, closed=False)]
"""Modules first, because the others are looked for in them."""
