"""Suites, which assign data sets and encoders to the paper's roles ("imagenet", "RN50", "mocov3").

A suite is read from benchmark/suites/<name>.toml or from the user's own TOML file.
"""

import re
import shlex
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from benchmark.core.digest import Json
from benchmark.core.errors import BenchError
from benchmark.core.files import read_text
from benchmark.core.names import choose
from benchmark.core.paths import expanded
from benchmark.methods.scoring import STATISTICS
from benchmark.suites import trust

DEFAULT = "mini"


@dataclass(frozen=True)
class Suite:
    """A set of data sets and encoders, by role, with the settings of its measurements.

    Attributes:
        name: Name of the suite, under which records are kept.
        title: Title for people.
        comparable: Whether its accuracies may be printed beside the paper's.
        seeds: Seeds of every cell that names none itself.
        views: Number of augmented views of the support set whose features are cached, V.
        batch_size: Number of images encoded together.
        datasets: Role -> table of a data set: `reader` names a callable ("package.module:callable"). The keys below describe
            the data set to the harness, all other keys are arguments of the reader.
            shifts: roles of data sets on which a run on this one is also tested (distribution shifts).
            shift_encoders: roles of encoders in which the shifts are tested; all by default.
            generated: number of generated images for each class, for methods that use them.
            sentences: whether sentences of a language model exist for its classes.
            stand_ins: remark on generated images and sentences that differ from the paper's.
            statistics: for a shift with only some of the source's classes, one of `STATISTICS`: whether statistics over an
                image's classes (kurtosis, z-score) run over "all" classes of the source, as in released code, or only over
                those "held" by the shift.
            images: false if only features exist.
            shots: numbers of shots with a support set, if support sets cannot be drawn for all.
        encoders: Role -> table of an encoder: `loader` names a callable; all other keys but the following are its arguments.
            network: false if only features exist, or why else methods cannot prompt CLIP's towers, so that these cannot run.
            shots: numbers of shots with features, if not all.
            text: whether it has a text tower, where the loader does not say it (`benchmark.encoders.encoder.text_tower`).
        methods: Method, as "package.module:Class" -> constructor arguments that differ from its defaults in this suite.
        note: Remark on the suite; printed below tables if it is not `comparable`.
        pixels: Side of the images in pixels if they are not photographs, in which case only the suite's own encoders accept
            them; else 0.
        large_views: Number of views in feature spaces that contain whole images or patch features, and for methods that
            read such spaces; 0 for `views`.
        names: Role of a data set -> its name for people, where that is another than the role: "source (rendered)".
        published: Whether a method runs with the settings that its authors published for the data set and number of shots
            (`Predictor.published`), where these differ from its defaults.
    """

    name: str
    title: str
    comparable: bool
    seeds: list[int]
    views: int
    batch_size: int
    datasets: Mapping[str, Json]
    encoders: Mapping[str, Json]
    methods: Mapping[str, Json] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    pixels: int = 0
    large_views: int = 0
    published: bool = False
    quick: Mapping[str, list[Any]] = field(default_factory=dict)
    """The smaller grid of option --quick: its `seeds`, its `shots`, and the exhibits it leaves out (`without`)."""
    file: str = ""
    """Path of the user's own file; "" for a suite of this package."""

    @property
    def option(self) -> str:
        """The command-line option that selects this suite, with a leading space; "" for the default suite."""
        if self.name == DEFAULT:
            return ""
        return f" --suite {shlex.quote(self.file or self.name)}"

    def named(self, role: str) -> str:
        """The name of a data set for people: by `names`, or else its role."""
        return self.names.get(role, role)


KINDS: dict[str, tuple[type, str]] = {
    "title": (str, "a text"),
    "comparable": (bool, "true or false"),
    "seeds": (list, "a list of whole numbers"),
    "views": (int, "a whole number"),
    "batch_size": (int, "a whole number"),
    "datasets": (dict, "a table of tables"),
    "encoders": (dict, "a table of tables"),
    "methods": (dict, "a table of tables"),
    "names": (dict, "a table of texts"),
    "note": (str, "a text"),
    "pixels": (int, "a whole number"),
    "large_views": (int, "a whole number"),
    "name": (str, "a text"),
    "published": (bool, "true or false"),
    "quick": (dict, "a table with seeds and shots"),
}
"""Allowed keys of a suite's TOML file: type, and its description for error messages."""

