"""Labels of test images that cannot be read while a predictor's code runs.

A predictor is given a Task, which contains no test images. But it shares a process with the harness and could inspect the
epoch-end callback, the stack frames of its callers, or all live objects. Therefore no object contains the labels: they are in
an unnamed temporary file, which is read only during a comparison, after the predictor's code has returned. Reading them or
opening a data set while the predictor's code runs raises a `Breach`.

Python cannot prevent every access: a method that reads the data set's files, replaces functions of torch or of this package,
or uses private attributes can still cheat. Such code is deliberate and visible to a reader.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from benchmark.core import warned
from benchmark.core.errors import BenchError
from benchmark.methods.samples import Samples

ASKED = "a method asked for"
"""First words of the line on what a method asked for while labels were sealed."""

_sealed = False


class Breach(BenchError):
    """A predictor's code asked for test labels or opened a data set."""


@contextmanager
def sealing() -> Iterator[None]:
    """Within the context, in which a predictor's code may run, labels cannot be read except under `comparing`."""
    with _set_sealed(True):
        yield


@contextmanager
def comparing() -> Iterator[None]:
    """Within the context, in which no predictor's code runs, the harness may read labels."""
    with _set_sealed(False):
        yield


@contextmanager
def _set_sealed(sealed: bool) -> Iterator[None]:
    """Within the context, seal or unseal the labels."""
    global _sealed
    before, _sealed = _sealed, sealed
    try:
        yield
    finally:
        _sealed = before


def refuse(what: str) -> None:
    """Raise a Breach that names `what` was asked for, if labels are sealed; a line says it also where that is swallowed."""
    if _sealed:
        warned.note(f"{ASKED} {what}, which it may not have")
        raise Breach(f"a predictor asked for {what}: it may learn from its Task alone")


class Sealed(Samples):
    """Samples whose labels are in a temporary file and read at each comparison.

    Args:
        samples: Images and the labels to seal.
    """

    _file: BinaryIO
    _count: int

    def __init__(self, samples: Samples) -> None:
        labels = samples.labels.cpu().numpy().astype(np.int64)
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed and deleted with the last reference to it
        file.write(labels.tobytes())
        for name, value in (("spaces", samples.spaces), ("_file", file), ("_count", len(labels))):
            object.__setattr__(self, name, value)  # Samples is frozen

    def __len__(self) -> int:
        """Number of images, N."""
        return self._count

    @property
    def labels(self) -> Tensor:
        """Classes [N]; reading them while they are sealed raises a Breach."""
        refuse("the labels of test images")
        self._file.seek(0)
        labels = torch.from_numpy(np.frombuffer(bytearray(self._file.read()), np.int64))
        return labels.to(self.device)
