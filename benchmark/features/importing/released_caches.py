"""Reading and checking of features that official code of other methods has saved.

Tip-Adapter, CaFo and AMU-Tuning save features in caches/<data set>/. With these, methods that read only features run without
images. Content of the files by name:

| file | content |
|---|---|
| `keys_{k}shots.pt`, `clip_keys_`, `dino_keys_` | [D, k·C] L2-normalised features of the support set, means over views |
| `values_{k}shots.pt`, `clip_values_`, `dino_values_` | [k·C, C] one-hot labels of the support set |
| `aux_feature_{k}shots.pt`, `aux_labels_{k}shots.pt` | [k·C, D] L2-normalised, means over views; [k·C] labels |
| `{val,test}_f.pt`, `{val,test}_{clip,dino}_f.pt` | [N, D] L2-normalised features; `_l.pt` for `_f.pt`: [N] labels |
| `{clip,aux}_test_f.pt` | [N, D] features, not normalised; `_l.pt` for `_f.pt`: [N] labels |

Features of other origin are read from .npz files with arrays `test_<space>` [N, D] and `test_labels` [N], `val_<space>` and
`val_labels`, `support{k}_<space>` [k·C, D] or [V, k·C, D] for V views, and `support{k}_labels`. <space> is "clip", "aux" or
an encoder's role, such as "dino". A file may also contain `text` [C, D], the zero-shot classifier, `logit_scale`, and
`classnames` [C].
"""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark.core.errors import BenchError, Incomplete
from benchmark.encoders.published import containers

UNIT = 1e-2
"""Tolerance of the norm of L2-normalised features; half precision rounds by about a thousandth."""


class Place(NamedTuple):
    """Key of imported features: part ("test", "val", "support"), shots (0 unless a support set) and feature space."""

    part: str
    shots: int
    space: str

    @property
    def words(self) -> str:
        """Label for printing: "test features of clip", "support features of clip, 16 shots"."""
        return f"{self.part} features of {self.space}" + (f", {self.shots} shots" if self.shots else "")


@dataclass
class Part:
    """Features [V, N, D] and labels [N] of one part in one feature space, and the file they are from."""

    features: Tensor
    labels: Tensor
    file: Path


@dataclass
class Given:
    """Everything that was read from the files.

    Attributes:
        parts: Features and labels.
        text: Zero-shot classifier [C, D]; None if there is none.
        logit_scale: Factor of the zero-shot logits.
        classnames: Names of the classes; None if unknown.
        left_out: One line for everything that is not used, with the reason.
        notes: Remarks to print with results on these features.
    """

    parts: dict[Place, Part] = field(default_factory=dict)
    text: Tensor | None = None
    logit_scale: float = 100.0
    classnames: list[str] | None = None
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def spaces(self) -> list[str]:
        """Feature spaces with features, CLIP's first."""
        return sorted({place.space for place in self.parts}, key=lambda space: (space != "clip", space))

    @property
    def shots(self) -> list[int]:
        """Numbers of shots with a support set in some feature space, ascending."""
        return sorted({place.shots for place in self.parts if place.part == "support"})

    def shots_of(self, space: str) -> list[int]:
        """Numbers of shots with a support set in one feature space, ascending."""
        return [shots for shots in self.shots if Place("support", shots, space) in self.parts]

    @property
    def classes(self) -> int:
        """Number of classes, C."""
        return int(max(part.labels.max() for part in self.parts.values())) + 1


# --- kinds of files


class Form(NamedTuple):
    """A kind of saved file: pattern of its name, name of its file of labels, key of its features, and their orientation."""

    name: str
    labels: Callable[[str], str]
    place: Callable[[re.Match[str]], Place]
    columns: bool = False


FORMS = (
    Form(
        r"(?:(clip|dino)_)?keys_(\d+)shots\.pt",
        lambda name: name.replace("keys_", "values_"),
        lambda found: Place("support", int(found[2]), found[1] or "clip"),
        columns=True,
    ),
    Form(
        r"aux_feature_(\d+)shots\.pt",
        lambda name: name.replace("feature", "labels"),
        lambda found: Place("support", int(found[1]), "aux"),
    ),
    Form(
        r"(val|test)(?:_(clip|dino))?_f\.pt",
        lambda name: name.replace("_f.", "_l."),
        lambda found: Place(found[1], 0, found[2] or "clip"),
    ),
    Form(
        r"(clip|aux)_(val|test)_f\.pt",
        lambda name: name.replace("_f.", "_l."),
        lambda found: Place(found[2], 0, found[1]),
    ),
)

MEANS = "an image of a support set has one feature, the mean of augmented passes, and methods train on that alone"
"""Note on support sets: released code saves the mean over views, but trains on views that it does not save."""

LABELS = re.compile(r"(.*_)?(values_\d+shots|aux_labels_\d+shots|l)\.pt")
ARRAY = re.compile(r"(test|val|support(\d+))_(\w+)")


