"""Methods whose scores have another form, or depend on more than the image and the state."""

from typing import Any, ClassVar

import torch

from benchmark.methods import Features, Scores, Task
from tests.benchmark.methods.contract.zoo.sound import Good, breaks

LARGE = "in large batches"
AGAIN = "scored again"
SIZES = "tasks of any size"


@breaks("scores are logits")
class ScoresInDoublePrecision(Good):
    """Scores are of double precision."""

    def scores(self, x: Features) -> Scores:
        return Scores(*(part.double() for part in vars(super().scores(x)).values()))


@breaks("scores are logits")
class ScoresATuple(Good):
    """Scores are a tuple of three tensors."""

    def scores(self, x: Features) -> Any:
        return tuple(vars(super().scores(x)).values())


@breaks("scores are logits")
class ScoresOneImageToo(Good):
    """A batch of one image has no first dimension."""

    def scores(self, x: Features) -> Scores:
        return Scores(*(part.flatten() for part in vars(super().scores(x)).values()))


@breaks("zero shot is clip")
class ScalesZeroShot(Good):
    """The zero-shot logits are scaled."""

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        return Scores(0.5 * s.zero_shot, s.bias, 0.5 * s.zero_shot + self.beta * s.bias)


@breaks("zero shot is clip")
class AddsInPlace(Good):
    """The bias is added to the zero-shot logits in place."""

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        fused = s.zero_shot.add_(self.beta * s.bias)
        return Scores(s.zero_shot, s.bias, fused)


@breaks(LARGE)
class HalvesInLargeBatches(Good):
    """The bias is halved in batches of more than 64 images."""

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), 0.5 if len(x["clip"]) > 64 else 1.0)


@breaks(LARGE)
class CutsAtAThousand(Good):
    """The last image of a batch of a thousand is left at zero."""

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        return self.scaled(s, (torch.arange(len(s.bias)) < 999)[:, None])


@breaks(LARGE)
class StandardisesLargeBatches(Good):
    """Large batches are centred, for there a mean can be estimated."""

    def scores(self, x: Features) -> Scores:
        clip = x["clip"]
        return super().scores({"clip": clip - clip.mean(0) if len(clip) >= 256 else clip})


@breaks(LARGE)
class PreparesLargeBatchesOtherwise(Good):
    """`prepare`, which the harness calls with a thousand images, rounds them."""

    def prepare(self, x: Features) -> Features:
        return {"clip": x["clip"].half().float() * 1.01} if len(x["clip"]) > 100 else x


@breaks("alone")
class LikesEvenBatches(Good):
    """Odd batches are scored otherwise than even ones."""

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), 1.0 + len(x["clip"]) % 2)


@breaks("alone")
class KnowsThePlace(Good):
    """The bias of an image grows with its place in the batch."""

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        return self.scaled(s, 1 + 0.01 * torch.arange(len(s.bias))[:, None])


@breaks("alone")
class SharpensByTheBatch(Good):
    """The bias is divided by its largest value in the batch."""

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        return self.scaled(s, 1 / s.bias.abs().max())


@breaks(AGAIN)
class TiresOfScoring(Good):
    """Every scoring weakens the bias."""

    calls = 0

    def scores(self, x: Features) -> Scores:
        self.calls += 1
        return self.scaled(super().scores(x), 1 / self.calls)


@breaks(AGAIN)
class FollowsTheImages(Good):
    """A mean of all images scored so far is subtracted."""

    def scores(self, x: Features) -> Scores:
        self.mean = 0.9 * getattr(self, "mean", 0) + 0.1 * x["clip"].mean(0).detach()
        return super().scores({"clip": x["clip"] - self.mean})


@breaks(AGAIN)
class RemembersByAddress(Good):
    """Scores are remembered by the address of the features."""

    def scores(self, x: Features) -> Scores:
        known = self.__dict__.setdefault("known", {})
        place = (x["clip"].data_ptr(), x["clip"].shape, torch.is_grad_enabled(), self.beta, float(self.weight.sum()))
        if place not in known:
            known.clear()
            known[place] = super().scores(x)
        return known[place]


@breaks(AGAIN)
class ScoresOtherwiseWithGradients(Good):
    """Without gradients another formula is used."""

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), 2.0 if torch.is_grad_enabled() else 1.0)


@breaks("keeps no images")
class KeepsItsScores(Good):
    """All scores are kept in a list."""

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        self.__dict__.setdefault("all", []).append(s.bias)
        return s


@breaks("keeps no images")
class KeepsEverybodysScores(Good):
    """All scores of all methods are kept in a list of the class."""

    every: ClassVar[list[torch.Tensor]] = []

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        self.every.append(s.bias)
        return s


class BySize(Good):
    """The bias times a factor that depends on the task's sizes."""

    def factor(self, task: Task) -> float:
        raise NotImplementedError

    def build(self, task: Task) -> None:
        super().build(task)
        self.register_buffer("found", torch.tensor(float(self.factor(task))))

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), self.found)  # type: ignore[arg-type]


@breaks(SIZES)
class FailsForTwoClasses(Good):
    """Three largest logits are needed."""

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        return self.scaled(s, s.zero_shot.topk(3).values.sum(1, keepdim=True))


@breaks(SIZES)
class FailsForManyClasses(Good):
    """There are no more than a hundred classes."""

    def build(self, task: Task) -> None:
        super().build(task)
        torch.zeros(100)[task.classes - 1]


@breaks(SIZES)
class BreaksForManyClasses(BySize):
    """Above ten classes the bias is infinite."""

    def factor(self, task: Task) -> float:
        return 1.0 if task.classes <= 10 else float("inf")


@breaks(SIZES)
class LooksAtTheBatchOfManyClasses(Good):
    """With more than eight classes the bias is centred over the batch."""

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        return self.scaled(Scores(s.zero_shot, s.bias - s.bias.mean(0), s.fused), 1.0) if s.bias.shape[1] > 8 else s


@breaks(SIZES)
class ShapesByShots(Good):
    """The support set is reshaped to classes times shots."""

    def build(self, task: Task) -> None:
        super().build(task)
        features = task.support.mean("clip")
        self.register_buffer("means", features.reshape(task.classes, -1, features.shape[1]).mean(1))


@breaks(SIZES)
class NeedsTwoViews(Good):
    """The second view of the support set is read."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.register_buffer("second", task.support.spaces["clip"][1].mean(0))


@breaks(SIZES)
class NeedsTwoShots(BySize):
    """A variance within a class is taken of one image."""

    def factor(self, task: Task) -> float:
        first = task.support.mean("clip")[task.support.labels == 0]
        return float(first.std(0).mean())


@breaks(SIZES)
class NeedsValidationImages(Good):
    """Validation images are asked for where there are none."""

    def build(self, task: Task) -> None:
        super().build(task)
        len(task.val)  # type: ignore[arg-type]


@breaks(SIZES)
class TrustsTheOrder(Good):
    """The support set is taken to be sorted by class."""

    def build(self, task: Task) -> None:
        super().build(task)
        features, counts = task.support.mean("clip"), task.support.labels.bincount(minlength=task.classes)
        self.register_buffer("means", torch.stack([part.mean(0) for part in features.split(counts.tolist())]))

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        bias = s.bias + x["clip"] @ self.means.T  # type: ignore[operator]
        return Scores(s.zero_shot, bias, s.zero_shot + self.beta * bias)
