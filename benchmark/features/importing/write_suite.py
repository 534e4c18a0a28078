"""Writing of imported features to one file, and of a suite in which exhibits can be run on them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
from torch import Tensor

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.files import read_lines, written_whole
from benchmark.core.settings import Settings
from benchmark.data.imported import FORM
from benchmark.data.published import imagenet
from benchmark.data.published.sets import SETS
from benchmark.encoders.published import containers, slots
from benchmark.features.importing.given import Given
from benchmark.suites.suite import NAME
from benchmark.suites.suite import names as suite_names

SLOTS = {"RN50": "clip_rn50", "RN101": "clip_rn101", "ViT-B/32": "clip_vitb32", "ViT-B/16": "clip_vitb16"}
"""Role of CLIP -> weights slot whose text tower encodes the classifier if none was imported."""

TEMPLATES = ("a photo of a {}.",)

OUT = "imported"
"""Default folder of the features and the suite."""


@dataclass(frozen=True)
class Told:
    """Options of the import, for facts that the files do not contain.

    Attributes:
        dataset: Name of the data set, and of the files.
        roles: Feature space -> role of its encoder; any other space is its own role.
        seed: Seed of the support set.
        classnames: Names of the classes, [C].
        templates: Prompt templates; () for the data set's own.
    """

    dataset: str
    roles: Mapping[str, str]
    seed: int
    classnames: Sequence[str]
    templates: Sequence[str]

    def role(self, space: str) -> str:
        """Role of the encoder of a feature space."""
        return self.roles.get(space, space)


def classnames(given: Given, dataset: str, file: Path | None) -> list[str]:
    """Determine the class names.

    They are the lines of `file`, else the imported names, else ImageNet's for the data set "imagenet", else numbers if there
    is an imported classifier.

    Args:
        given: Imported features.
        dataset: Name of the data set.
        file: Text file with one name a line; None for no file.

    Returns:
        Names of all classes, in order.

    Raises:
        BenchError: The file cannot be read, or the number of names is not that of the classes.
        Incomplete: Names are needed and none are known.
    """
    if file is not None:
        names = read_lines(file, kind="a name a line")
    elif given.classnames is not None:
        names = given.classnames
    elif dataset == "imagenet":
        names = list(imagenet.classnames())
    elif given.text is not None:
        names = [f"class {c}" for c in range(given.classes)]
    else:
        raise Incomplete(f"the classes of {dataset} have no names: --classnames FILE, a name a line in their order")
    if len(names) != given.classes:
        raise BenchError(f"{file or dataset}: {len(names)} class names for {given.classes} classes")
    return names


def write(given: Given, told: Told, folder: Path, settings: Settings) -> tuple[Path, Path]:
    """Write the suite's TOML file and the file of features, and return both paths; BenchError for a reserved name."""
    if re.fullmatch(NAME, told.dataset) is None or told.dataset in suite_names():
        raise BenchError(
            f"--dataset {told.dataset!r}: records are kept by this name; letters, numbers and _, and no suite's"
        )
    text = _suite(given, told, folder, settings)
    suite, file = folder / f"{told.dataset}.toml", _file(told, folder)
    notes = {"form": FORM, "classnames": json.dumps(list(told.classnames)), "logit_scale": repr(given.logit_scale)}
    with written_whole("--out", file, "--out") as stream:
        temporary = Path(stream.name)
        safetensors.torch.save_file(_tensors(given, told), temporary, notes)
        _sort_notes(temporary)
    with written_whole("--out", suite, "--out") as stream:
        stream.write(text.encode())
    return suite, file


def _sort_notes(file: Path) -> None:
    """Sort the notes in the header, which are written in no fixed order, so that equal features make equal files."""
    with file.open("r+b") as stream:
        size = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":")).encode().ljust(size)
        assert len(text) == size, "the notes are ASCII, and the order does not change their length"
        stream.seek(8)
        stream.write(text)


