"""Zero-shot classifiers on disk: the text features of a data set's classes, encoded once for all runs.

Thousands of prompts take a text tower minutes on a CPU. The name of a file depends on the weights and on every text, so that
an existing file is never stale; its hash is checked as that of other features. A method that reads only features therefore
needs no network.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmark.core import leases, waiting
from benchmark.core.errors import BenchError
from benchmark.core.leases import Taken
from benchmark.core.names import for_file
from benchmark.core.stamps import stamp
from benchmark.encoders.encoder import Encoder
from benchmark.exhibits.run import Run
from benchmark.features import checked, finite, shard_files
from benchmark.features.shard_files import USABLE
from benchmark.methods.clip import Texts
from benchmark.suites.suite import Suite
from benchmark.suites.towers import text_tower
from benchmark.suites.world import World

MAKERS = {"templates": "classifier", "sentences": "sentence_classifier", "norms": "norms"}
"""What is read of texts -> method of `Texts` that makes it."""

SCALE = "logit_scale"
"""Note in the header of a file that holds the model's logit scale."""


@dataclass(frozen=True)
class Text:
    """Zero-shot classifier of a data set by a backbone's text tower, from "templates" or a language model's "sentences".

    `of` = "norms" are the lengths [C, 1] of the rows of "templates" before normalisation.
    """

    dataset: str
    backbone: str
    of: str = "templates"

    def label(self, suite: Suite) -> str:
        """Label for printing: "text of source (rendered) by RN50"."""
        kind = f", {self.of}" if self.of != "templates" else ""
        return f"text of {suite.named(self.dataset)} by {self.backbone}{kind}"

    @property
    def size(self) -> int:
        """Number of images to encode, as for a shard of images: 0."""
        return 0


def needed(runs: Iterable[Run], world: World) -> list[Text]:
    """Zero-shot classifiers that runs need and that are not on disk, or damaged."""
    asked = {path(text, world): text for run in runs for text in of(run)}
    there = checked.conditions(dict.fromkeys(asked, _form), world.settings.cache)
    return [text for file, text in asked.items() if there[file] not in USABLE]


def of(run: Run) -> Iterator[Text]:
    """Zero-shot classifiers that a run needs."""
    yield Text(run.dataset, run.backbone)
    if "sentences" in run.wants():
        yield Text(run.dataset, run.backbone, "sentences")
    if run.text_norms:
        yield Text(run.dataset, run.backbone, "norms")


def path(text: Text, world: World) -> Path:
    """Path of the file for a zero-shot classifier."""
    said = [world.encoder_fingerprint(text.backbone), text.of, *_texts(text, world)]
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:20]
    name = f"{for_file(f'{text.dataset}-{text.backbone}-{text.of}')}-{digest}.safetensors"
    return folder(world) / name


def folder(world: World) -> Path:
    """Folder of a suite's zero-shot classifiers."""
    return world.settings.cache / "texts" / world.suite.name


def load(text: Text, world: World) -> tuple[Tensor, float]:
    """Load the L2-normalised classifier [C, D], on the CPU, and the model's logit scale; encode it if it is not on disk."""
    where = path(text, world)
    while _unusable(where, world) and (taken := fill(text, world)):
        waiting.pause([(text.label(world.suite), taken)])
    return _read(where, stamp(where))


def fill(text: Text, world: World) -> Taken | None:
    """Encode the texts of a classifier and write its file, unless another process does.

    Args:
        text: The classifier.
        world: Suite on this machine.

    Returns:
        The other process; None where the file is there. BenchError without a text tower, or for unusable values.
    """
    where = path(text, world)
    with leases.leased([where], "BENCH_CACHE") as granted:
        if granted.files and _unusable(where, world):  # a damaged file is named
            _make(text, world)
        return granted.taken


def _unusable(where: Path, world: World) -> bool:
    """Whether a file is missing, or damaged and was named."""
    return bool(checked.unusable({where: _form}, world.settings.cache))


def _make(text: Text, world: World) -> None:
    encoder = world.encoder(text.backbone)
    tower = _tower(encoder)
    made = getattr(tower, MAKERS[text.of])(*_texts(text, world))
    finite.check_text(encoder, world.dataset(text.dataset).classnames, made, tower.logit_scale, world)
    shard_files.write(path(text, world), made.float().cpu(), {SCALE: repr(tower.logit_scale)})


def check(runs: Iterable[Run], world: World) -> None:
    """Check that backbones whose texts are to be encoded have a text tower; one whose loader does not say it is loaded.

    Args:
        runs: runs to be measured.
        world: suite on this machine.
    """
    for role in dict.fromkeys(text.backbone for text in needed(runs, world)):
        if text_tower(world.suite, role) is None:
            _tower(world.encoder(role))


def _tower(encoder: Encoder) -> Texts:
    """The text tower of an encoder; BenchError if it has none."""
    if encoder.text is None:
        raise BenchError(f"{encoder.role} has no text tower, so it cannot be a backbone; name a CLIP")
    return encoder.text


def _form(notes: Mapping[str, str], shape: Sequence[int]) -> str:
    """Words on a file of an earlier version that has no logit scale, or is no matrix; "" for others."""
    try:
        return "" if isfinite(float(notes[SCALE])) and len(shape) == 2 else "it is no classifier with a logit scale"
    except (KeyError, ValueError):
        return f"it has no {SCALE}"


@lru_cache(maxsize=32)
def _read(where: Path, _: tuple[int, ...]) -> tuple[Tensor, float]:
    return shard_files.read(where).clone(), float(shard_files.about(where)[SCALE])


def _texts(text: Text, world: World) -> Sequence[Any]:
    """Input of the text tower: class names and templates, or the sentences of each class."""
    dataset: Any = world.dataset(text.dataset)
    if text.of == "sentences":
        return [dataset.sentences()]
    return [list(dataset.classnames), list(dataset.templates)]
