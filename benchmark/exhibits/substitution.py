"""Substitution of the data set, the auxiliary encoder or the backbone of an exhibit (bench run --dataset, --aux, --backbone).

The title of the changed exhibit names the substitutes, its files have a name of their own, and the paper's numbers are left
out. Besides the roles of the suite there are `folder:PATH`, a folder of images, and the encoders of
`benchmark.exhibits.encoder_roles`, such as `timm:NAME` and `open_clip:ARCH/TAG`.

A folder's role is named by its content, as in `folder:birds-1a2b3c4d`: the folder's name and a hash of its files, classes and
templates. Its records are therefore found again after the folder was moved, but not after its content has changed.
"""

import hashlib
import inspect
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmark.core.digest import Json, JsonDict
from benchmark.core.errors import BenchError
from benchmark.core.names import for_file, meant, spelt_alike
from benchmark.core.paths import expanded
from benchmark.core.settings import Settings
from benchmark.exhibits import encoder_roles
from benchmark.exhibits.exhibit import Cell, Exhibit
from benchmark.methods.construct import predictor_class
from benchmark.suites.suite import PHOTOGRAPHS, Suite
from benchmark.suites.world import World

FOLDER = "folder:"
OWN_SEEDS = tuple(range(1, 11))
"""Seeds of methods on own images that read features alone, where a training takes seconds."""


@dataclass(frozen=True)
class Instead:
    """Roles that replace those of an exhibit; None for no replacement."""

    dataset: str | None = None
    aux: str | None = None
    backbone: str | None = None

    @property
    def roles(self) -> dict[str, str]:
        """Option -> new role, without those that stay."""
        return {name: role for name, role in vars(self).items() if role}

    def words(self, suite: Suite) -> str:
        """Text for a title: "on digits (scikit-learn), aux timm:resnet18"; "" without replacement."""
        said = (("on", self._data(suite)), ("aux", self.aux), ("backbone", self.backbone))
        return ", ".join(f"{word} {name}" for word, name in said if name)

    def slug(self, suite: Suite) -> str:
        """The replacements for the name of a file: "digits-scikit-learn-timm-resnet18"."""
        names = "-".join(filter(None, (self._data(suite), self.aux, self.backbone)))
        return for_file(re.sub(r"[^a-z0-9]+", "-", names.lower()).strip("-"), longest=100)

    def _data(self, suite: Suite) -> str | None:
        return suite.named(self.dataset) if self.dataset else None


# --- roles


def with_roles(
    suite: Suite,
    dataset: str | None,
    templates: Sequence[str],
    classnames: str | None,
    aux: str | None,
    backbone: str | None,
    settings: Settings,
) -> tuple[Suite, Instead]:
    """Add the requested roles to the suite, opening only a folder of images; BenchError if a role is unknown or unusable."""
    for option, given in (("--template", templates), ("--classnames", classnames)):
        if given and not (dataset or "").startswith(FOLDER):
            raise BenchError(f"{option} is of --dataset folder:PATH; the suite's data sets have their own")
    if dataset and dataset.startswith(FOLDER):
        suite, dataset = with_folder(suite, dataset, settings, templates, classnames or "")
    elif dataset:
        dataset = meant(dataset, suite.datasets, f"data set of suite {suite.name} (or folder:PATH)")
    suite, aux = _with_encoder(suite, aux, "encoder", settings)
    suite, backbone = _with_encoder(suite, backbone, "backbone", settings)
    return suite, Instead(dataset, aux, backbone)


def with_folder(
    suite: Suite, dataset: str, settings: Settings, templates: Sequence[str] = (), classnames: str = ""
) -> tuple[Suite, str]:
    """Add a folder of images to the suite.

    Args:
        suite: Suite of photographs.
        dataset: "folder:PATH".
        settings: Settings with the cache folder.
        templates: Prompt templates; empty for the default.
        classnames: File with the names of the classes; "" for the default.

    Returns:
        The suite, and the role of the folder in it.

    Raises:
        BenchError: if no folder is named, it is invalid, or the suite is not of photographs.
    """
    path = dataset.removeprefix(FOLDER)
    if not path:
        raise BenchError(f"--dataset {FOLDER} names no folder; write {FOLDER}PATH")
    _check_photographs(suite, dataset)
    spec: JsonDict = {
        "reader": "benchmark.data.published.folder:ImageFolder",
        "path": str(expanded(path).absolute()),
    }
    if templates:
        spec["template"] = list(templates)
    if classnames:
        spec["classnames"] = str(expanded(classnames).absolute())
    found = World(replace(suite, datasets={FOLDER: spec}), settings).dataset(FOLDER)
    content = "\n".join([found.fingerprint, *found.templates])
    role = f"{FOLDER}{expanded(path).resolve().name}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
    return replace(suite, datasets={**suite.datasets, role: spec}), role


def _with_encoder(suite: Suite, asked: str | None, what: str, settings: Settings) -> tuple[Suite, str | None]:
    """The suite with an encoder that was asked for, and its role there."""
    if asked is None:
        return suite, None
    if known := spelt_alike(asked, suite.encoders):
        encoder_roles.check(suite, known, what)
        return suite, known
    role, spec = encoder_roles.outside(suite, asked, what, settings)
    _check_photographs(suite, asked)
    return replace(suite, encoders={**suite.encoders, role: spec}), role


def _check_photographs(suite: Suite, what: str) -> None:
    if suite.pixels not in (0, PHOTOGRAPHS):
        raise BenchError(
            f"{what} goes with images of {PHOTOGRAPHS} pixels a side, those of suite {suite.name} have {suite.pixels};"
            " add --suite paper"
        )


