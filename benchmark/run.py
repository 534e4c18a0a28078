"""A run: one method, trained once. It is named by what is asked for, every default spelt out, never by a path or device."""

import hashlib
import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass, replace
from functools import cache, cached_property
from typing import Any, NamedTuple

from benchmark.errors import BenchError
from benchmark.names import choose, resolve
from benchmark.predictor import Predictor
from benchmark.suite import Suite
from benchmark.train import Recipe

PROTOCOL = 3
"""Raised when the way of measuring changes, so that no old record is taken for a new one."""

PIXELS = "pixels"
"""The role that no encoder fills: the images themselves."""

STAND_INS = {"generated": "generated images", "sentences": "sentences of a language model"}
"""What the optional fields of a Task are that come from the data set, for people."""

SPATIAL = ":spatial"
"""Behind a backbone's role: its features at every place of the image rather than of the whole."""


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

    @cached_property
    def key(self) -> str:
        """The run's name: 20 hexadecimal digits of the sha256 of the question."""
        return digest(self.asked())

    @cached_property
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

    def roles(self) -> dict[str, str]:
        """Feature space that the method reads -> what fills it.

        "clip" is the run's backbone, "clip_spatial" its features place by place, "pixels" the images as they are; any
        other space is an auxiliary encoder's.
        """
        of_the_backbone = {"clip": self.backbone, "clip_spatial": f"{self.backbone}{SPATIAL}"}
        reads = _facts(self.method, self.settings).reads
        return {space: of_the_backbone.get(space, space) for space in reads}

    def shifts(self, suite: Suite) -> Sequence[str]:
        """The shifts of its data set that it is tested on too: all, or none where one of its encoders does not see them."""
        world = suite.datasets[self.dataset]
        seeing = world.get("shift_encoders", suite.encoders)
        blind = [role for role in self.roles().values() if role != PIXELS and role.removesuffix(SPATIAL) not in seeing]
        return () if blind else world.get("shifts", ())

    def wants(self) -> Sequence[str]:
        """Optional fields of the Task that the method needs from the data set."""
        return [field for field in _facts(self.method, self.settings).wants if field in STAND_INS]

    @property
    def prompts(self) -> bool:
        """Whether the method prompts CLIP's towers, rather than read their features alone."""
        return "clip" in _facts(self.method, self.settings).wants


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


_met: dict[str, Facts] = {}


def _facts(method: str, arguments: Mapping[str, Any]) -> Facts:
    """The facts of a method, constructed once for each set of arguments: an exhibit asks for them thousands of times."""
    place = method + json.dumps(arguments, sort_keys=True, default=repr)
    if place not in _met:
        predictor = construct(method, arguments)
        _met[place] = Facts(_settings(predictor, method), tuple(predictor.reads), tuple(predictor.wants))
    return _met[place]


def make(suite: Suite, cell: Mapping[str, Any], seed: int) -> Run:
    """The run that a cell of an exhibit asks for at one seed.

    Arguments: the cell's `with`, over the suite's for this method, over those published for the data set where the suite
    asks for these, over the method's defaults.
    """
    method = cell["method"]
    arguments = _merge(suite.methods.get(method, {}), cell.get("with", {}))
    if suite.published:
        published = predictor_class(method).published(cell["dataset"], cell["shots"])
        arguments = _merge(published, arguments)
    run = Run(
        suite=suite.name,
        dataset=choose(cell["dataset"], suite.datasets, f"data set of suite {suite.name}"),
        backbone=choose(cell["backbone"], suite.encoders, f"backbone of suite {suite.name}"),
        method=method,
        shots=cell["shots"],
        seed=seed,
        views=suite.views,
        settings=_facts(method, arguments).settings,
    )
    return replace(run, views=views_in(suite, run.roles().values()))


def views_in(suite: Suite, roles: Iterable[str]) -> int:
    """Views of each image where these roles are read: fewer, in some suites, where one holds whole images or their places."""
    large = any(role == PIXELS or role.endswith(SPATIAL) for role in roles)
    return suite.large_views or suite.views if large else suite.views


def lacks(suite: Suite, cell: Mapping[str, Any]) -> str:
    """What a cell of an exhibit needs and the suite has not, in words; empty where there is everything."""
    for kind, role, there in (
        ("data set", cell["dataset"], suite.datasets),
        ("backbone", cell["backbone"], suite.encoders),
    ):
        if role not in there:
            return f"{kind} {role} is missing in this suite"
    run = make(suite, cell, seed=0)
    for role in run.roles().values():
        if role != PIXELS and role.removesuffix(SPATIAL) not in suite.encoders:
            return f"encoder {role} is missing in this suite"
    if gone := _only_features(suite, run):
        return gone
    if "target" in cell and cell["target"] not in run.shifts(suite):
        return f"{cell['target']} is missing in this suite as a shift of {run.dataset} in these encoders"
    wanted = [what for what in run.wants() if not suite.datasets[run.dataset].get(what)]
    return f"{STAND_INS[wanted[0]]} for {run.dataset} are missing in this suite" if wanted else ""


def _only_features(suite: Suite, run: Run) -> str:
    """What a run needs besides features where the suite has nothing else, in words."""
    dataset = suite.datasets[run.dataset]
    if run.prompts and not suite.encoders[run.backbone].get("network", True):
        return f"it prompts CLIP's towers, and of {run.backbone} there are features alone"
    if not dataset.get("images", True):
        for space, role in run.roles().items():
            if role == PIXELS or role.endswith(SPATIAL):
                return f"it reads {space}, and of {run.dataset} there are the images' whole features alone"
    kinds = {run.dataset: dataset, **{role: suite.encoders.get(role, {}) for role in run.roles().values()}}
    short = [role for role, said in kinds.items() if run.shots and run.shots not in said.get("shots", [run.shots])]
    return f"of {run.shots} shots there are no features of {short[0]}" if short else ""


def _settings(predictor: Predictor, method: str) -> dict[str, Any]:
    """The predictor's settings; BenchError when it does not keep them, or they are no plain data."""
    try:
        settings = predictor.settings()
        digest(settings)
    except (AttributeError, TypeError, ValueError) as error:
        raise BenchError(f"{method}: a run is named by its settings, kept as plain data: {error}") from error
    return settings


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` wins, name by name; what has fields, as a recipe, is merged field by field."""
    both = {name for name in under.keys() & over.keys() if isinstance(under[name], Mapping)}
    return {**under, **over, **{name: {**under[name], **over[name]} for name in both}}
