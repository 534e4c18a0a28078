"""A run: one method, trained once. It is named by what is asked for, every default spelt out, never by a path or device."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from benchmark.core.digest import digest
from benchmark.core.names import choose
from benchmark.methods.construct import construct, facts, predictor_class
from benchmark.methods.predictor import Predictor
from benchmark.suites.suite import Suite

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
        reads = facts(self.method, self.settings).reads
        return {space: of_the_backbone.get(space, space) for space in reads}

    def shifts(self, suite: Suite) -> Sequence[str]:
        """The shifts of its data set that it is tested on too: all, or none where one of its encoders does not see them."""
        world = suite.datasets[self.dataset]
        seeing = world.get("shift_encoders", suite.encoders)
        blind = [role for role in self.roles().values() if role != PIXELS and role.removesuffix(SPATIAL) not in seeing]
        return () if blind else world.get("shifts", ())

    def wants(self) -> Sequence[str]:
        """Optional fields of the Task that the method needs from the data set."""
        return [field for field in facts(self.method, self.settings).wants if field in STAND_INS]

    @property
    def prompts(self) -> bool:
        """Whether the method prompts CLIP's towers, rather than read their features alone."""
        return "clip" in facts(self.method, self.settings).wants


def cell_key(asked: Mapping[str, Any]) -> str:
    """The hash of a question without its seed."""
    return digest({name: value for name, value in asked.items() if name != "seed"})


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
        settings=facts(method, arguments).settings,
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


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` wins, name by name; what has fields, as a recipe, is merged field by field."""
    both = {name for name in under.keys() & over.keys() if isinstance(under[name], Mapping)}
    return {**under, **over, **{name: {**under[name], **over[name]} for name in both}}
