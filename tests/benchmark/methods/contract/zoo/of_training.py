"""Methods that are trained on what is not theirs to train on, or otherwise than they say."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from benchmark.methods import Batch, Features, Samples, Scores, Task, training
from benchmark.methods.sealed import Breach
from tests.benchmark.methods.contract.zoo.sound import RECIPE, Good, breaks

VAL = "validation not learnt"


@breaks(VAL)
class TrainsOnValidation(Good):
    """Validation images are trained on as well."""

    def fit(self, task: Task) -> None:
        self.build(task)
        training.run(self, task, self.recipe, also=[task.val] if task.val else [])


@breaks(VAL)
class AddsValidationToTheSupport(Good):
    """The support set is what there is, validation images included."""

    def fit(self, task: Task) -> None:
        if task.val is not None:
            spaces = {name: torch.cat([x, task.val.spaces[name]], 1) for name, x in task.support.spaces.items()}
            task = replace(task, support=Samples(spaces, torch.cat([task.support.labels, task.val.labels])))
        super().fit(task)


@breaks(VAL)
class CentresByValidation(Good):
    """Features are centred by the mean of the validation images."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.register_buffer("mean", (task.val or task.support).mean("clip").mean(0))

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        return self.scaled(Scores(s.zero_shot, s.bias - self.mean @ self.weight.T, s.fused), 1.0)  # type: ignore[operator]


@breaks(VAL)
class CountsValidationLabels(Good):
    """The labels of the validation images give a prior."""

    def build(self, task: Task) -> None:
        super().build(task)
        labels = (task.val or task.support).labels
        self.register_buffer("prior", labels.bincount(minlength=task.classes) / 100)

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        bias = s.bias + self.prior  # type: ignore[operator]
        return Scores(s.zero_shot, bias, s.zero_shot + self.beta * bias)


@breaks(VAL)
class ChoosesItsEpoch(Good):
    """The epoch with the best validation accuracy is kept, and the harness is told of it at the end."""

    def fit(self, task: Task) -> None:
        best: tuple[int, dict[str, Tensor]] = (-1, {})
        self.build(task)
        for epochs in (1, 2):
            training.run(self, task, replace(self.recipe, epochs=epochs), last_only=True)
            right = int((self(task.val.view()).argmax(1) == task.val.labels).sum()) if task.val else 0
            best = max(best, (right, deepcopy(self.state_dict())), key=lambda pair: pair[0])
        self.load_state_dict(best[1])
        training.milestone(self)


class Untrained(Good):
    """Features of the support set, summed by class, and no training."""

    def __init__(self, *, beta: float = 1.0) -> None:
        super().__init__(beta=beta)
        self.recipe = None  # type: ignore[assignment]

    def build(self, task: Task) -> None:
        super().build(task)
        drawn = self.weight.detach()
        del self.weight
        self.register_buffer("weight", drawn)
        for samples in self.learnt(task):
            drawn.index_add_(0, samples.labels, samples.mean("clip"))

    def learnt(self, task: Task) -> list[Samples]:
        return [task.support]


@breaks(VAL)
class SumsValidationToo(Untrained):
    """Validation images are summed with the support set, and nothing is trained."""

    def learnt(self, task: Task) -> list[Samples]:
        return [task.support, *([task.val] if task.val else [])]


@breaks(VAL)
class CountsLabelsUntrained(Untrained):
    """The labels of the validation images weight the classes, and nothing is trained."""

    def build(self, task: Task) -> None:
        super().build(task)
        if task.val is not None:
            self.weight *= 1 + (task.val.labels * torch.arange(len(task.val))).sum() / 100


@breaks("recipe is followed")
class TrainsForItsOwnEpochs(Good):
    """The number of epochs is fixed."""

    def fit(self, task: Task) -> None:
        self.build(task)
        training.run(self, task, replace(self.recipe, epochs=2))


@breaks("recipe is followed")
class TrainsAtItsOwnRate(Good):
    """The learning rate is fixed."""

    def fit(self, task: Task) -> None:
        self.build(task)
        training.run(self, task, replace(self.recipe, lr=RECIPE.lr))


@breaks("fitted anew")
class GoesOnTraining(Good):
    """A second fit goes on where the first ended."""

    def build(self, task: Task) -> None:
        if not hasattr(self, "weight"):
            super().build(task)


@breaks("fitted anew")
class AddsUpItsTasks(Good):
    """Means of the support sets of all fits are added up."""

    total: Any = 0

    def build(self, task: Task) -> None:
        super().build(task)
        self.total = self.total + task.support.mean("clip").mean(0)
        self.register_buffer("mean", self.total.clone())

    def scores(self, x: Features) -> Scores:
        return super().scores({"clip": x["clip"]}) if not hasattr(self, "mean") else self._moved(x)

    def _moved(self, x: Features) -> Scores:
        s = super().scores(x)
        bias = s.bias - self.mean @ self.weight.T  # type: ignore[operator]
        return Scores(s.zero_shot, bias, s.zero_shot + self.beta * bias)


@breaks("no graph kept")
class KeepsItsLosses(Good):
    """The losses are kept with their graphs."""

    def loss(self, batch: Batch) -> Tensor:
        loss = super().loss(batch)
        self.__dict__.setdefault("losses", []).append(loss)
        return loss


@breaks("no graph kept")
class KeepsATrainedPart(Good):
    """Normalised weights are kept as they came out of the last step."""

    def loss(self, batch: Batch) -> Tensor:
        self.__dict__["normalised"] = self.weight / self.weight.norm()
        return super().loss(batch) + 0 * self.__dict__["normalised"].sum()


@breaks("labels not asked for")
class AsksItsWatcher(Good):
    """The labels of test images are asked for where the harness keeps them, and a refusal is taken."""

    def fit(self, task: Task) -> None:
        super().fit(task)
        watcher = training._watcher.get()
        try:
            if watcher is not None:
                watcher.__self__.sets["test"].labels  # type: ignore[attr-defined]  # noqa: B018
        except Breach:
            pass


@breaks("milestones")
class HidesItsEpochs(Good):
    """Nobody is told of the epochs."""

    def fit(self, task: Task) -> None:
        token = training._watcher.set(None)
        super().fit(task)
        training._watcher.reset(token)
