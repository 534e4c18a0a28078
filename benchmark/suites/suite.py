"""A suite says what the paper's roles ("imagenet", "RN50", "mocov3") are: benchmark/suites/<name>.toml, or your file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from benchmark.core.errors import BenchError
from benchmark.core.names import choose
from benchmark.methods.scoring import STATISTICS

DEFAULT = "mini"


@dataclass(frozen=True)
class Suite:
    """One world to measure in.

    comparable: whether its accuracies may be printed beside the paper's.
    views: augmented passes over the support set that are cached, V.  large_views: of spaces that hold whole images, or
    every place of them, and of methods that read these; 0, as many.
    datasets, encoders: role -> how it is read or loaded (`reader` or `loader` names a callable, the rest are its arguments).
    Of a data set besides, none of which its reader is told: shifts, the data sets it is tested on too; shift_encoders, the
    encoders that see these (all where it says nothing); generated, how many generated images of a class it has for methods
    that want them; sentences, whether it has them of a language model; stand_ins, what these are, if not the paper's;
    statistics, of a shift that holds some of the source's classes: whether what a method works out over the classes of an
    image (a kurtosis, a z-score) runs over "all" of the source's, as released code has it, or over those "held" alone;
    images, false where there are features alone; shots, the numbers of shots that there are, where not all can be drawn.
    Of an encoder: network, false where there are features alone, and no towers for methods that prompt them; shots, of how
    many there are features, where not of all.
    methods: class name -> constructor arguments that differ from the method's own defaults in this suite.
    pixels: of a side of its images, where these are no photographs and no other encoders than its own can be fed them.
    published: whether a method runs with the settings that its authors published for the data set and number of shots
    (Predictor.published) where these differ from its defaults.
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
    pixels: int = 0
    large_views: int = 0
    published: bool = False
    quick: Mapping[str, list[Any]] = field(default_factory=dict)
    """The smaller grid of --quick: its `seeds` and `shots`, and the exhibits that it goes `without`."""

    @property
    def option(self) -> str:
        """What a command says to mean this suite; nothing for the one that is meant anyway."""
        if self.name == DEFAULT:
            return ""
        return f" --suite {self.name if self.name in names() else f'{self.name}.toml'}"


KINDS: dict[str, tuple[type, str]] = {
    "title": (str, "a text"),
    "comparable": (bool, "true or false"),
    "seeds": (list, "a list of whole numbers"),
    "views": (int, "a whole number"),
    "batch_size": (int, "a whole number"),
    "datasets": (dict, "a table of tables"),
    "encoders": (dict, "a table of tables"),
    "methods": (dict, "a table of tables"),
    "note": (str, "a text"),
    "pixels": (int, "a whole number"),
    "large_views": (int, "a whole number"),
    "published": (bool, "true or false"),
    "quick": (dict, "a table with seeds and shots"),
}
"""What a suite's file may say, and in which form."""

QUICK_KEYS = ("seeds", "shots", "without")

OPTIONAL = ("large_views", "methods", "note", "pixels", "published", "quick")

PHOTOGRAPHS = 224
"""Pixels of a side that every published encoder of the paper takes, and readers of photographs give."""


def names() -> list[str]:
    """The suites that are shipped."""
    files = resources.files(__package__).iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def load(name: str) -> Suite:
    """Read a shipped suite by name, or anybody's by the path of its TOML file, whose stem is then the suite's name.

    An unknown name is a BenchError with the nearest one.
    """
    if name.endswith(".toml"):
        return _own(Path(name).expanduser())
    choose(name, names(), "suite")
    return parse(name, resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


def _own(path: Path) -> Suite:
    if path.stem in names():
        raise BenchError(f"suite file {path}: {path.stem!r} is shipped, and records are kept by name; rename the file")
    try:
        return parse(path.stem, path.read_text("utf-8"))
    except OSError as error:
        raise BenchError(f"suite file {path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BenchError(f"suite file {path}: is no UTF-8 text") from error


def parse(name: str, text: str) -> Suite:
    """A suite from the text of its TOML file; BenchError names what is wrong in it."""
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BenchError(f"{name}.toml: {error}") from error
    for key, value in said.items():
        kind, words = KINDS[choose(key, KINDS, f"key in {name}.toml")]
        if not isinstance(value, kind):
            raise BenchError(f"{name}.toml: {key} is {value!r}, not {words}")
    for key in KINDS:
        if key not in said and key not in OPTIONAL:
            raise BenchError(f"{name}.toml: {key} is missing, {KINDS[key][1]}")
    for table, key in (("datasets", "reader"), ("encoders", "loader")):
        for role, spec in said[table].items():
            if not (isinstance(spec, dict) and isinstance(spec.get(key), str)):
                raise BenchError(f'{name}.toml: [{table}.{role}] needs {key} = "package.module:callable"')
    for role, spec in said["datasets"].items():
        for shift in spec.get("shifts", ()):
            choose(shift, said["datasets"], f"shift of {role} in {name}.toml")
        choose(spec.get("statistics", STATISTICS[0]), STATISTICS, f"statistics of {role} in {name}.toml")
        for encoder in spec.get("shift_encoders", ()):
            choose(encoder, said["encoders"], f"shift encoder of {role} in {name}.toml")
    for key in said.get("quick", {}):
        choose(key, QUICK_KEYS, f"key of [quick] in {name}.toml")
    return Suite(name=name, **said)


def statistics_of(suite: Suite, role: str) -> str:
    """Over which classes a method's statistics run on a shift: one of STATISTICS."""
    return str(suite.datasets[role].get("statistics", STATISTICS[0]))
