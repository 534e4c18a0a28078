"""Methods with a fault that no clause can see."""

import platform

import torch

from benchmark.methods import Features, Scores, Task
from tests.benchmark.methods.contract.zoo.sound import Good, escapes


@escapes("formula")
class AddsTheWrongTerm(Good):
    """The bias has another sign than in the paper."""

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), -1.0)


@escapes("size")
class HalvesForThousandsOfClasses(Good):
    """Above two thousand classes the bias is halved."""

    def scores(self, x: Features) -> Scores:
        s = super().scores(x)
        return self.scaled(s, 0.5) if s.bias.shape[1] > 2000 else s


@escapes("rarity")
class TiresAfterAThousandCalls(Good):
    """After a thousand calls the bias is weaker."""

    calls = 0

    def scores(self, x: Features) -> Scores:
        self.calls += 1
        return self.scaled(super().scores(x), 1.0 if self.calls < 1000 else 0.5)


@escapes("machine")
class KnowsItsMachine(Good):
    """A factor comes from the name of the machine."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.register_buffer("found", torch.tensor(1.0 + len(platform.node())).to(task.text))

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), self.found)  # type: ignore[arg-type]


@escapes("disguise")
class KnowsTheToy(Good):
    """The scores are others where the features are as wide as those of a real network."""

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), 1.0 if x["clip"].shape[1] == 16 else 0.5)
