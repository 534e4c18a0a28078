"""Data sets of imported features without images, as `bench features import` writes them."""

import random
import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from safetensors import SafetensorError
from torch import Tensor

from benchmark.core import tensor_files
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.file_facts import FileFacts
from benchmark.core.files import parsed
from benchmark.core.paths import expanded
from benchmark.core.settings import Settings
from benchmark.data.dataset import VAL_SHOTS, Draw

FORM = "features imported by bench, 1"
"""Value of the key `form` in the header of the file."""


class Imported:
    """A data set from one file of features, written by `benchmark.features.importing.released_caches`.

    The file holds tensors "test.<role>" [1, N, D], "support.<k>.<role>" [V, k·C, D] and "val.<role>" [1, N, D], each with
    labels [N] under "<part>.labels". The support set of k shots is the imported one for every seed; min(k, 4) validation
    images a class are drawn by the seed. Ids of the split "train" count through the support sets in the order of shots, then
    through the validation images. A missing file raises Incomplete, an invalid one BenchError.
    """

    nested = False
    classnames: tuple[str, ...]

    def __init__(
        self, file: str, templates: Sequence[str] = ("a photo of a {}.",), *, settings: Settings | None = None
    ) -> None:
        self.file = expanded(file)
        self.templates = tuple(templates)
        self._facts = FileFacts((settings or Settings()).cache)
        self._labels = self._read()

    def _read(self) -> dict[str, np.ndarray]:
        try:
            with tensor_files.opened(self.file, "np") as opened:
                notes = opened.metadata() or {}
                names = [name for name in opened.keys() if name.endswith(".labels")]  # noqa: SIM118 - not a dict
                self.classnames = _names(notes["classnames"])
                classes = len(self.classnames)
                labels = {_part(name): _class_indices(opened.get_tensor(name), classes) for name in names}
            assert notes["form"] == FORM
            assert "test" in labels
        except FileNotFoundError as error:
            raise Incomplete(f"{self.file}: no such file; bench features import makes it") from error
        except (OSError, SafetensorError, KeyError, ValueError, TypeError, AssertionError) as error:
            raise BenchError(f"{self.file}: no features imported by bench ({error}); import them again") from error
        return labels

    @cached_property
    def fingerprint(self) -> str:
        """Identifier of the content: sha256 of the file."""
        return f"imported-{self._facts.hash(self.file)[:32]}"

    @property
    def shots(self) -> list[int]:
        """Numbers of shots with a support set, ascending."""
        return sorted(int(name.partition(".")[2]) for name in self._labels if name.startswith("support."))

    @cached_property
    def _train(self) -> dict[str, slice]:
        """Ranges of ids of the support sets and of the validation images in the split "train"."""
        found, begin = {}, 0
        for name in [*(f"support.{k}" for k in self.shots), *(["val"] if "val" in self._labels else [])]:
            found[name] = slice(begin, begin + len(self._labels[name]))
            begin = found[name].stop
        return found

    def ids(self, split: str) -> np.ndarray:
        """Image ids 0 … N-1 of a split, [N]."""
        return np.arange(
            len(self._labels["test"]) if split == "test" else sum(len(self._labels[n]) for n in self._train)
        )

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Class indices of images, int64 [N]."""
        if split == "test":
            return self._labels["test"][ids]
        return np.concatenate([self._labels[name] for name in self._train])[ids]

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        """Raise BenchError: the data set has no images."""
        raise BenchError(f"{self.file}: holds features, and no images that anything could be made of")

    def draw(self, shots: int, seed: int) -> Draw:
        """The imported support set of `shots` shots, and validation images drawn by the seed.

        Args:
            shots: support images a class.
            seed: seed of the draw of validation images.

        Returns:
            The draw, with a pool of its own.

        Raises:
            Incomplete: if there is no support set for this number of shots.
        """
        if shots not in self.shots:
            known = ", ".join(map(str, self.shots)) or "none"
            raise Incomplete(f"{self.file}: no support set of {shots} shots; there are {known}")
        where = self._train[f"support.{shots}"]
        pool, val = np.arange(where.start, where.stop), self._drawn(min(shots, VAL_SHOTS), seed)
        return Draw(pool, np.arange(len(pool)), val, np.arange(len(val)))

    def _drawn(self, per_class: int, seed: int) -> np.ndarray:
        if "val" not in self._labels:
            return np.arange(0)
        generator, labels = random.Random(seed), self._labels["val"]
        of_class = [np.flatnonzero(labels == c).tolist() for c in range(len(self.classnames))]
        drawn = [sorted(generator.sample(ids, min(per_class, len(ids)))) for ids in of_class]
        return self._train["val"].start + np.array([i for ids in drawn for i in ids], dtype=np.int64)

    def given(self, role: str, split: str, ids: np.ndarray) -> Tensor:
        """Features of images of one part in the space of the encoder `role`, [V, N, D], in the imported precision."""
        if split == "test" or not len(ids):
            return self._tensor(f"test.{role}")[:, _place(ids)]
        name = next(n for n, where in self._train.items() if where.start <= ids[0] < where.stop)
        return self._tensor(f"{name}.{role}")[:, _place(ids - self._train[name].start)]

    def _tensor(self, name: str) -> Tensor:
        part, _, role = name.rpartition(".")
        with tensor_files.opened(self.file) as opened:
            if name not in opened.keys():  # noqa: SIM118 - not a dict
                raise BenchError(f"{self.file}: no features of {role} for {part}; import them with the others")
            found: Tensor = opened.get_tensor(name)
        if found.ndim != 3 or found.shape[1] != len(self._labels[part]) or not found.is_floating_point():
            raise BenchError(f"{self.file}: features of {role} for {part} do not fit their labels; import them again")
        return found


def _names(note: str) -> tuple[str, ...]:
    """Class names of a note in JSON; ValueError for anything else."""
    names = parsed(note)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("its class names are no list of texts")
    return tuple(names)


def _part(name: str) -> str:
    """Part of the images whose labels a tensor holds; ValueError for a name that no part has."""
    part = name.removesuffix(".labels")
    if not re.fullmatch(r"test|val|support\.[0-9]{1,9}", part):
        raise ValueError(f"labels of no part {name!r}")
    return part


def _class_indices(labels: np.ndarray, classes: int) -> np.ndarray:
    """Labels [N] as int64; ValueError unless they are indices of classes."""
    if (
        labels.ndim != 1
        or labels.dtype.kind not in "iu"
        or (len(labels) and not 0 <= labels.min() <= labels.max() < classes)
    ):
        raise ValueError("its labels are no indices of its classes")
    return labels.astype(np.int64)


def _place(ids: np.ndarray) -> slice | np.ndarray:
    """Index of ids in a tensor: a slice for consecutive ids, which copies nothing."""
    begin = int(ids[0]) if len(ids) else 0
    return slice(begin, begin + len(ids)) if np.array_equal(ids, np.arange(begin, begin + len(ids))) else ids
