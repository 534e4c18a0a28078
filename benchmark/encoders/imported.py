"""Encoders of which there are features and no network: in a suite that `bench features import` wrote."""

from collections.abc import Callable, Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.file_facts import FileFacts
from benchmark.core.settings import Settings
from benchmark.encoders.encoder import Encoder, Loaded


def features(role: str) -> Encoder:
    """An encoder whose features are in the data set's file, which its fingerprint speaks of."""
    return Encoder(role, "imported", lambda: Loaded(_refuse(role)))


def clip(role: str, file: str, *, settings: Settings) -> Encoder:
    """The same of a CLIP, with the zero-shot classifier that is in the file too."""
    path = Path(file).expanduser()
    if not path.is_file():
        raise Incomplete(f"{path}: no such file; bench features import makes it")
    fingerprint = f"imported-{FileFacts(settings.cache).hash(path)}"
    return Encoder(role, fingerprint, lambda: Loaded(_refuse(role), texts=Classifier(path)))


def _refuse(role: str) -> Callable[[Tensor], Tensor]:
    def forward(images: Tensor) -> Tensor:
        raise BenchError(f"encoder {role}: its features were imported, and there is no network to make others")

    return forward


class Classifier:
    """A zero-shot classifier that somebody else made, for the classes of one data set."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            with safe_open(file, "pt") as opened:
                self._text = opened.get_tensor("text")
                self.logit_scale = float((opened.metadata() or {})["logit_scale"])
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise BenchError(f"{file}: no text classifier in it ({error}); import one with --text") from error

    def classifier(self, classnames: Sequence[str], templates: Sequence[str]) -> Tensor:
        """The classifier, [C, D] with unit rows; BenchError where it is one of other classes."""
        if len(classnames) != len(self._text):
            raise BenchError(f"{self.file}: its text classifier has {len(self._text)} classes, not {len(classnames)}")
        return self._text

    def sentence_classifier(self, sentences: Sequence[Sequence[str]]) -> Tensor:
        """BenchError: no text tower is here."""
        raise BenchError(f"{self.file}: holds a text classifier and no text tower that could read sentences")
