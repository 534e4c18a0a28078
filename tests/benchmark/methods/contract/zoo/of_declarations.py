"""Methods that say one thing of themselves and do another."""

from typing import Any, ClassVar

import torch

from benchmark.core.digest import Json
from benchmark.methods import Choice, Features, Predictor, Released, Scores, Task
from tests.benchmark.methods.contract.zoo.sound import RECIPE, Good, breaks

USED = "declared as used"
ALONE = "numbers alone"


@breaks(USED)
class ReadsAText(Good):
    """`reads` is a text, which is a sequence of letters."""

    reads = "clip"


@breaks(USED)
class CropsTooMuch(Good):
    """Crops are given in per cent."""

    crops = (8, 100)


@breaks(USED)
class ReleasesAWord(Good):
    """The released choice is a word."""

    released: ClassVar[Any] = "test"


@breaks(USED)
class ReleasesWhatItDoesNotTune(Good):
    """The released code searches a setting that is not tuned."""

    released = Released("somebody/somewhere", Choice(settings="val", tunes=("temperature",)))


@breaks(USED)
class PublishesWhatItDoesNotTake(Good):
    """A published setting is no argument of the constructor."""

    @classmethod
    def published(cls, dataset: str, shots: int) -> Json:
        return {"alpha": 1.0} if dataset == "imagenet" else {}


@breaks(USED)
class PublishesForItsOwnAlone(Good):
    """Published settings are looked up for data sets that nobody published any for."""

    @classmethod
    def published(cls, dataset: str, shots: int) -> Json:
        return {"imagenet": {"beta": 1.0}, "oxford_pets": {"beta": 2.0}}[dataset]


@breaks(ALONE)
class RoundsItsSettings(Good):
    """An argument is rounded before it is kept."""

    def __init__(self, *, beta: float = 1.0, recipe: Any = RECIPE) -> None:
        super().__init__(beta=round(beta), recipe=recipe)


@breaks(ALONE)
class IgnoresAnArgument(Good):
    """An argument is kept as its default."""

    def __init__(self, *, beta: float = 1.0, recipe: Any = RECIPE) -> None:
        super().__init__(beta=1.0, recipe=recipe)


@breaks(ALONE)
class SaysNothingOfItself(Good):
    """No settings are told, so that all runs have one name."""

    def settings(self) -> Json:
        return {}


@breaks(ALONE)
class ReadsMoreWhenFitted(Good):
    """Fit changes what is read."""

    def fit(self, task: Task) -> None:
        super().fit(task)
        self.reads = ("clip", "dino")


@breaks(ALONE)
class TunesMoreWhenFitted(Good):
    """Fit changes the values that are searched."""

    def fit(self, task: Task) -> None:
        super().fit(task)
        self.tunes = {"beta": (0.5, float(task.support.labels.max() + 2))}


@breaks("reads what it says")
class TrainsOnAnotherSpace(Good):
    """Another feature space than `reads` names is trained on."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.register_buffer("level", task.support.spaces["dino"].mean())


@breaks("tunes its own")
class TunesWords(Good):
    """Values to be searched are words."""

    tunes: ClassVar = {"beta": (0.5, 2.0), "mode": ("a", "b")}

    def __init__(self, *, beta: float = 1.0, mode: str = "a", recipe: Any = RECIPE) -> None:
        super().__init__(beta=beta, recipe=recipe)
        self.mode = mode


@breaks("tunes its own")
class TunesInNoValue(Good):
    """There is no value to search."""

    tunes: ClassVar = {"power": ()}

    def __init__(self, *, beta: float = 1.0, power: float = 1.0, recipe: Any = RECIPE) -> None:
        super().__init__(beta=beta, recipe=recipe)
        self.power = power


@breaks("tunes its own")
class KeepsTheFirstBeta(Good):
    """The first beta that is scored with is kept."""

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        beta = self.__dict__.setdefault("first", self.beta)
        return Scores(s.zero_shot, s.bias, s.zero_shot + beta * s.bias)


@breaks("tunes its own")
class DoesNotGoBack(Good):
    """A change of beta leaves a trace."""

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        self.__dict__["largest"] = max(self.beta, self.__dict__.get("largest", 0))
        return Scores(s.zero_shot, s.bias, s.zero_shot + (self.beta + self.__dict__["largest"]) * s.bias)


@breaks("matched before tuning")
class PreparesWhatIsTuned(Good):
    """`prepare` multiplies by the value that is searched."""

    def prepare(self, x: Features) -> Features:
        return {"clip": x["clip"], "beta": torch.full((len(x["clip"]), 1), self.beta)}

    def combine(self, matched: Features) -> Scores:
        s = super().scores(matched)
        return Scores(s.zero_shot, s.bias, s.zero_shot + matched["beta"] * s.bias)


@breaks("among some classes")
class SortsTheClasses(Good):
    """Some classes are given in another order than asked for."""

    def among(self, classes: torch.Tensor) -> Predictor:
        return super().among(classes.sort().values)


@breaks("among some classes")
class NarrowsItself(Good):
    """Asked for some classes the predictor forgets the others."""

    def among(self, classes: torch.Tensor) -> Predictor:
        few = super().among(classes)
        self.weight.data[len(classes) :] = 0
        return few