# --- exhibits


def asked(exhibit: Exhibit, suite: Suite, instead: Instead) -> tuple[Exhibit, Suite]:
    """Replace roles in an exhibit.

    An exhibit that compares several data sets, encoders or backbones, or has none to replace, raises BenchError.

    Args:
        exhibit: Table or figure.
        suite: Suite with the new roles (`with_roles`).
        instead: New roles.

    Returns:
        The changed exhibit, and the suite in which its cells can be run.
    """
    for key, role in (("dataset", instead.dataset), ("backbone", instead.backbone)):
        if role:
            exhibit = _replaced(exhibit, key, role)
    if instead.aux:
        exhibit = _with_aux(exhibit, instead.aux)
    if any("target" in column for column in exhibit.columns):
        suite = _seeing_shifts(suite, [role for role in (instead.aux, instead.backbone) if role])
    words = instead.words(suite)
    question = f"{words}, which is no question of the paper's"
    on = suite.named(instead.dataset) if instead.dataset else "the source task"
    caption = exhibit.caption.replace("the source task", on)
    name, title = f"{exhibit.id}-{instead.slug(suite)}", f"{exhibit.title}, {words}"
    rows = [{key: said for key, said in row.items() if key != "log"} for row in exhibit.rows]
    turned = replace(exhibit, id=name, title=title, rows=rows, reference="")
    turned = replace(turned, paper=f"asked {question}", caption=f"Asked {question}. {caption}")
    return replace(turned, options=_options(exhibit, suite, instead)), suite


def own_seeds(cell: Cell, suite: Suite) -> Sequence[int] | None:
    """`OWN_SEEDS` for a cell on a folder of images whose method prompts no tower of CLIP; None for the suite's seeds."""
    if not str(cell.question.dataset or "").startswith(FOLDER) or cell.recorded:
        return None
    runs = cell.runs(suite, OWN_SEEDS)
    return OWN_SEEDS if runs and not runs[0].prompts else None


def _options(exhibit: Exhibit, suite: Suite, instead: Instead) -> str:
    """The options that ask an exhibit in other roles: "--table 4 --dataset folder:/data/birds"."""
    encoders = (("--aux", instead.aux), ("--backbone", instead.backbone))
    said = [("--dataset", instead.dataset), *((o, role and encoder_roles.typed(suite, role)) for o, role in encoders)]
    if instead.dataset and instead.dataset.startswith(FOLDER):
        spec = suite.datasets[instead.dataset]
        said[0] = ("--dataset", f"{FOLDER}{spec['path']}")
        said += [*(("--template", text) for text in spec.get("template", ())), ("--classnames", spec.get("classnames"))]
    words = [word for option, value in said if value for word in (option, value)]
    return f"{exhibit.asked} {shlex.join(words)}"


def _replaced(exhibit: Exhibit, key: str, role: str) -> Exhibit:
    """Replace the only data set or backbone that the exhibit names."""
    questions = [part.to_json() for cell in _run_cells(exhibit) for part in cell.parts()]
    named = dict.fromkeys(str(question[key]) for question in questions if key in question)
    if len(named) != 1:
        raise BenchError(
            f"{exhibit.id} compares {', '.join(named)}, so --{key} {role} cannot take the place of all; "
            "it takes that of an exhibit which names but one, such as table 4"
        )

    def changed(part: Json) -> JsonDict:
        return {**part, key: role} if key in part else dict(part)

    return _each_part(exhibit, changed)


def _with_aux(exhibit: Exhibit, aux: str) -> Exhibit:
    """Set the auxiliary encoder in rows whose methods have a parameter `aux` that the exhibit leaves at its default."""
    cells: dict[str, list[Cell]] = {}
    for cell in _run_cells(exhibit):
        cells.setdefault(cell.row, []).append(cell)
    rows = {name for name, found in cells.items() if all(map(_takes_aux, found))}
    if not rows:
        raise BenchError(f"{exhibit.id} has no row that takes another auxiliary encoder than the one it names")
    changed = [
        {**row, "with": {**row.get("with", {}), "aux": aux}} if row["name"] in rows else row for row in exhibit.rows
    ]
    return replace(exhibit, rows=changed)


def _takes_aux(cell: Cell) -> bool:
    assert cell.method is not None
    named = cell.question.arguments or {}
    return "aux" in inspect.signature(predictor_class(cell.method)).parameters and "aux" not in named


def _run_cells(exhibit: Exhibit) -> list[Cell]:
    """Cells of an exhibit that stand for runs."""
    return [cell for cell in exhibit.cells() if cell.method and not cell.empty]


def _each_part(exhibit: Exhibit, changed: Any) -> Exhibit:
    rows, columns, panels = (
        [changed(part) for part in parts] for parts in (exhibit.rows, exhibit.columns, exhibit.panels)
    )
    return replace(exhibit, rows=rows, columns=columns, panels=panels, fixed=changed(exhibit.fixed))


def _seeing_shifts(suite: Suite, roles: Sequence[str]) -> Suite:
    """The suite with these encoders added to the `shift_encoders` of its data sets."""
    datasets = {
        name: {**spec, "shift_encoders": list(dict.fromkeys([*spec["shift_encoders"], *roles]))}
        if "shift_encoders" in spec
        else spec
        for name, spec in suite.datasets.items()
    }
    return replace(suite, datasets=datasets)
