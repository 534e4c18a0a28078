"""A stand-in for a suite: 16 classes of coloured squares and encoders that are fixed random projections."""

import contextlib
import io
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import adaptive_avg_pool2d

from benchmark import cli
from benchmark.analysis.results import Measured
from benchmark.core import settings
from benchmark.core.digest import digest
from benchmark.core.errors import BenchError
from benchmark.data import views as crops
from benchmark.data.dataset import Draw, nested_draw
from benchmark.encoders.encoder import Encoder, Loaded
from benchmark.exhibits.exhibit import Exhibit
from benchmark.exhibits.run import PROTOCOL, Run
from benchmark.methods.contract.toy import WIDTH, toy_clip
from benchmark.records.record import SELECTIONS, Record, Selection
from benchmark.records.store import Store
from benchmark.suites import suite as suites
from benchmark.suites.suite import Suite
from benchmark.suites.world import World

FILE = Path(__file__).with_name("toy.toml")
CLASSES, SIZE, PER_CLASS = 16, 8, {"train": 22, "test": 10}


@dataclass(frozen=True)
class Squares:
    """Image `id` has class id mod 16: one colour a class, and noise that the split and the id decide."""

    fingerprint: str = "squares-1"
    classnames: tuple[str, ...] = field(default=tuple(f"colour{c}" for c in range(CLASSES)))
    templates: tuple[str, ...] = ("a photo of a {}.",)

    def ids(self, split: str) -> np.ndarray:
        return np.arange(CLASSES * PER_CLASS[split])

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        return np.asarray(ids, np.int64) % CLASSES

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        colours = np.random.default_rng(0).integers(60, 196, (CLASSES, 1, 1, 3))
        noise = [np.random.default_rng([split == "test", i]).normal(0, 25, (SIZE, SIZE, 3)) for i in ids]
        return (colours[self.labels(split, ids)] + np.stack(noise)).clip(0, 255).astype(np.uint8)

    def draw(self, shots: int, seed: int) -> Draw:
        ids = self.ids("train")
        return nested_draw(self.labels("train", ids), ids, shots, seed)


