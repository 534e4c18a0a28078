"""A stand-in for a whole suite: six classes of coloured tiles in every role of the paper, encoders that are projections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from toy_world import by_selection, edited, record_of

from benchmark.core.settings import Settings
from benchmark.data.dataset import Draw, nested_draw
from benchmark.encoders.encoder import Encoder, Loaded
from benchmark.exhibits.exhibit import Exhibit
from benchmark.exhibits.run import Run
from benchmark.methods.clip import Clip
from benchmark.methods.contract.toy import IMAGE, WIDTH, toy_clip
from benchmark.records.metrics import BETAS, BINS
from benchmark.records.record import SELECTIONS, Record
from benchmark.suites import suite as suites
from benchmark.suites.suite import Suite

FILE = Path(__file__).with_name("toy_house.toml")
CLASSES, PER_CLASS, PLACES = 6, {"train": 20, "test": 8}, 4


@dataclass(frozen=True)
class Tiles:
    """Image `id` has class id mod 6 (of those in `classes`): one colour a class, noise that `salt`, split and id decide."""

    salt: int = 0
    classes: Sequence[int] | None = None
    classnames: tuple[str, ...] = field(default=tuple(f"colour {c}" for c in range(CLASSES)))
    templates: tuple[str, ...] = ("a photo of a {}.",)

    @property
    def fingerprint(self) -> str:
        return f"tiles-{self.salt}-{self.classes}"

    @property
    def held(self) -> list[int]:
        return list(range(CLASSES)) if self.classes is None else list(self.classes)

    def ids(self, split: str) -> np.ndarray:
        return np.arange(len(self.held) * PER_CLASS[split])

    def labels(self, split: str, ids: np.ndarray) -> np.ndarray:
        return np.array(self.held)[np.asarray(ids) % len(self.held)].astype(np.int64)

    def images(self, split: str, ids: np.ndarray) -> np.ndarray:
        return self._drawn(self.labels(split, ids), [[self.salt, split == "test", i] for i in ids])

    def draw(self, shots: int, seed: int) -> Draw:
        ids = self.ids("train")
        return nested_draw(self.labels("train", ids), ids, shots, seed)

    def generated(self, per_class: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.repeat(np.arange(CLASSES), per_class)
        return self._drawn(labels, [[self.salt, 2, i] for i in range(len(labels))]), labels

    def sentences(self) -> list[list[str]]:
        return [[f"a {name}", f"{name} is small"] for name in self.classnames]

    def _drawn(self, labels: np.ndarray, seeds: list[list[int]]) -> np.ndarray:
        colours = np.random.default_rng(self.salt % 5).integers(60, 196, (CLASSES, 1, 1, 3))
        noise = [np.random.default_rng(seed).normal(0, 30, (IMAGE, IMAGE, 3)) for seed in seeds]
        return (colours[labels] + np.stack(noise)).clip(0, 255).astype(np.uint8)


def projection(role: str) -> Encoder:
    """Pixels times a fixed random matrix; `role` seeds it."""
    return Encoder(role, f"projection-{role}", lambda: Loaded(_project(role, 12)))


def clip(role: str, *, settings: Settings) -> Encoder:
    """The same as a CLIP: with the text tower of a tiny random one, and features by place."""

    def load() -> Loaded:
        whole, places = _project(role, WIDTH), _project(role, WIDTH * PLACES)
        model = Clip(toy_clip().model, toy_clip().tokenizer, lambda images: images.float() / 255).to(
            settings.torch_device
        )
        return Loaded(whole, model, lambda images: places(images).unflatten(1, (PLACES, WIDTH)))

    return Encoder(role, f"clip-{role}", load)


def _project(role: str, width: int) -> Any:
    generator = torch.Generator().manual_seed(sum(role.encode()))
    matrix = torch.randn(3 * IMAGE * IMAGE, width, generator=generator)
    return lambda images: (images.flatten(1).float() / 255 - 0.5) @ matrix


def house(**changes: Any) -> Suite:
    """The whole toy suite, or one that differs in what is named."""
    return Suite(**{**suites.load(str(FILE), trusted=["toy_house"]).__dict__, **changes})


def full_record(run: Run, suite: Suite, accuracy: float, n: int = 1000) -> Record:
    """A record with everything that `measure` writes, made up around an accuracy."""
    correct = [round(n * (accuracy + d)) for d in (-0.01, 0.0, 0.01)]
    record = record_of(run.asked(), (correct[0], correct[1], correct[2]), n)
    shares = {name: {"correct": c // 2} for name, c in by_selection(correct).items()}
    cmy = {"cmy_raw": 1 - accuracy, "cmy_centred": 0.9 - accuracy / 2, "cmy_probabilities": 0.5}
    sure = [round(40 * np.exp(-(((i - 25) / 6) ** 2))) for i in range(BINS)]
    record = edited(
        record,
        shifts={role: {"n": n, "selections": shares} for role in suite.datasets[run.dataset].get("shifts", ())},
        metrics={name: {"bias_correct": correct[0] // 3, **cmy} for name in SELECTIONS},
        max_logit={"low": 15.0, "high": 33.0, "right": sure, "wrong": sure[8:] + [0] * 8},
    )
    if "beta" in run.settings:
        curve = [round(n * (accuracy - 0.02 * np.log2(b / 2) ** 2 / 4)) for b in BETAS]
        best = {"beta": 2.0, "correct": correct[1]}
        record = edited(record, beta_curve={"correct": [max(0, c) for c in curve], "best": best})
        tuned = {**record.selections, "val": replace(record.selections["val"], tuned={"beta": 2.0})}
        record = replace(record, selections=tuned)
    return record


def planted(shown: Exhibit, suite: Suite) -> dict[str, Record]:
    """Full records for every cell: rows differ, more shots are better, seeds differ by a little."""
    records = {}
    names = [row["name"] for row in shown.rows]
    for cell in shown.cells():
        for run in cell.runs(suite):
            base = 0.45 + 0.4 * names.index(cell.row) / len(names) * (run.shots > 0)
            of_task = sum(run.dataset.encode()) % 7 / 50
            accuracy = base + of_task + 0.012 * np.log2(1 + run.shots) + 0.004 * run.seed
            records[run.key] = full_record(run, suite, float(min(0.95, accuracy)))
    return records


def better_than(superiority: Mapping[str, float], complementarity: Mapping[str, float], least: float) -> list[str]:
    """A rule: the rows whose superiority is above the least."""
    assert superiority.keys() == complementarity.keys()
    return [name for name, value in superiority.items() if value > least]
