"""Images of a generator (DALL-E) and sentences of a language model (GPT-3) that CaFo publishes for a data set.

The images are in dalle_<folder>/ of the data root, as CaFo's loaders name it, with a list in the format of CoOp's split
files. The sentences are in gpt_file/<name>_prompt.json, {class name with blanks for underscores: [sentence, ...]}.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmark.core import contents
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.files import read_json
from benchmark.core.resizing import USUAL, Resizing
from benchmark.core.settings import Settings
from benchmark.data.published import decoding, listing, sampling, splits
from benchmark.data.published.listing import Listing
from benchmark.data.published.sets import HOW, PublishedSet
from benchmark.data.published.stored import Stored
from benchmark.methods.crops import SCALE, Crops

PAGE = "https://github.com/OpenGVLab/CaFo"


@dataclass(frozen=True)
class Generated:
    """Generated images, class by class, decoded on demand."""

    listed: Listing
    cache: Path

    def content(self, ids: np.ndarray) -> str:
        """Hash of the bytes of the files of images."""
        return contents.digest(self.listed.hashes(self.cache, ids))

    def __getitem__(self, ids: np.ndarray) -> np.ndarray:
        """Pixels as tested, uint8 [N, 224, 224, 3]."""
        return self.views(ids, 1, 0)[0].permute(0, 2, 3, 1).numpy()

    def views(
        self,
        ids: np.ndarray,
        views: int,
        seed: int,
        scales: Sequence[Crops] = (SCALE,),
        resizing: Resizing = USUAL,
    ) -> Tensor:
        """Views of images, uint8 [V', N, 3, H, W]: view 0 as tested, then crops of the full-size images."""
        return torch.from_numpy(decoding.stacked(self.stored(ids), ids.tolist(), views, seed, scales, resizing))

    def stored(self, ids: np.ndarray) -> list[Stored]:
        """Where the bytes of images are."""
        return [self.listed.stored(i) for i in ids.tolist()]


def generated_list(known: PublishedSet, classes: int, settings: Settings) -> Listing:
    """All generated images of a data set; raises Incomplete if there are none, BenchError for a list of other classes."""
    folder = generated_folder(known, settings)
    file = folder.parent / known.generated_list
    if not file.is_file():
        raise Incomplete(f"generated images of {known.key}: {file}: no such file; CaFo publishes it: {PAGE}")
    listed = splits.zhou(file, folder).train
    without = sorted(set(range(classes)) - set(listed.labels.tolist()))
    if without or listed.labels.max() >= classes:
        what = f"none of class {without[0]}" if without else f"some of class {listed.labels.max()}"
        raise BenchError(
            f"{file}: has {what}; {known.title} has {classes} classes, take the list that CaFo publishes: {PAGE}"
        )
    return listed


def first_of_each(listed: Listing, per_class: int) -> Listing:
    """The first images of each class of a list.

    CaFo draws the images at random instead, by Python's `random` in the state after the draw of the support set.

    Args:
        listed: generated images.
        per_class: images a class.

    Returns:
        The images, class by class.

    Raises:
        Incomplete: if a class has fewer images.
    """
    groups = sampling.by_class(listed.labels)
    chosen = np.concatenate([groups[label][:per_class] for label in sorted(groups)])
    short = next((label for label in sorted(groups) if len(groups[label]) < per_class), None)
    if short is not None:
        has = len(groups[short])
        raise Incomplete(
            f"{listed.root}: class {short} has {has} generated images, the suite wants {per_class}; generate more"
        )
    return listing.Listing(listed.root, listed.names[chosen], listed.labels[chosen])


def generated_folder(known: PublishedSet, settings: Settings) -> Path:
    """Folder of the generated images, in `generated` of [data] paths or the data root; raises Incomplete without either."""
    root = settings.data_paths.get("generated") or settings.data_root
    if root is None:
        raise Incomplete(f"generated images of {known.key} are missing: {HOW}; CaFo publishes them: {PAGE}")
    return root / known.generated


def prompts(known: PublishedSet, settings: Settings) -> Path:
    """CaFo's file of sentences, in `gpt_file` of [data] paths or of the data root; raises Incomplete if it is missing."""
    root = settings.data_root
    folder = settings.data_paths.get("gpt_file") or (root / "gpt_file" if root else None)
    if folder is None:
        raise Incomplete(f"sentences for {known.key} are missing: {HOW}; CaFo publishes them: {PAGE}")
    if not (folder / known.prompts).is_file():
        raise Incomplete(
            f"sentences for {known.key}: {folder / known.prompts}: no such file; CaFo publishes it: {PAGE}"
        )
    return folder / known.prompts


def sentences(known: PublishedSet, classnames: Sequence[str], settings: Settings) -> list[list[str]]:
    """The sentences of the language model, one list a class; raises BenchError for a class without sentences."""
    file = prompts(known, settings)
    said = read_json(file, f"take CaFo's file: {PAGE}")
    if not isinstance(said, dict):
        raise BenchError(f"{file}: is no table of class names; take CaFo's file: {PAGE}")
    return [_of_class(file, said, name.replace("_", " ")) for name in classnames]


def _of_class(file: Path, said: dict[str, object], name: str) -> list[str]:
    written = said.get(name)
    if not written:
        raise BenchError(f"{file}: has no sentences for class {name!r}; add a list of them under this name")
    if not isinstance(written, list) or not all(isinstance(sentence, str) for sentence in written):
        raise BenchError(f"{file}: what it has for class {name!r} is no list of texts")
    return written
