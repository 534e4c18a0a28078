"""The labels of the test images, out of a predictor's reach while its code runs.

A predictor is handed a Task, and no test image is in it. But it shares a process with whoever measures it, and could look up
the watcher, its callers' frames, or every object that there is. So the labels are in none of them: they lie in a nameless
file, and are read for the moment of a comparison, when the predictor's code has returned. Whoever asks for them while it
runs, or opens a data set, gets a `Breach`.

Python cannot guard everything: a method that reads the data set's files itself, replaces functions of torch or of this
package, or goes through private attributes can still cheat. It then does so on purpose, and in plain sight of a reader.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from benchmark.core.errors import BenchError
from benchmark.methods.samples import Samples

_sealed = False


class Breach(BenchError):
    """A predictor asked for what it must not see."""


@contextmanager
def sealing() -> Iterator[None]:
    """While this lasts a predictor's code may run, and labels are out of reach but for moments of `comparing`."""
    with _set(True):
        yield


@contextmanager
def comparing() -> Iterator[None]:
    """For a moment of the harness's own, in which no predictor's code runs, labels can be read."""
    with _set(False):
        yield


@contextmanager
def _set(sealed: bool) -> Iterator[None]:
    global _sealed
    before, _sealed = _sealed, sealed
    try:
        yield
    finally:
        _sealed = before


def refuse(what: str) -> None:
    """Breach while labels are sealed."""
    if _sealed:
        raise Breach(f"a predictor asked for {what}: it may learn from its Task alone")


class Sealed(Samples):
    """Samples whose labels are in no object: they are read anew whenever the harness compares."""

    _file: BinaryIO
    _count: int

    def __init__(self, samples: Samples) -> None:
        labels = samples.labels.cpu().numpy().astype(np.int64)
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed, and gone, with the last reference to it
        file.write(labels.tobytes())
        for name, value in (("spaces", samples.spaces), ("_file", file), ("_count", len(labels))):
            object.__setattr__(self, name, value)  # Samples is frozen

    def __len__(self) -> int:
        """How many images, N."""
        return self._count

    @property
    def labels(self) -> Tensor:
        """[N]. Breach while they are sealed."""
        refuse("the labels of test images")
        self._file.seek(0)
        labels = torch.from_numpy(np.frombuffer(bytearray(self._file.read()), np.int64))
        return labels.to(next(iter(self.spaces.values())).device)
