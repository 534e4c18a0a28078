"""ImageNet's classes from other packages: names and templates of open_clip, synsets and subsets of timm.

The lists of class names of AMU-Tuning, Tip-Adapter, CaFo, CoOp (classnames.txt) and open_clip are equal. Files are read
without importing the packages, which would take seconds.
"""

import importlib.util
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

CLASSES = 1000


@cache
def classnames() -> tuple[str, ...]:
    """The 1000 class names in the order of the synsets; "missile" and "sunglasses" occur twice."""
    return tuple(_open_clip("zero_shot_metadata").IMAGENET_CLASSNAMES)


@cache
def templates() -> tuple[str, ...]:
    """The seven prompt templates of Tip-Adapter, CaFo and AMU-Tuning."""
    return tuple(template("{}") for template in _open_clip("zero_shot_metadata").SIMPLE_IMAGENET_TEMPLATES)


@cache
def synsets() -> tuple[str, ...]:
    """The 1000 synsets, which name the class folders, sorted; the position of a synset is its label."""
    return tuple(_timm("imagenet_synsets.txt"))


@cache
def subset(key: str) -> tuple[int, ...]:
    """Labels of the 200 classes of "imagenet_a" or "imagenet_r", ascending."""
    return tuple(sorted(map(int, _timm(f"{key}_indices.txt"))))


@cache
def labels() -> dict[str, int]:
    """Labels 0 … 999 by synset."""
    return {synset: label for label, synset in enumerate(synsets())}


def is_synset(name: str) -> bool:
    """Whether a name has the form of a synset: "n" and eight digits."""
    return len(name) == 9 and name[0] == "n" and name[1:].isdecimal()


def _open_clip(module: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_open_clip_{module}", _folder("open_clip") / f"{module}.py")
    assert spec is not None
    return _executed(spec)


def _executed(spec: ModuleSpec) -> ModuleType:
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _timm(name: str) -> list[str]:
    return (_folder("timm") / "data" / "_info" / name).read_text("utf-8").split()


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed"
    assert spec.origin is not None
    return Path(spec.origin).parent
