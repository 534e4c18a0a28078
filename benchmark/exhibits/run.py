"""A run: one method, trained once.

A run is named by a hash of its data set, method and settings, with every default explicit, and without paths and devices.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

from benchmark.core.digest import Json, JsonDict, digest
from benchmark.core.names import choose
from benchmark.exhibits.question import Question
from benchmark.methods.construct import construct, facts, published
from benchmark.methods.crops import SCALE, Crops
from benchmark.methods.predictor import Predictor
from benchmark.suites import towers
from benchmark.suites.suite import Suite

PROTOCOL = 4
"""Version of the measurement protocol; a change gives every run a new name, so that older records are not read."""

PIXELS = "pixels"
"""Role of the feature space that holds the images themselves and needs no encoder."""

STAND_INS = {"generated": "generated images", "sentences": "sentences of a language model"}
"""Optional fields of a Task that come from the data set -> name for printing."""

BACKBONE_SPACES = {"clip": "CLIP", "clip_spatial": "CLIP", "pixels": "CLIP"}
"""Feature spaces that CLIP alone makes or sees -> word for it; any other is named by its encoder's role."""

SPATIAL = ":spatial"
"""Suffix of a backbone's role for its patch features, in place of the feature of the whole image."""


@dataclass(frozen=True)
class Run:
    """One training run of a method.

    Attributes:
        suite, dataset, backbone, method, shots, seed: The question.
        views: Views of each support image.
        settings: Every hyper-parameter, defaults included.
        released: What the selection `released` chooses on which images (`benchmark.methods.choice.Choice.plain`).
        crops: Scale of the random crops among the views; None for a method that is trained on images as tested.
    """

    suite: str
    dataset: str
    backbone: str
    method: str
    shots: int
    seed: int
    views: int
    settings: Json
    released: Json = field(default_factory=dict)
    crops: Crops | None = SCALE

    def asked(self) -> JsonDict:
        """The run as plain data, which its record contains and whose hash names the record."""
        return {"protocol": PROTOCOL, **asdict(self), "crops": None if self.crops is None else list(self.crops)}

    @classmethod
    def recalled(cls, asked: Json, seed: int) -> "Run":
        """The run of a record's question at a seed; its method is not imported."""
        said = {name: value for name, value in asked.items() if name != "protocol"}
        crops = None if said["crops"] is None else tuple(said["crops"])
        return cls(**{**said, "crops": crops, "seed": seed})

    @cached_property
    def key(self) -> str:
        """Name of the run: 20 hexadecimal digits of the sha256 of `asked()`."""
        return digest(self.asked())

    @cached_property
    def cell_key(self) -> str:
        """Hash of `asked()` without the seed, which is equal for all seeds of a cell."""
        return cell_key(self.asked())

    def predictor(self) -> Predictor:
        """The predictor, constructed and not yet fitted."""
        return construct(self.method, self.settings)

    def roles(self) -> dict[str, str]:
        """Map each feature space that the method reads to a role.

        The space "clip" is that of the run's backbone, "clip_spatial" its patch features, "pixels" the images themselves; any
        other space is named by the role of an auxiliary encoder.

        Returns:
            Feature space -> role of its encoder.
        """
        of_the_backbone = {"clip": self.backbone, "clip_spatial": f"{self.backbone}{SPATIAL}"}
        reads = facts(self.method, self.settings).reads
        return {space: of_the_backbone.get(space, space) for space in reads}

    @property
    def scale(self) -> Crops:
        """Scale of the crops among its views; of a method that is trained on images as tested, that of most others."""
        return self.crops or SCALE

    def shifts(self, suite: Suite) -> Sequence[str]:
        """Shifts on which the run is also tested: all of its data set, or none if one of its encoders is not for shifts."""
        world = suite.datasets[self.dataset]
        seeing = world.get("shift_encoders", suite.encoders)
        blind = [role for role in self.roles().values() if role != PIXELS and role.removesuffix(SPATIAL) not in seeing]
        return () if blind else world.get("shifts", ())

    def wants(self) -> Sequence[str]:
        """Optional fields of the Task that the method uses and that come from the data set: keys of `STAND_INS`."""
        return [field for field in facts(self.method, self.settings).wants if field in STAND_INS]

    @property
    def prompts(self) -> bool:
        """Whether the method runs CLIP's towers with learned prompts, and does not only read features."""
        return "clip" in facts(self.method, self.settings).wants

    @property
    def text_norms(self) -> bool:
        """Whether the method learns on text embeddings at the length that they had before normalisation."""
        return "text_norms" in facts(self.method, self.settings).wants


