"""The interface between a pre-training algorithm and the training loop in pretrain.py."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


def precision() -> str:
    """Precision of products and convolutions in training: "bfloat16" or "float32", by the processor."""
    return "bfloat16" if torch.cpu._is_avx512_bf16_supported() else "float32"


def mixed_precision() -> AbstractContextManager[object]:
    """bfloat16 for products and convolutions where the processor has instructions for it, else float32.

    Without such instructions a product in bfloat16 is computed in float32 between two conversions, which takes
    longer: ten times for a step of MoCo v3 on an AMD EPYC with AVX2.

    Returns:
        A context in which a training step computes its networks.
    """
    return torch.autocast("cpu", torch.bfloat16, enabled=precision() == "bfloat16")


@dataclass(frozen=True)
class Schedule:
    """AdamW with linear warm-up and one cosine; values chosen on the monitor split, as none are published for 48 pixels."""

    steps: int
    batch: int
    lr: float = 2e-3
    warmup: int = 100
    weight_decay: float = 0.05  # on matrices only
    betas: tuple[float, float] = (0.9, 0.98)  # CLIP's, published for its ViTs
    clip: float = 2.0  # largest norm of the gradient


class Algorithm(nn.Module):
    """A network under training that draws its own data.

    The images of a step depend on the number of the step alone, so that a checkpoint needs to hold nothing but state.
    """

    title: str  # name of the algorithm and its publication
    data: str  # description of the training data, for the model card
    schedule: Schedule

    def loss(self, step: int) -> Tensor:
        """The loss on the batch of step `step`, counted from 0."""
        raise NotImplementedError

    def after(self, progress: float) -> None:
        """Hook after each update of the weights; `progress` is the completed share of the run, in (0, 1]."""

    def product(self) -> nn.Module:
        """The encoder to ship."""
        raise NotImplementedError

    def monitor(self) -> dict[str, float]:
        """Accuracies (%) on the monitor split, by name."""
        raise NotImplementedError
