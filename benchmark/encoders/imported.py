"""Encoders of imported features, without a network, for suites written by `bench features import`."""

from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path

from safetensors import SafetensorError
from torch import Tensor

from benchmark.core import tensor_files
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.file_facts import FileFacts
from benchmark.core.paths import expanded
from benchmark.core.settings import Settings
from benchmark.encoders.encoder import Encoder, Loaded, text_tower


@text_tower(False)
def features(role: str) -> Encoder:
    """An auxiliary encoder without a network; its features are in the file of the data set, which has the fingerprint."""
    return Encoder(role, "imported", lambda: Loaded(_refuse(role)))


@text_tower(True)
def clip(role: str, file: str, *, settings: Settings) -> Encoder:
    """A CLIP without a network, with an imported zero-shot classifier.

    A file without a classifier raises BenchError when the encoder is loaded.

    Args:
        role: name of the encoder in the suite.
        file: the file of the zero-shot classifier.
        settings: folder of cached facts on files.

    Returns:
        The encoder.

    Raises:
        Incomplete: if the file is missing.
    """
    path = expanded(file)
    if not path.is_file():
        raise Incomplete(f"{path}: no such file; bench features import makes it")
    fingerprint = f"imported-{FileFacts(settings.cache).hash(path)}"
    return Encoder(role, fingerprint, lambda: Loaded(_refuse(role), texts=Classifier(path)), str(path))


def _refuse(role: str) -> Callable[[Tensor], Tensor]:
    def forward(images: Tensor) -> Tensor:
        raise BenchError(f"encoder {role}: its features were imported, and there is no network to make others")

    return forward


class Classifier:
    """An imported zero-shot classifier for the classes of one data set; raises BenchError for a file without one."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            with tensor_files.opened(file) as opened:
                self._text = opened.get_tensor("text")
                self.logit_scale = float((opened.metadata() or {})["logit_scale"])
            if not (isfinite(self.logit_scale) and self.logit_scale > 0):
                raise ValueError(f"its logit scale is {self.logit_scale:g}")
            if self._text.ndim != 2 or not self._text.is_floating_point():
                raise ValueError("its text is no matrix of numbers with fractions")
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise BenchError(f"{file}: no text classifier in it ({error}); import one with --text") from error

    def classifier(self, classnames: Sequence[str], templates: Sequence[str]) -> Tensor:
        """The imported classifier, L2-normalised [C, D]; raises BenchError for another number of classes."""
        if len(classnames) != len(self._text):
            raise BenchError(f"{self.file}: its text classifier has {len(self._text)} classes, not {len(classnames)}")
        return self._text

    def sentence_classifier(self, sentences: Sequence[Sequence[str]]) -> Tensor:
        """Raise BenchError: sentences need a text tower, which imported features lack."""
        raise BenchError(f"{self.file}: holds a text classifier and no text tower that could read sentences")

    def norms(self, classnames: Sequence[str], templates: Sequence[str]) -> Tensor:
        """Raise BenchError: the imported classifier is L2-normalised, and the lengths before are lost."""
        raise BenchError(
            f"{self.file}: holds an L2-normalised text classifier; the lengths of its rows before are lost"
        )
