"""How a method is trained, as data: optimiser, schedule, epochs, batch size."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Recipe:
    """How a predictor is trained. A method's file says where its numbers come from.

    schedule: "step" anneals the cosine after every iteration (Tip-Adapter, CaFo, AMU), "epoch" after every epoch (CoOp).
    warmup_epochs run at the constant warmup_lr first; the cosine begins after them and keeps its length of `epochs`,
    so that it is cut off that much before its end (Dassl).
    drop_last leaves out the last, smaller batch wherever there is a full one (Dassl).
    """

    lr: float
    epochs: int
    batch_size: int
    weight_decay: float = 0.01  # AdamW's own default in torch, which Tip-Adapter and CaFo leave alone
    eps: float = 1e-4  # Tip-Adapter, CaFo and AMU: AdamW(eps=1e-4)
    optimizer: Literal["adamw", "sgd"] = "adamw"
    momentum: float = 0.9  # sgd only: Dassl's default
    schedule: Literal["step", "epoch"] = "step"
    warmup_epochs: int = 0
    warmup_lr: float = 1e-5  # Dassl: WARMUP_CONS_LR of CoOp's configurations
    drop_last: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that cannot train."""
        for name in ("lr", "epochs", "batch_size"):
            if not getattr(self, name) > 0:
                raise ValueError(f"recipe {name}={getattr(self, name)!r} must be positive")
        if self.optimizer not in ("adamw", "sgd"):
            raise ValueError(f"recipe optimizer={self.optimizer!r}; there are 'adamw' and 'sgd'")
        if self.schedule not in ("step", "epoch"):
            raise ValueError(f"recipe schedule={self.schedule!r}; there are 'step' and 'epoch'")

    def lr_at(self, epoch: int, step: int, steps: int) -> float:
        """Learning rate of step `step` (from 0) of the `steps` in epoch `epoch` (from 0)."""
        if epoch < self.warmup_epochs:
            return self.warmup_lr
        # Dassl's constant warm-up delays the cosine: the first epoch after it runs at the full rate.
        done = epoch - self.warmup_epochs + (step / steps if self.schedule == "step" else 0)
        progress = done / self.epochs
        return self.lr * 0.5 * (1 + math.cos(math.pi * progress))
