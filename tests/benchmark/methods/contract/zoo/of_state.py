"""Methods whose state is not whole, not their own, or rebuilt from the task."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import nn

from benchmark.methods import Features, Scores, Task
from benchmark.numerics.logits import cosine_logits
from tests.benchmark.methods.contract.zoo.sound import Good, breaks

WHOLE = "state is whole"


@breaks(WHOLE)
class KeepsTheTextsApart(Good):
    """The texts of the task are a plain attribute."""

    def build(self, task: Task) -> None:
        super().build(task)
        del self.classifier
        self.texts, self.scale = [task.text.clone()], task.logit_scale

    def scores(self, x: Features) -> Scores:
        s0, bias = cosine_logits(x["clip"], self.texts[0], self.scale), x["clip"] @ self.weight.T
        return Scores(s0, bias, s0 + self.beta * bias)


@breaks(WHOLE)
class KeepsTheScaleApart(Good):
    """The logit scale is a plain number."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.scale = task.logit_scale

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), self.scale / 20)


@breaks(WHOLE)
class LeavesABufferOut(Good):
    """A buffer is no part of the state."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.register_buffer("mean", task.support.mean("clip").mean(0), persistent=False)

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), self.mean.norm())  # type: ignore[operator]


@breaks(WHOLE)
class KeepsItsTask(Good):
    """The support set is read when scoring."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.task = task

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), self.task.support.mean("clip").norm())


@breaks(WHOLE)
class KeepsItsSeed(Good):
    """A factor comes from the seed of the task."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.seed = task.seed

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), self.seed)


@breaks(WHOLE)
class SaysLess(Good):
    """A part of the state is left out of the state_dict, and not missed."""

    def state_dict(self, *given: Any, **named: Any) -> Any:
        return {key: value for key, value in super().state_dict(*given, **named).items() if key != "weight"}

    def load_state_dict(self, state: Mapping[str, Any], *given: Any, **named: Any) -> Any:
        return super().load_state_dict(state, strict=False)


@breaks(WHOLE)
class WorksItOutWhenFitted(Good):
    """A product of the weights is worked out after training and not again."""

    def fit(self, task: Task) -> None:
        super().fit(task)
        self.norm = float(self.weight.detach().norm())

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), getattr(self, "norm", 1.0))


@breaks(WHOLE)
class IsBuiltByFitAlone(Good):
    """A built predictor lacks what only fit makes."""

    def fit(self, task: Task) -> None:
        super().fit(task)
        self.factor = 2.0

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), self.factor if not self.training else 2.0)


@breaks("copied whole")
class ScoresThroughAFunction(Good):
    """A function holds the predictor itself, so that a copy scores by the original."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.__dict__["bias_of"] = lambda clip: clip @ self.weight.T

    def scores(self, x: Features) -> Scores:
        s0, bias = self.classifier(x["clip"]), self.__dict__["bias_of"](x["clip"])
        return Scores(s0, bias, s0 + self.beta * bias)


@breaks("copied whole")
class CannotBeCopied(Good):
    """A generator is kept, which cannot be copied."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.__dict__["batches"] = (number for number in range(3))


@breaks("copied whole")
class CopiesItsName(Good):
    """A copy shares the weights of the original."""

    def __deepcopy__(self, memo: Any) -> "CopiesItsName":
        return self


@breaks("independent")
class SharesABuffer(Good):
    """All predictors of the class write the means of the support set into one buffer."""

    shared: ClassVar[torch.Tensor] = torch.zeros(5, 16)

    def build(self, task: Task) -> None:
        super().build(task)
        if task.classes == len(self.shared):
            self.shared.copy_(task.support.mean("clip")[:: len(task.support) // 5][:5])

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        return self.scaled(s, self.shared.norm())


@breaks("parameters are trained")
class FreezesAfterAll(Good):
    """The weights are a parameter that nothing is learnt in."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.extra = nn.Parameter(torch.zeros(16))

    def scores(self, x: Features) -> Scores:
        return super().scores({"clip": x["clip"] + self.extra.detach()})