def suite_name(dataset: str, folder: Path) -> str:
    """Name of the suite, under which records are kept: of the data set, and of the folder unless it is the default one."""
    called = re.sub(r"[^\w.-]+", "-", folder.absolute().resolve().name).strip("-.")
    return dataset if called in ("", OUT) else f"{called}-{dataset}"


def _file(told: Told, folder: Path) -> Path:
    return folder.absolute() / f"{told.dataset}.safetensors"


def _tensors(given: Given, told: Told) -> dict[str, Tensor]:
    found = {"text": given.text.contiguous()} if given.text is not None else {}
    for place, part in given.parts.items():
        name = f"support.{place.shots}" if place.part == "support" else place.part
        found[f"{name}.{told.role(place.space)}"] = part.features.contiguous()
        found[f"{name}.labels"] = part.labels.contiguous()
    return found


def _suite(given: Given, told: Told, folder: Path, settings: Settings) -> str:
    """Text of the suite's TOML file, with one data set of imported features and their encoders."""
    known = SETS.get(told.dataset)
    test = next(part for place, part in given.parts.items() if place.part == "test")
    whole = known is not None and (known.test, known.classes) == (len(test.labels), given.classes)
    templates = told.templates or (known.prompt_templates if known else TEMPLATES)
    views = max(part.features.shape[0] for part in given.parts.values())
    note = "; ".join(["Features were imported, and nothing is known of how they were made", *given.notes])
    lines = [
        "# Written by bench features import. Paths, the title and what may be compared with the paper are yours to change.",
        f"name = {_toml(suite_name(told.dataset, folder))}       # of the folders of records and reports",
        f"title = {_toml(f'{told.dataset}: features that others made')}",
        f"note = {_toml(note + '.')}",
        f"comparable = {_toml(whole)}       # whether the paper's number may stand beside a measured one",
        f"published = {_toml(known is not None)}",
        f"seeds = [{told.seed}]",
        f"views = {views}",
        "batch_size = 64",
        "",
        f"[datasets.{_toml(told.dataset)}]",
        'reader = "benchmark.data.imported:Imported"',
        f"file = {_toml(str(_file(told, folder)))}",
        f"templates = {_toml(list(templates))}",
        f"shots = {_toml(given.shots)}",
        "images = false",
        *_backbone(given, told, folder, settings),
    ]
    for space in given.spaces:
        if space != "clip":
            lines += ["", f"[encoders.{_toml(told.role(space))}]", 'loader = "benchmark.encoders.imported:features"']
            lines += ["network = false", f"shots = {_toml(given.shots_of(space))}"]
    return "\n".join(lines) + "\n"


def _backbone(given: Given, told: Told, folder: Path, settings: Settings) -> list[str]:
    """Lines of CLIP's encoder, with the imported classifier or else the text tower of its published weights."""
    role = told.role("clip")
    lines = ["", f"[encoders.{_toml(role)}]"]
    if given.text is not None:
        file = _toml(str(_file(told, folder)))
        return [*lines, 'loader = "benchmark.encoders.imported:clip"', f"file = {file}", "network = false"]
    slot = SLOTS.get(role, "")
    weights = slots.find(slot, settings) if slot else None
    if weights is None:
        how = f"or its weights ({slot}) in --weights-dir" if slot else "for there are no weights of this name"
        raise Incomplete(f"there is no text classifier of {role}: give one with --text FILE or an array text, {how}")
    width = next(part.features.shape[2] for place, part in given.parts.items() if place.space == "clip")
    own = containers.read(weights).tensors["text_projection"].shape[1]
    if own != width:
        raise BenchError(
            f"features of CLIP are {width} wide, those of {role} ({weights}) {own}; say which with --backbone"
        )
    return [*lines, 'loader = "benchmark.encoders.published:clip"', f"slot = {_toml(slot)}"]


def _toml(value: object) -> str:
    """A value in TOML, which equals JSON for strings, numbers, lists and booleans."""
    return json.dumps(value, ensure_ascii=True)
