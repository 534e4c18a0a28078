"""Methods that are another in another process, at another time, or after other fits."""

import datetime
import os
import random
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from benchmark.methods import Features, Scores, Task
from tests.benchmark.methods.contract.zoo.sound import Good, breaks

OTHER_PROCESS = "same in another process"


class Factor(Good):
    """The bias times a factor that is found when the method is fitted."""

    def factor(self, task: Task) -> float:
        raise NotImplementedError

    def build(self, task: Task) -> None:
        super().build(task)
        self.register_buffer("found", torch.tensor(float(self.factor(task))).to(task.text))

    def scores(self, x: Features) -> Scores:
        return self.scaled(super().scores(x), self.found)  # type: ignore[arg-type]


@breaks(OTHER_PROCESS)
class HashesAWord(Factor):
    """A factor comes from the hash of a word, which is another in every process."""

    def factor(self, task: Task) -> float:
        return 1 + abs(hash("robin")) % 1009 / 1009


@breaks(OTHER_PROCESS)
class OrdersASet(Factor):
    """A factor comes from the order of a set of names."""

    def factor(self, task: Task) -> float:
        names = {f"{one} {other}" for one in task.classnames for other in task.classnames}
        return 1 + list(names).index(f"{task.classnames[0]} {task.classnames[1]}")


@breaks(OTHER_PROCESS)
class NumbersItsProcess(Factor):
    """A factor comes from the id of the process."""

    def factor(self, task: Task) -> float:
        return os.getpid()


@breaks(OTHER_PROCESS)
class ReadsTheDay(Factor):
    """A factor comes from the date."""

    def factor(self, task: Task) -> float:
        return datetime.date.today().toordinal()


@breaks(OTHER_PROCESS)
class ReadsTheMonth(Factor):
    """A factor comes from the month, by the clock of the system."""

    def factor(self, task: Task) -> float:
        return time.localtime().tm_year


@breaks(OTHER_PROCESS)
class AsksForTheUser(Factor):
    """A factor comes from the user's name."""

    def factor(self, task: Task) -> float:
        return sum(map(ord, os.environ.get("USER", "")))


@breaks(OTHER_PROCESS)
class LooksAroundItsFolder(Factor):
    """A factor comes from the working folder."""

    def factor(self, task: Task) -> float:
        return len(os.getcwd())


@breaks(OTHER_PROCESS)
class UsesAnAddress(Factor):
    """A factor comes from the address of an object in memory."""

    def factor(self, task: Task) -> float:
        return id(task.text) % 10_007


@breaks(OTHER_PROCESS)
class FillsNothing(Factor):
    """A factor comes from memory that nobody filled."""

    def factor(self, task: Task) -> float:
        return 1 + float(torch.empty(100).nan_to_num(1, 1, 1).clamp(-1, 1).mean())


@breaks(OTHER_PROCESS)
class RemembersTheFirstTask(Good):
    """The initial weights of the first task of this size are those of all later ones."""

    known: ClassVar[dict[int, torch.Tensor]] = {}

    def build(self, task: Task) -> None:
        super().build(task)
        start = self.known.setdefault(task.classes, task.support.mean("clip")[: task.classes].clone())
        self.weight = nn.Parameter(start.clone())


@breaks(OTHER_PROCESS)
class KeepsAFile(Good):
    """The initial weights are kept in a file, and found there by the next fit."""

    def build(self, task: Task) -> None:
        super().build(task)
        file = Path(tempfile.gettempdir()) / f"bench-zoo-{os.getpid()}.npy"
        if not file.exists():
            np.save(file, task.support.mean("clip")[: task.classes].cpu().numpy())
        self.weight = nn.Parameter(torch.from_numpy(np.load(file)))


@breaks(OTHER_PROCESS)
class ReadsAFileOfTheMachine(Factor):
    """A factor comes from a file that is no part of the method."""

    def factor(self, task: Task) -> float:
        try:
            return len((Path(tempfile.gettempdir()) / "bench-zoo-settings").read_text())
        except OSError:
            return 1.0


@breaks(OTHER_PROCESS)
class AsksTheNetwork(Factor):
    """A factor is asked for on the network; without one it is 1."""

    def factor(self, task: Task) -> float:
        try:
            with socket.create_connection(("127.0.0.1", 9), timeout=0.01):
                return 2.0
        except OSError:
            return 1.0


@breaks("deterministic")
class CountsItsFits(Factor):
    """A factor counts the fits of the process."""

    fits: ClassVar[list[int]] = []

    def factor(self, task: Task) -> float:
        self.fits.append(1)
        return len(self.fits)


@breaks("deterministic")
class TakesTheTime(Factor):
    """A factor comes from the time that has passed."""

    def factor(self, task: Task) -> float:
        return time.perf_counter()


@breaks("deterministic")
class DrawsFromTheSystem(Factor):
    """A factor is drawn by the operating system, which has no seed."""

    def factor(self, task: Task) -> float:
        return random.SystemRandom().random()


@breaks("seed is followed")
class IgnoresTheSeed(Good):
    """The initial weights are drawn at a seed of the method's own."""

    def build(self, task: Task) -> None:
        super().build(task)
        drawn = torch.randn(task.text.shape, generator=torch.Generator().manual_seed(0))
        self.weight = nn.Parameter(0.1 * drawn.to(task.text))


@breaks("seed is followed")
class IgnoresTheSeedInNumPy(Good):
    """The initial weights are drawn by NumPy at a seed of the method's own."""

    def build(self, task: Task) -> None:
        super().build(task)
        drawn = np.random.default_rng(0).normal(size=tuple(task.text.shape))
        self.weight = nn.Parameter(torch.tensor(drawn).to(task.text))


@breaks("seed is followed")
class IgnoresTheSeedInPython(Factor):
    """A factor is drawn by Python at a seed of the method's own."""

    def factor(self, task: Task) -> float:
        return random.Random(7).random()


@breaks("seed is followed")
class DrawsAtNoSeed(Good):
    """A generator is made and given no seed, so that torch's own holds."""

    def build(self, task: Task) -> None:
        super().build(task)
        self.weight = nn.Parameter(torch.randn(task.text.shape, generator=torch.Generator()).to(task.text))


@breaks("process untouched")
class LeavesAThread(Good):
    """A thread runs on after fit."""

    def fit(self, task: Task) -> None:
        super().fit(task)
        threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
