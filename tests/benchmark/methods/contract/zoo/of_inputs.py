"""Methods that change what they are given."""

from torch import nn

from benchmark.methods import Features, Scores, Task
from tests.benchmark.methods.contract.zoo.sound import Good, breaks

INPUTS = "inputs untouched"


@breaks(INPUTS)
class SortsTheNames(Good):
    """The names of the classes are sorted where they are."""

    def build(self, task: Task) -> None:
        super().build(task)
        task.classnames.reverse()  # type: ignore[attr-defined]


@breaks(INPUTS)
class ForgetsASpace(Good):
    """A feature space is taken out of the support set."""

    def build(self, task: Task) -> None:
        super().build(task)
        task.support.spaces.pop("dino", None)  # type: ignore[attr-defined]


@breaks(INPUTS)
class SetsTheSeed(Good):
    """The seed of the task is set, though the task is frozen."""

    def build(self, task: Task) -> None:
        super().build(task)
        object.__setattr__(task, "seed", 0)


@breaks(INPUTS)
class TrainsTheTexts(Good):
    """The weights are the texts of the task themselves, which are trained with them."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.weight = nn.Parameter(task.text)


@breaks(INPUTS)
class CombinesInPlace(Good):
    """`combine` multiplies what was matched in place."""

    def match(self, prepared: Features) -> Features:
        s = super().scores(prepared)
        return {"s0": s.zero_shot, "bias": s.bias}

    def combine(self, matched: Features) -> Scores:
        bias = matched["bias"]
        bias.data.mul_(1.0001)
        return Scores(matched["s0"], bias, matched["s0"] + self.beta * bias)

    def scores(self, x: Features) -> Scores:
        return self.combine(self.match(x))


@breaks(INPUTS)
class PreparesInPlace(Good):
    """`prepare` halves the images where they are, and takes it back in no copy."""

    def prepare(self, x: Features) -> Features:
        x["clip"].mul_(0.5)
        return {"clip": 2 * x["clip"]}


@breaks(INPUTS)
class MasksValidation(Good):
    """Features of the validation images are set to zero."""

    def build(self, task: Task) -> None:
        super().build(task)
        if task.val is not None:
            task.val.spaces["clip"].zero_()