def read(sources: Sequence[Path], text: Path | None = None) -> Given:
    """Read and check all features in files and folders; BenchError names a file and the problem with it."""
    given = Given()
    for file in _files(sources):
        _add_archive(given, file) if file.suffix == ".npz" else _add_published(given, file)
    if not given.parts:
        named = ", ".join(map(str, sources))
        raise Incomplete(f"{named}: no features that are known; bench features import --help says which files are")
    if text is not None:
        given.text = _text(text)
    _check_agreement(given)
    _leave_out_unusable(given)
    _normalise_alike(given)
    return given


def _files(sources: Sequence[Path]) -> Iterator[Path]:
    for source in sources:
        if source.is_dir():
            yield from sorted(path for path in source.iterdir() if path.suffix in (".pt", ".npz"))
        elif source.is_file():
            yield source
        else:
            raise BenchError(f"{source}: no such file or folder")


def _add_published(given: Given, file: Path) -> None:
    for form in FORMS:
        if found := re.fullmatch(form.name, file.name):
            labels = file.with_name(form.labels(file.name))
            if not labels.is_file():
                raise Incomplete(f"{file}: its labels are missing, {labels.name}; copy it there from where this came")
            features, classes = _tensor(file, 2), _classes(labels)
            _put(given, form.place(found), (features.T if form.columns else features)[None], classes, file)
            if form.place(found).part == "support" and MEANS not in given.notes:
                given.notes.append(MEANS)
            return
    if not LABELS.fullmatch(file.name):
        given.left_out.append(f"{file}: no features that are known by this name")


def _add_archive(given: Given, file: Path) -> None:
    arrays = _arrays(file)
    if "text" in arrays:
        given.text = _floats(arrays["text"], "text", file, 2)
    if "logit_scale" in arrays:
        given.logit_scale = float(arrays["logit_scale"])
    if "classnames" in arrays:
        given.classnames = [str(name) for name in arrays["classnames"]]
    for name, array in arrays.items():
        found = ARRAY.fullmatch(name)
        if not found or found[3] == "labels":
            continue
        labels = f"{found[1]}_labels"
        if labels not in arrays:
            raise BenchError(f"{file}: has {name} and no {labels}")
        features = _floats(array, name, file, *((2, 3) if found[2] else (2,)))
        place = Place("support" if found[2] else found[1], int(found[2] or 0), found[3])
        _put(given, place, features if features.ndim == 3 else features[None], torch.from_numpy(arrays[labels]), file)


def _put(given: Given, place: Place, features: Tensor, labels: Tensor, file: Path) -> None:
    if place in given.parts:
        given.left_out.append(f"{file}: {place.words} are in {given.parts[place].file} already")
        return
    if labels.ndim != 1 or len(labels) != features.shape[1] or labels.is_floating_point() or int(labels.min()) < 0:
        shapes = f"{features.shape[1]} features, labels {list(labels.shape)} {labels.dtype}"
        raise BenchError(f"{file}: {place.words} and their labels do not fit ({shapes}); one class, from 0, a feature")
    given.parts[place] = Part(features, labels.long(), file)


# --- content of the files


def _tensor(file: Path, *dimensions: int) -> Tensor:
    """The only tensor of a .pt file, without executing code in the file."""
    _, content = containers.load(file)
    if not isinstance(content, Tensor):
        raise BenchError(f"{file}: holds a {type(content).__name__}, not a tensor")
    return _floats(content.detach().cpu(), "its tensor", file, *dimensions)


def _classes(file: Path) -> Tensor:
    """Class indices [N] in a .pt file, from integers [N] or one-hot labels [N, C]."""
    _, content = containers.load(file)
    if not isinstance(content, Tensor):
        raise BenchError(f"{file}: holds a {type(content).__name__}, not a tensor")
    labels = content.detach().cpu()
    if labels.ndim == 2:
        if not ((labels == 1).sum(1) == 1).all():
            raise BenchError(f"{file}: its rows are not one-hot")
        return labels.argmax(1)
    return labels


def _floats(values: Any, name: str, file: Path, *dimensions: int) -> Tensor:
    features = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
    if not isinstance(features, Tensor) or not features.is_floating_point() or features.ndim not in dimensions:
        shape = f"{list(features.shape)} {features.dtype}" if isinstance(features, Tensor) else type(values).__name__
        raise BenchError(
            f"{file}: {name} is {shape}; numbers in {' or '.join(map(str, dimensions))} dimensions are needed"
        )
    if not features.numel() or not features.isfinite().all():
        raise BenchError(f"{file}: {name} is empty, or holds values that are not finite")
    return features.float() if features.dtype == torch.float64 else features


