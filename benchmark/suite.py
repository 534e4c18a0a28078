"""A suite says what the paper's roles ("imagenet", "RN50", "mocov3") are: benchmark/suites/<name>.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from benchmark.errors import BenchError
from benchmark.names import choose


@dataclass(frozen=True)
class Suite:
    """One world to measure in.

    comparable: whether its accuracies may be printed beside the paper's.
    views: augmented passes over the support set that are cached, V.
    datasets, encoders: role -> how it is read or loaded (`reader` or `loader` names a callable, the rest are its arguments).
    methods: class name -> constructor arguments that differ from the method's own defaults in this suite.
    """

    name: str
    title: str
    comparable: bool
    seeds: list[int]
    views: int
    batch_size: int
    datasets: Mapping[str, Mapping[str, Any]]
    encoders: Mapping[str, Mapping[str, Any]]
    methods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    note: str = ""


def names() -> list[str]:
    """The suites that there are."""
    files = resources.files("benchmark").joinpath("suites").iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def load(name: str) -> Suite:
    """Read one suite; an unknown name is a BenchError with the nearest one."""
    choose(name, names(), "suite")
    text = resources.files("benchmark").joinpath("suites", f"{name}.toml").read_text("utf-8")
    try:
        return Suite(name=name, **tomllib.loads(text))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise BenchError(f"suites/{name}.toml: {error}") from error
