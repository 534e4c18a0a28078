"""Methods that are no good guests of the process they run in; importable, so that a worker process finds them."""

import os
import sys
import threading

import torch
from toy_methods import Flat

from benchmark.methods import Task


class LeavesMuch(Flat):
    """Leaves no gradients, another type of numbers and another folder behind."""

    def fit(self, task: Task) -> None:
        super().fit(task)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        os.chdir("/")


class LeavesWhenConstructed(Flat):
    """Leaves another type of numbers behind when it is constructed."""

    def __init__(self, *, strength: float = 1.0) -> None:
        super().__init__(strength=strength)
        torch.set_default_dtype(torch.float64)


class LeavesAndFails(Flat):
    """Leaves no gradients behind, and fails."""

    def fit(self, task: Task) -> None:
        torch.set_grad_enabled(False)
        raise ValueError("enough")


class LeavesWithSuccess(Flat):
    """Its training ends with sys.exit(0)."""

    def fit(self, task: Task) -> None:
        sys.exit(0)


class LeavesAtOnce(Flat):
    """Its training ends the process with os._exit(0)."""

    def fit(self, task: Task) -> None:
        os._exit(0)


class Interrupts(Flat):
    """Its training ends with an interruption that nobody typed."""

    def fit(self, task: Task) -> None:
        raise KeyboardInterrupt


class ErasesTheTexts(Flat):
    """Sets the texts of its task to zero."""

    def fit(self, task: Task) -> None:
        super().fit(task)
        task.text.zero_()


class ErasesCLIP(Flat):
    """Sets a part of CLIP to zero."""

    wants = ("clip",)

    def fit(self, task: Task) -> None:
        super().fit(task)
        assert task.clip
        task.clip.model.text_projection.data.zero_()


class RunsOn(Flat):
    """Leaves a thread behind that does not end."""

    def fit(self, task: Task) -> None:
        super().fit(task)
        threading.Thread(target=threading.Event().wait, name="endless", daemon=True).start()