def cell_key(asked: Json) -> str:
    """Hash of a run's plain data (`Run.asked`) without the seed."""
    return digest({name: value for name, value in asked.items() if name != "seed"})


def make(suite: Suite, question: Question, seed: int) -> Run:
    """Make the run of an exhibit's cell at one seed.

    The method's arguments are, in this order of precedence: the question's; the suite's for this method; those published
    for the data set and number of shots, if the suite uses published settings; the method's defaults.

    Args:
        suite: Suite to run in.
        question: Question of the cell, with a method, a data set, a backbone and shots.
        seed: Seed.

    Returns:
        The run.
    """
    method, dataset, backbone, shots = question.method, question.dataset, question.backbone, question.shots
    assert method is not None
    assert dataset is not None
    assert backbone is not None
    assert shots is not None
    arguments = merge(suite.methods.get(method, {}), question.arguments or {})
    if suite.published:
        arguments = merge(published(method, dataset, shots), arguments)
    known = facts(method, arguments)
    run = Run(
        suite=suite.name,
        dataset=choose(dataset, suite.datasets, f"data set of suite {suite.name}"),
        backbone=towers.backbone(suite, backbone),
        method=method,
        shots=shots,
        seed=seed,
        views=suite.views,
        settings=known.settings,
        released=known.released.of(dataset).plain,
        crops=known.crops,
    )
    return replace(run, views=views_in(suite, run.roles().values()))


def views_in(suite: Suite, roles: Iterable[str]) -> int:
    """Views of each image for a method that reads these roles: `large_views` if they include pixels or patch features."""
    large = any(role == PIXELS or role.endswith(SPATIAL) for role in roles)
    return suite.large_views or suite.views if large else suite.views


def sees(method: str, arguments: Json) -> str:
    """What a method with these arguments is given, in words: "CLIP + mocov3 + generated images"."""
    known = facts(method, arguments)
    spaces = [BACKBONE_SPACES.get(space, space) for space in known.reads]
    return " + ".join(dict.fromkeys([*spaces, *(STAND_INS[field] for field in known.wants if field in STAND_INS)]))


def lacks(suite: Suite, question: Question) -> str:
    """One line on the first asset that a question needs and the suite lacks; "" if the suite has all."""
    for kind, role, there in (
        ("data set", question.dataset, suite.datasets),
        ("backbone", question.backbone, suite.encoders),
    ):
        if role not in there:
            return f"{kind} {role} is missing in this suite"
    run = make(suite, question, seed=0)
    for role in run.roles().values():
        if role != PIXELS and role.removesuffix(SPATIAL) not in suite.encoders:
            return f"encoder {role} is missing in this suite"
    if gone := _only_features(suite, run):
        return gone
    if question.target is not None and question.target not in run.shifts(suite):
        return f"{question.target} is missing in this suite as a shift of {run.dataset} in these encoders"
    wanted = [what for what in run.wants() if not suite.datasets[run.dataset].get(what)]
    return f"{STAND_INS[wanted[0]]} for {run.dataset} are missing in this suite" if wanted else ""


def _only_features(suite: Suite, run: Run) -> str:
    """One line on what a run needs in a suite of features without images or networks; "" if features are enough."""
    dataset = suite.datasets[run.dataset]
    network = suite.encoders[run.backbone].get("network", True)
    if run.prompts and network is not True:
        return f"it prompts CLIP's towers, and of {run.backbone} {network or 'there are features alone'}"
    if run.text_norms and not network:
        return f"it needs the lengths of CLIP's text features, and of {run.backbone} there are L2-normalised ones alone"
    if not dataset.get("images", True):
        for space, role in run.roles().items():
            if role == PIXELS or role.endswith(SPATIAL):
                return f"it reads {space}, and of {run.dataset} there are the images' whole features alone"
    kinds = {run.dataset: dataset, **{role: suite.encoders.get(role, {}) for role in run.roles().values()}}
    short = [role for role, said in kinds.items() if run.shots and run.shots not in said.get("shots", [run.shots])]
    return f"of {run.shots} shots there are no features of {short[0]}" if short else ""


def merge(under: Json, over: Json) -> JsonDict:
    """Merge arguments, of which `over` overrides `under`; a recipe, or another table of fields, is merged field by field."""
    both = {name for name in under.keys() & over.keys() if isinstance(under[name], Mapping)}
    return {**under, **over, **{name: {**under[name], **over[name]} for name in both}}
