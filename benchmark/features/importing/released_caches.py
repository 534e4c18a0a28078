"""Reading of features that official code of other methods has saved.

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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.core import array_files
from benchmark.core.archives import shown
from benchmark.core.errors import BenchError, Incomplete
from benchmark.encoders.published import containers
from benchmark.features.importing import arrays, checks, draws
from benchmark.features.importing.arrays import Labels
from benchmark.features.importing.given import Given, Part, Place

# --- kinds of files


@dataclass(frozen=True)
class Form:
    """A kind of file that released code saves.

    Attributes:
        code: Whose code saves it.
        pattern: Pattern of its name, with groups for part, shots and space where the name has them.
        labels: Text in its name, and the text in its place in the name of the file of labels.
        columns: Whether features are the columns of its matrix.
    """

    code: str
    pattern: str
    labels: tuple[str, str]
    columns: bool = False

    def place(self, name: str) -> Place | None:
        """The place of the features in a file of this name; None for another kind of file."""
        found = re.fullmatch(self.pattern, name)
        if not found:
            return None
        said = found.groupdict()
        return Place(said.get("part", "support"), int(said.get("shots", 0)), said.get("space", "clip"))


FORMS = (
    Form("Tip-Adapter", r"keys_(?P<shots>\d+)shots\.pt", ("keys_", "values_"), columns=True),
    Form("CaFo", r"(?P<space>clip|dino)_keys_(?P<shots>\d+)shots\.pt", ("keys_", "values_"), columns=True),
    Form("AMU-Tuning", r"(?P<space>aux)_feature_(?P<shots>\d+)shots\.pt", ("feature", "labels")),
    Form("Tip-Adapter", r"(?P<part>val|test)_f\.pt", ("_f.", "_l.")),
    Form("CaFo", r"(?P<part>val|test)_(?P<space>clip|dino)_f\.pt", ("_f.", "_l.")),
    Form("AMU-Tuning", r"(?P<space>clip|aux)_(?P<part>val|test)_f\.pt", ("_f.", "_l.")),
)

MEANS = "an image of a support set has one feature, the mean of augmented passes, and methods train on that alone"
"""Note on support sets: released code saves the mean over views, but trains on views that it does not save."""

LABELS = re.compile(r"(.*_)?(values_\d+shots|aux_labels_\d+shots|l)\.pt")
ARRAY = re.compile(r"(test|val|support(\d+))_(\w+)")
OTHERS: dict[str, Callable[[object, str], Any]] = {
    "text": lambda value, what: arrays.features(value, what, 2),
    "logit_scale": arrays.scale,
    "classnames": arrays.names,
}
"""Arrays of an archive besides features and labels, and how they are read."""

SHOWN = 20
"""Largest number of names that a line lists."""

SUFFIXES = (".pt", ".npz")
"""Endings of the files in a folder that are looked at."""


def read(sources: Sequence[Path], text: Path | None = None, logit_scale: float | None = None) -> Given:
    """Read and check all features in files and folders.

    A file with a fault raises BenchError, which names the file and the problem with it.

    Args:
        sources: Files and folders.
        text: File of the zero-shot classifier, in place of those in the sources.
        logit_scale: Factor of the zero-shot logits, in place of the files'.

    Returns:
        The features, with notes and what was left out.

    Raises:
        Incomplete: If there are no features that are known.
    """
    given = Given()
    for file in _files(sources):
        _add_archive(given, file) if file.suffix == ".npz" else _add_published(given, file)
    if not given.parts:
        named = ", ".join(map(str, sources))
        raise Incomplete(
            f"{named}: no features that are known{_deeper(sources)}; bench features import --help says which files are"
        )
    if text is not None:
        _take_text(given, text)
    checks.settle(given, logit_scale)
    return given


def _files(sources: Sequence[Path]) -> Iterator[Path]:
    for source in sources:
        if source.is_dir():
            yield from sorted(path for path in source.iterdir() if path.suffix in SUFFIXES)
        elif source.is_file():
            yield source
        else:
            raise BenchError(f"{source}: no such file or folder")


def _deeper(sources: Sequence[Path]) -> str:
    """Words on the folders in the sources that have files to look at; "" if there are none."""
    folders = [
        folder for source in sources if source.is_dir() for folder in sorted(source.iterdir()) if folder.is_dir()
    ]
    named = [str(folder) for folder in folders if any(path.suffix in SUFFIXES for path in folder.iterdir())]
    return f" in it, but its folders have such files: name one of {', '.join(named)}" if named else ""


def _add_published(given: Given, file: Path) -> None:
    for form in FORMS:
        if place := form.place(file.name):
            labels = file.with_name(file.name.replace(*form.labels))
            if not labels.is_file():
                raise Incomplete(f"{file}: its labels are missing, {labels.name}; copy it there from where this came")
            found = arrays.features(_tensor(file), f"{file}: its tensor", 2)
            features = (found.T if form.columns else found)[None]
            origin = f"{form.code} in {file.parent}"
            _put(given, place, features, arrays.labels(_tensor(labels), str(labels)), file, origin)
            if place.part == "support" and MEANS not in given.notes:
                given.notes.append(MEANS)
            return
    if not LABELS.fullmatch(file.name):
        given.left_out.append(f"{file}: no features that are known by this name")


def _add_archive(given: Given, file: Path) -> None:
    found = _arrays(file, given)
    _add_others(given, found, str(file))
    for name, array in found.items():
        place = _place(name)
        if place is None:
            continue
        labels = f"{name.removesuffix(f'_{place.space}')}_labels"
        if labels not in found:
            raise BenchError(f"{file}: has {name} and no {labels}")
        features = arrays.features(array, f"{file}: {name}", *((2, 3) if place.part == "support" else (2,)))
        told = arrays.labels(found[labels], f"{file}: {labels}")
        _put(given, place, features if features.ndim == 3 else features[None], told, file, str(file))


def _place(name: str) -> Place | None:
    """The place of features in an array of this name; None for an array of something else."""
    found = ARRAY.fullmatch(name)
    if not found or found[3] == "labels":
        return None
    return Place("support" if found[2] else found[1], int(found[2] or 0), found[3])


def _add_others(given: Given, found: dict[str, Any], file: str) -> None:
    """Take the classifier, the logit scale and the class names of an archive; BenchError where another had other ones."""
    for name, reader in OTHERS.items():
        if name not in found:
            continue
        value = reader(found[name], f"{file}: {name}")
        if name in given.origin and not _equal(getattr(given, name), value):
            raise BenchError(f"{given.origin[name]} and {file}: their arrays {name} differ; import one of the two")
        setattr(given, name, value)
        given.origin[name] = file


def _equal(one: object, other: object) -> bool:
    return torch.equal(one, other) if isinstance(one, Tensor) and isinstance(other, Tensor) else one == other


def _put(given: Given, place: Place, features: Tensor, labels: Labels, file: Path, origin: str) -> None:
    indices, classes, what = labels
    fits = indices.ndim == 1 and len(indices) == features.shape[1] and indices.dtype == torch.int64
    if not fits or int(indices.min()) < 0:
        shapes = f"{features.shape[1]} features, labels {arrays.described(indices)}" + (" below 0" if fits else "")
        raise BenchError(
            f"{file}: {place.words} and their labels do not fit ({shapes}); one class, from 0, a feature is needed in {what}"
        )
    part = Part(features, indices, file, classes, frozenset([origin]))
    if place in given.parts:
        draws.join(given.parts[place], part, place)
        given.left_out.append(f"{file}: {place.words} are in {given.parts[place].file} already")
        return
    given.parts[place] = part


# --- content of the files


def _tensor(file: Path) -> Tensor:
    """The only tensor of a .pt file, without executing code in the file."""
    _, content = containers.load(file)
    if not isinstance(content, Tensor):
        raise BenchError(f"{file}: holds a {type(content).__name__}, not a tensor; save the tensor alone")
    return content


def _arrays(file: Path, given: Given | None = None) -> dict[str, Any]:
    """The arrays of an .npz file that have a known name, which alone are loaded; others are noted as left out."""
    try:
        found, unknown = array_files.read_npz(file, lambda name: name in OTHERS or bool(ARRAY.fullmatch(name)))
    except (OSError, ValueError) as error:
        raise BenchError(f"{file}: cannot be read as .npz of plain arrays ({_line(error)})") from error
    if unknown and given is not None:
        given.left_out.append(f"{file}: arrays of no known name: {_listed(unknown)}")
    return found


def _listed(names: Sequence[str]) -> str:
    """The first `SHOWN` names, each as it can be printed, and the number of the others."""
    more = [f"and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return ", ".join([*map(shown, names[:SHOWN]), *more])


def _line(error: OSError | ValueError) -> str:
    """The first sentence of an error, in one line."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(said.partition(". ")[0].split()) or type(error).__name__


def _take_text(given: Given, file: Path) -> None:
    """Take the zero-shot classifier, in its own orientation, from a .pt, .npy or .npz file, with the scale of an .npz."""
    if "text" in given.origin:
        given.left_out.append(f"{given.origin.pop('text')}: text, as --text is given")
    if file.suffix != ".npz":
        content = _array(file) if file.suffix == ".npy" else _tensor(file)
        given.text, given.origin["text"] = arrays.features(content, f"{file}: its array", 2), str(file)
        return
    found = _arrays(file)
    if "text" not in found:
        raise BenchError(f"{file}: has no array text; it has {', '.join(found) or 'none that is known'}")
    if "logit_scale" in found:
        given.origin.pop("logit_scale", None)
    _add_others(given, {name: found[name] for name in ("text", "logit_scale") if name in found}, str(file))


def _array(file: Path) -> Any:
    try:
        return array_files.read(file)
    except (OSError, ValueError) as error:
        raise BenchError(f"{file}: cannot be read as a plain array ({_line(error)})") from error
