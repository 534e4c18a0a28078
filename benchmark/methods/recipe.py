"""Training settings of a method: optimiser, schedule, epochs, batch size."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Recipe:
    """Training settings of a predictor; the file of a method gives the sources of its numbers.

    Attributes:
        lr: Initial learning rate of the cosine schedule.
        epochs: Number of epochs, warm-up included.
        batch_size: Images per batch.
        weight_decay: Decoupled (adamw) or L2 (adam, sgd) weight decay.
        eps: Eps of adamw and adam.
        optimizer: "adamw", "adam" or "sgd".
        momentum: Momentum of sgd.
        schedule: "step" updates the cosine after every iteration (Tip-Adapter, CaFo, AMU-Tuning), "epoch" after every epoch
            (CoOp).
        warmup_epochs: Epochs at the constant rate `warmup_lr` before the cosine begins. The cosine keeps its length of
            `epochs`, so that training ends before its minimum (Dassl).
        warmup_lr: Learning rate of the warm-up.
        drop_last: Whether an incomplete last batch is left out if there is a complete one (Dassl).
    """

    lr: float
    epochs: int
    batch_size: int
    weight_decay: float = 0.01  # AdamW's default in torch, used by Tip-Adapter and CaFo
    eps: float = 1e-4  # Tip-Adapter, CaFo and AMU-Tuning: AdamW(eps=1e-4)
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    momentum: float = 0.9  # sgd only: Dassl's default
    schedule: Literal["step", "epoch"] = "step"
    warmup_epochs: int = 0
    warmup_lr: float = 1e-5  # Dassl: WARMUP_CONS_LR of CoOp's configurations
    drop_last: bool = False

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            ValueError: lr, epochs or batch_size is not positive, or optimizer or schedule is unknown.
        """
        for name in ("lr", "epochs", "batch_size"):
            if not getattr(self, name) > 0:
                raise ValueError(f"recipe {name}={getattr(self, name)!r} must be positive")
        if self.optimizer not in ("adamw", "adam", "sgd"):
            raise ValueError(f"recipe optimizer={self.optimizer!r}; there are 'adamw', 'adam' and 'sgd'")
        if self.schedule not in ("step", "epoch"):
            raise ValueError(f"recipe schedule={self.schedule!r}; there are 'step' and 'epoch'")

    def lr_at(self, epoch: int, step: int, steps: int) -> float:
        """Compute the learning rate of a training step.

        Args:
            epoch: Epoch, from 0.
            step: Step within the epoch, from 0.
            steps: Steps per epoch.

        Returns:
            Learning rate.

        Example:
            >>> recipe = Recipe(lr=1.0, epochs=2, batch_size=8)
            >>> [round(recipe.lr_at(epoch, 0, 10), 2) for epoch in (0, 1, 2)]
            [1.0, 0.5, 0.0]
        """
        if epoch < self.warmup_epochs:
            return self.warmup_lr
        # Dassl's constant warm-up delays the cosine: the first epoch after the warm-up has the full rate.
        done = epoch - self.warmup_epochs + (step / steps if self.schedule == "step" else 0)
        progress = done / self.epochs
        return self.lr * 0.5 * (1 + math.cos(math.pi * progress))