def _arrays(file: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise BenchError(f"{file}: cannot be read as .npz of plain arrays ({error})") from error


def _text(file: Path) -> Tensor:
    """The zero-shot classifier in a .pt, .npy or .npz file, in its own orientation."""
    if file.suffix == ".npz":
        arrays = _arrays(file)
        if "text" not in arrays:
            raise BenchError(f"{file}: has no array text; it has {', '.join(arrays) or 'none'}")
        return _floats(arrays["text"], "text", file, 2)
    if file.suffix == ".npy":
        try:
            return _floats(np.load(file, allow_pickle=False), "its array", file, 2)
        except (OSError, EOFError, ValueError) as error:
            raise BenchError(f"{file}: cannot be read as a plain array ({error})") from error
    return _tensor(file, 2)


# --- consistency of all files


def _check_agreement(given: Given) -> None:
    """Check that a part has equal labels in every feature space, and a feature space equal width in every part."""
    for place, part in given.parts.items():
        first = next(p for p in given.parts if (p.part, p.shots) == (place.part, place.shots))
        other = given.parts[first]
        if not torch.equal(part.labels, other.labels):
            raise BenchError(f"{part.file} and {other.file} are not of the same images: their labels differ")
        wide = next(given.parts[p] for p in given.parts if p.space == place.space)
        if part.features.shape[2] != wide.features.shape[2]:
            widths = f"{part.features.shape[2]} and {wide.features.shape[2]}"
            raise BenchError(f"{part.file} and {wide.file} are not of one encoder: features of width {widths}")
        if place.part == "support" and not (part.labels.bincount(minlength=given.classes) == place.shots).all():
            held = f"{len(part.labels)} images"
            raise BenchError(f"{part.file}: {held} are not {place.shots} of each of {given.classes} classes")
    if given.text is not None:
        given.text = _with_class_rows(given.text, given)


def _with_class_rows(text: Tensor, given: Given) -> Tensor:
    """The classifier, L2-normalised, with classes as rows; released code has them as columns."""
    width = next((p.features.shape[2] for place, p in given.parts.items() if place.space == "clip"), 0)
    wanted = (given.classes, width)
    both = text.shape == wanted and text.shape == wanted[::-1]
    columns = both and bool(((text.float().norm(dim=0) - 1).abs() < UNIT).all())
    if tuple(text.shape) == wanted[::-1] and (not both or columns):
        text = text.T
    if tuple(text.shape) != wanted:
        shapes = " x ".join(map(str, text.shape))
        raise BenchError(f"the text classifier is {shapes}, {wanted[0]} classes x {wanted[1]} features are needed")
    return torch.nn.functional.normalize(text.float(), dim=-1)


def _leave_out_unusable(given: Given) -> None:
    """Leave out features that cannot be used because a method reads every one of its spaces in every part."""
    if Place("test", 0, "clip") not in given.parts:
        files = "test_f.pt, test_clip_f.pt, clip_test_f.pt or an array test_clip"
        raise Incomplete(f"there are no test features of CLIP, which every method reads: {files}")
    for space in given.spaces:
        if Place("test", 0, space) not in given.parts:
            _leave_out(given, f"there are no test features of {space}", lambda place, gone=space: place.space == gone)
    if not any(place.part == "support" and place.space == "clip" for place in given.parts):
        gone = "there is no support set of CLIP features, without which nothing but zero-shot CLIP is run"
        _leave_out(given, gone, lambda place: place.part == "support" or place.space != "clip")
    for space in given.spaces:
        if given.shots and not any(place.part == "support" and place.space == space for place in given.parts):
            _leave_out(
                given, f"there is no support set of {space} features", lambda place, gone=space: place.space == gone
            )
    clips = given.shots_of("clip")
    if more := [shots for shots in given.shots if shots not in clips]:
        words = f"of {', '.join(map(str, more))} shots there are no features of CLIP"
        _leave_out(given, words, lambda place: place.part == "support" and place.shots in more)
    lacking = [space for space in given.spaces if Place("val", 0, space) not in given.parts]
    if lacking:
        _leave_out(given, f"there are no validation features of {lacking[0]}", lambda place: place.part == "val")
        given.notes.append("without validation features `val` is the last epoch at a method's own settings")


def _leave_out(given: Given, why: str, gone: Callable[..., bool]) -> None:
    given.parts = {place: part for place, part in given.parts.items() if not gone(place)}
    given.left_out.append(why)


def _normalise_alike(given: Given) -> None:
    """L2-normalise every part of a feature space if one part is normalised, as methods train and test on different parts."""
    for space in given.spaces:
        parts = [part for place, part in given.parts.items() if place.space == space]
        unit = [bool(((part.features.float().norm(dim=-1) - 1).abs() < UNIT).all()) for part in parts]
        if not any(unit):
            continue
        if space == "clip":
            given.notes.append(
                "CLIP's features have length one, and what it was is lost, which LP-CLIP and CLIP-Adapter look at"
            )
        for part, is_unit in zip(parts, unit, strict=True):
            if not is_unit:
                part.features = torch.nn.functional.normalize(part.features.float(), dim=-1)
