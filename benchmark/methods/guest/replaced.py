"""Functions, constants and modules that the code of all methods shares by name, and one method can replace."""

import builtins
import json
import logging
import math
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmark.methods.guest.fact import Fact, Values

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

MODULE = "the module "

METHODS = (FunctionType, classmethod, staticmethod, property)
"""Types of what a class defines to be called."""


def _functions() -> Values:
    """Name of a function or class -> the module or class that it stands in, its name there, and itself."""
    own = _own()
    classes = [value for module in own for value in vars(module).values() if _defined(value, module)]
    found: dict[str, Any] = {}
    for owner in (*LIBRARIES, *own):
        found |= {f"{owner.__name__}.{name}": (owner, name, value) for name, value in _called(owner)}
    del found["torch.Storage"]  # torch sets it with the default dtype
    for cls in dict.fromkeys([*CLASSES, *classes]):
        held = [(name, value) for name, value in vars(cls).items() if isinstance(value, METHODS)]
        found |= {f"{cls.__module__}.{cls.__qualname__}.{name}": (cls, name, value) for name, value in held}
    return found


def _defined(value: object, module: ModuleType) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


def _called(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Functions and classes of a module with their names."""
    for name, value in list(vars(module).items()):
        if callable(value) and not name.startswith("__"):
            yield name, value


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


def _modules() -> Values:
    return {f"{MODULE}{name}": module for name, module in list(sys.modules.items()) if _top(name) in SHARED}


def _set_modules(before: Values) -> None:
    for words, module in before.items():
        sys.modules[words.removeprefix(MODULE)] = module


FUNCTIONS = Fact(_functions, _set_functions, closed=False)
REPLACED = [Fact(_modules, _set_modules, closed=False), FUNCTIONS, Fact(_constants, _set_constants, closed=False)]
"""Modules first, because the others are looked for in them."""