QUICK_KEYS = ("seeds", "shots", "without")

OPTIONAL = ("large_views", "methods", "name", "names", "note", "pixels", "published", "quick")

NAME = r"\w[\w.-]{0,99}"
"""Pattern of a suite's name, which is the name of folders."""

OPENERS = {"datasets": "reader", "encoders": "loader"}
"""Table of a suite -> key of a role that names the callable which opens it."""

PHOTOGRAPHS = 224
"""Side in pixels of the images that readers of photographs return and the paper's published encoders accept."""


def names() -> list[str]:
    """Names of the suites in this package."""
    files = resources.files(__package__).iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def load(name: str, trusted: Collection[str] = ()) -> Suite:
    """Read a suite of this package by name, or the user's own by the path of its TOML file; nothing it names is imported.

    An unknown name, a wrong file, or one that names code which is not trusted, raises BenchError.

    Args:
        name: Name of a suite, or a path that ends with ".toml", whose stem is the suite's name unless it has a key `name`.
        trusted: Modules and suite files that the user trusts (`benchmark.suites.trust`).

    Returns:
        The suite.
    """
    if name.endswith(".toml"):
        suite = _own(expanded(name))
        trust.check(Path(suite.file), _named(suite), trusted)
        return suite
    choose(name, names(), "suite")
    return parse(name, resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


def _own(path: Path) -> Suite:
    if path.stem in names():
        raise BenchError(f"suite file {path}: {path.stem!r} is shipped, and records are kept by name; rename the file")
    suite = replace(parse(path.stem, read_text(path, what=f"suite file {path}", kind="")), file=str(path))
    if suite.name in names() or re.fullmatch(NAME, suite.name) is None:
        raise BenchError(
            f"suite file {path}: name is {suite.name!r}; records are kept by this name: letters, numbers and _, and no"
            ' shipped suite\'s; rename the file, or write another name = "..." into it'
        )
    return suite


def _named(suite: Suite) -> dict[str, str]:
    """Callables that a suite names, by their place in its file: "[datasets.imagenet] reader"."""
    tables = {table: getattr(suite, table) for table in OPENERS}
    return {
        f"[{table}.{role}] {OPENERS[table]}": spec[OPENERS[table]]
        for table, roles in tables.items()
        for role, spec in roles.items()
    }


def parse(name: str, text: str) -> Suite:
    """Parse the text of a suite's TOML file; BenchError if a key, a value or a role in it is wrong."""
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
    for table, key in OPENERS.items():
        for role, spec in said[table].items():
            if not (isinstance(spec, dict) and isinstance(spec.get(key), str)):
                raise BenchError(f'{name}.toml: [{table}.{role}] needs {key} = "package.module:callable"')
    for role, spec in said["datasets"].items():
        for shift in spec.get("shifts", ()):
            choose(shift, said["datasets"], f"shift of {role} in {name}.toml")
        choose(spec.get("statistics", STATISTICS[0]), STATISTICS, f"statistics of {role} in {name}.toml")
        for encoder in spec.get("shift_encoders", ()):
            choose(encoder, said["encoders"], f"shift encoder of {role} in {name}.toml")
    for role, shown in said.get("names", {}).items():
        choose(role, said["datasets"], f"data set in [names] of {name}.toml")
        if not (isinstance(shown, str) and shown.strip()):
            raise BenchError(f"{name}.toml: [names] {role} is {shown!r}, not a text")
    for key in said.get("quick", {}):
        choose(key, QUICK_KEYS, f"key of [quick] in {name}.toml")
    return Suite(**{"name": name, **said})


def statistics_of(suite: Suite, role: str) -> str:
    """Classes over which a method's statistics over an image's classes run on a shift: one of `STATISTICS`."""
    return str(suite.datasets[role].get("statistics", STATISTICS[0]))