@dataclass(frozen=True)
class Anew(Squares):
    """The same, drawn anew for every number of shots, with names, and with views of its own making."""

    nested: bool = False

    def draw(self, shots: int, seed: int) -> Draw:
        whole = super().draw(shots, seed + 100 * shots)
        return Draw(whole.pool[whole.support], np.arange(len(whole.support)), whole.val_pool, whole.val)

    def listed(self, ids: np.ndarray) -> list[str]:
        return [f"square/{i}.png" for i in ids]

    def views(self, split: str, ids: np.ndarray, views: int, seed: int) -> torch.Tensor:
        images = torch.from_numpy(self.images(split, ids)).permute(0, 3, 1, 2)
        return torch.stack([images // (v + 1) for v in range(views)])


@dataclass(frozen=True)
class Torn(Squares):
    """The images of one split cannot be read."""

    split: str = "test"

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        if split == self.split:
            raise BenchError(f"{split}.png: torn")
        return super().images(split, ids)


@dataclass(frozen=True)
class Lopsided(Squares):
    """The last three classes have one test image less than the others."""

    fingerprint: str = "squares-lopsided"

    def ids(self, split: str) -> np.ndarray:
        return super().ids(split)[: -3 if split == "test" else None]


@dataclass(frozen=True)
class Few(Squares):
    """At most so many training and validation images of a class, and of class 0 so many."""

    most: int = 16
    of_first: int = 16
    val: int = 4
    val_of_first: int = 4

    def draw(self, shots: int, seed: int) -> Draw:
        whole = super().draw(shots, seed)
        support = self._few(whole.pool, whole.support, self.most, self.of_first)
        return replace(whole, support=support, val=self._few(whole.val_pool, whole.val, self.val, self.val_of_first))

    def _few(self, ids: np.ndarray, places: np.ndarray, most: int, of_first: int) -> np.ndarray:
        labels = self.labels("train", ids[places])
        kept = [places[labels == c][: of_first if c == 0 else most] for c in range(CLASSES)]
        return np.concatenate(kept)


@dataclass(frozen=True)
class Repeated(Few):
    """Images of small classes drawn again, as the released samplers do."""

    nested: bool = False

    def draw(self, shots: int, seed: int) -> Draw:
        whole = super().draw(shots, seed)
        ids = whole.pool[whole.support]
        labels = self.labels("train", ids)
        again = np.concatenate([np.resize(ids[labels == c], shots) for c in range(CLASSES)])
        return replace(whole, pool=again, support=np.arange(len(again)))


@dataclass(frozen=True)
class Album(Squares):
    """The same as photographs are: views of their own making, which threads ask for. `seen` notes every image looked at;
    `fatal` kills the process that looks at an image, as running out of memory does.
    """

    seen: ClassVar[list[int]] = []
    fatal: ClassVar[set[int]] = set()

    def views(self, split: str, ids: np.ndarray, views: int, seed: int) -> torch.Tensor:
        if self.fatal & set(ids.tolist()):
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen.extend(ids.tolist())
        return crops.all_of(self.images(split, ids), ids, 1, seed).repeat(views, 1, 1, 1, 1)


def projection(role: str, width: int = 12, fingerprint: str = "") -> Encoder:
    """Pixels times a fixed random matrix; `role` seeds it."""
    return Encoder(role, fingerprint or f"projection-{role}", lambda: Loaded(_project(role, width)))


def clip(role: str) -> Encoder:
    """The same, with the text tower of a tiny random CLIP."""
    return Encoder(role, f"clip-{role}", lambda: Loaded(_project(role, WIDTH), toy_clip()))


def pooled(role: str, clip: bool = False) -> Encoder:
    """The same for photographs, which are averaged down to the size of the squares."""

    def load() -> Loaded:
        encode = _project(role, WIDTH if clip else 12)
        return Loaded(lambda images: encode(adaptive_avg_pool2d(images.float(), SIZE)), toy_clip() if clip else None)

    return Encoder(role, f"pooled-{role}", load)


def _project(role: str, width: int) -> Any:
    generator = torch.Generator().manual_seed(sum(role.encode()))
    matrix = torch.randn(3 * SIZE * SIZE, width, generator=generator)
    return lambda images: (images.flatten(1).float() / 255 - 0.5) @ matrix


def toy(**changes: Any) -> Suite:
    """The toy suite, or one that differs in what is named."""
    return Suite(**{**suites.load(str(FILE), trusted=["toy_world"]).__dict__, **changes})


def here(suite: Suite) -> World:
    """The suite on this machine with the settings of the environment; kept, so that it opens each data set once."""
    place = repr(suite), repr(settings.read())
    return WORLDS.setdefault(place, World(suite, settings.read()))


WORLDS: dict[tuple[str, str], World] = {}


def table(rows: list[dict[str, Any]] | None = None, **changes: Any) -> Exhibit:
    """A table of two rows and two columns; the paper has 50 and 60 for "One", 70 and 80 for "Two" (see `paper`)."""
    tip, zero = "baselines.tip_adapter:TipAdapter", "baselines.zero_shot:ZeroShotCLIP"
    said = {
        "id": "table0",
        "title": "Table 0: a test",
        "caption": "Accuracy.",
        "paper": "Nobody, 2024",
        "metric": "accuracy",
        "reference": "table0.csv",
        "fixed": {"dataset": "imagenet", "backbone": "RN50"},
        "mark": {"kind": "line", "x": "shots", "x_label": "shots per class", "y_label": "top-1 accuracy (%)"},
        "columns": [{"name": f"{k}-shot", "shots": k, "cite": {"shots": k}} for k in (1, 2)],
        "rows": rows
        or [
            {"name": "One", "method": zero, "cite": {"method": "One"}},
            {"name": "Two", "method": tip, "cite": {"method": "Two"}},
            {"name": "Three", "cite": {"method": "Three"}, "missing": "no code"},
        ],
    }
    return Exhibit(**{**said, **changes})


def paper(folder: Path, images: int = 0) -> Path:
    """Write the reference numbers of `table` under `folder`, to be put in the place of benchmark.core.paths.reference.

    Args:
        folder: A new folder.
        images: Published number of test images of "imagenet"; 0 for a data set of no known size.

    Returns:
        The folder.
    """
    lines = ["method,shots,accuracy", "One,1,50.25", "One,2,60.25", "Two,1,70.25", "Two,2,80.25", "Three,1,90.25"]
    (folder / "paper").mkdir(parents=True)
    (folder / "paper" / "table0.csv").write_text("\n".join(lines) + "\n")
    if images:
        (folder / "paper" / "datasets.csv").write_text(f"dataset,n_test\nImageNet,{images}\n")
    return folder


def some_run(**changes: Any) -> Run:
    """A run of Tip-Adapter in the toy suite."""
    said = {
        "suite": "toy",
        "dataset": "imagenet",
        "backbone": "RN50",
        "method": "baselines.tip_adapter:TipAdapter",
        "shots": 1,
        "seed": 1,
        "views": 2,
        "settings": {"beta": 1.0, "sharpness": 5.5},
    }
    return Run(**{**said, **changes})


def by_selection(correct: Sequence[int]) -> dict[str, int]:
    """Counts last, val, test -> the count of each selection; a code that chooses on test makes `released`."""
    last, val, test = correct
    return {name: {"last": last, "val": val}.get(name, test) for name in SELECTIONS}


def record_of(asked: Mapping[str, Any], correct: tuple[int, int, int] = (4, 5, 6), n: int = 10) -> Record:
    """A record as `measure` makes it; `correct` counts last, val, test, the last of which `released` shares."""
    return Record(
        key=digest(asked),
        asked=dict(asked),
        n=n,
        n_val=16,
        selections={s: Selection(c, 1, {}) for s, c in by_selection(correct).items()},
        curves={"val": [5], "test": [5]},
        parameters=0,
        fingerprints={"data": "squares-1", "RN50": "clip-RN50"},
        seconds={"load": 0.5, "fit": 1.5, "total": 2.0},
        peak_memory_mib=100,
        measured="2024-01-01T00:00:00+00:00",
        conditions={"cpu": "an abacus", "versions": {"torch": "2"}},
    )


def edited(record: Record, **changes: Any) -> Record:
    """The record with other parts, in the form that its JSON has them."""
    return Record.from_json({**record.to_json(), **changes})


def change(record: Record, **changes: Any) -> None:
    """Plant other parts into a record that somebody holds already, in the form that its JSON has them."""
    for name, value in vars(edited(record, **changes)).items():
        object.__setattr__(record, name, value)


def numbered(number: int, correct: tuple[int, int, int] = (4, 5, 6), n: int = 10) -> Record:
    """A valid record of some question; another number is another question."""
    return record_of({"protocol": PROTOCOL, "method": "m:M", "shots": 1, "seed": number}, correct, n)


def bits_of(record: Record) -> dict[str, np.ndarray]:
    """Per-image correctness that agrees with a record: the first images are right."""
    return {name: np.arange(record.n) < selection.correct for name, selection in record.selections.items()}


def put(store: Store, number: int, correct: tuple[int, int, int] = (4, 5, 6)) -> str:
    """Put `numbered` into a store with its answers, and return its key."""
    record = numbered(number, correct)
    store.put(record, bits_of(record))
    return record.key


def planted(
    shown: Exhibit, suite: Suite, counts: Mapping[tuple[str, str], list[tuple[int, int, int]]], n: int = 100
) -> dict[str, Record]:
    """Records for cells of an exhibit: (row, column) -> (last, val, test) of seed 1, seed 2, …"""
    records = {}
    for cell in shown.cells():
        for seed, correct in enumerate(counts.get((cell.row, cell.column), []), 1):
            record = record_of(cell.runs(suite, [seed])[0].asked(), correct, n)
            records[record.key] = record
    return records


def undrawn(measured: Measured, path: Path, titled: bool = True) -> None:
    """Stand-in for `figures.draw.draw` where pictures do not matter: a white PNG of four pixels."""
    Image.new("RGB", (2, 2), "white").save(path, "PNG")


def bench(*arguments: object) -> tuple[int, str, str]:
    """Call `bench` in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["bench", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
    return code, out.getvalue(), err.getvalue()
