"""What a pre-training algorithm is to the loop that runs it."""

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Schedule:
    """AdamW with warm-up and one cosine. The numbers are settled on the monitor split; nobody publishes any for 48 px."""

    steps: int
    batch: int
    lr: float = 2e-3
    warmup: int = 100
    weight_decay: float = 0.05  # on matrices only
    betas: tuple[float, float] = (0.9, 0.98)  # CLIP's, but for ViTs
    clip: float = 2.0  # norm of the gradient


class Algorithm(nn.Module):
    """A network under training that draws its own data.

    Step s of a run sees the same images whatever happened before it, so that its state is all that a checkpoint needs.
    """

    title: str  # the algorithm and where it is published
    data: str  # what it is trained on, for the model card
    schedule: Schedule

    def loss(self, step: int) -> Tensor:
        """The loss on the batch of step `step` (from 0)."""
        raise NotImplementedError

    def after(self, progress: float) -> None:
        """Called after each update; progress: the share of the run that is done, in (0, 1]."""

    def product(self) -> nn.Module:
        """The encoder that is shipped."""
        raise NotImplementedError

    def monitor(self) -> dict[str, float]:
        """Accuracies in per cent on the monitor split."""
        raise NotImplementedError
