"""Run -> (Task, test Samples). The test images go to whoever measures, never into the Task, and their labels are sealed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.core import devices
from benchmark.data.dataset import Dataset
from benchmark.exhibits.run import Run
from benchmark.features import filling, text_classifiers
from benchmark.features import requests as requests_module
from benchmark.features.requests import Request, generated_per_class
from benchmark.features.text_classifiers import Text
from benchmark.methods.samples import Samples, Task
from benchmark.methods.scoring import STATISTICS
from benchmark.methods.sealed import Sealed
from benchmark.suites import assets
from benchmark.suites.suite import Suite, statistics_of


@dataclass(frozen=True)
class Shift:
    """Test images of another distribution than the run was trained on, labelled by the source's classes.

    classes: indices of the source's classes that it holds, or None for all of them.
    statistics: "all" or "held", the classes over which a method's statistics run (`benchmark.suites.suite`).
    """

    samples: Samples
    classes: Tensor | None
    statistics: str = STATISTICS[0]


def requests(run: Run, suite: Suite) -> list[Request]:
    """The features that a run needs: those of its data set, of its shifts' test images, of generated images."""
    roles = list(dict.fromkeys(run.roles().values()))
    needed = requests_module.requests(run.dataset, roles, run.seed, run.shots, suite)
    needed += [Request(shift, role, "test", 0) for shift in run.shifts(suite) for role in roles]
    if "generated" in run.wants():
        needed += [Request(run.dataset, role, "generated", 0) for role in roles]
    return needed


def build(run: Run, suite: Suite) -> tuple[Task, Samples]:
    """The task of a run, and its test images apart from it, on the chosen device. Missing features are made on the way."""
    dataset = assets.dataset(suite, run.dataset)
    text, logit_scale = text_classifiers.load(Text(run.dataset, run.backbone), suite)
    support, val = _few_shot(run, suite, dataset)
    task = Task(
        text=text.to(devices.chosen()),
        support=support,
        classnames=dataset.classnames,
        val=val if len(val) else None,
        logit_scale=logit_scale,
        seed=run.seed,
        **_wanted(run, suite),
    )
    return task, _test(run, suite, run.dataset)


def shifts(run: Run, suite: Suite) -> dict[str, Shift]:
    """The shifts of a run's data set, by role, in the spaces that its method reads."""
    found = {}
    for role in run.shifts(suite):
        held = getattr(assets.dataset(suite, role), "classes", None)
        classes = None if held is None else torch.as_tensor(np.asarray(held), dtype=torch.long, device=devices.chosen())
        found[role] = Shift(_test(run, suite, role), classes, statistics_of(suite, role))
    return found


def _wanted(run: Run, suite: Suite) -> dict[str, Any]:
    """The optional fields of a Task that the method asks for."""
    dataset: Any = assets.dataset(suite, run.dataset)
    found: dict[str, Any] = {"clip": assets.encoder(suite, run.backbone).clip} if run.prompts else {}
    if "generated" in run.wants():
        per_class = generated_per_class(run.dataset, suite)
        labels = torch.as_tensor(dataset.generated(per_class)[1], dtype=torch.long)
        found["generated"] = Samples(_spaces(run, suite, run.dataset, "generated"), labels.to(devices.chosen()))
    if "sentences" in run.wants():
        found["sentences"] = text_classifiers.load(Text(run.dataset, run.backbone, "sentences"), suite)[0].to(
            devices.chosen()
        )
    return found


def _test(run: Run, suite: Suite, role: str) -> Samples:
    dataset = assets.dataset(suite, role)
    return Sealed(Samples(_spaces(run, suite, role, "test"), _labels(dataset, "test", dataset.ids("test"))))


def _few_shot(run: Run, suite: Suite, dataset: Dataset) -> tuple[Samples, Samples]:
    if run.shots == 0:  # nothing is learnt, so nothing is drawn and no feature made
        nothing = Samples({"clip": torch.empty(1, 0, 1)}, torch.empty(0, dtype=torch.long)).to(devices.chosen())
        return nothing, nothing
    draw = dataset.draw(run.shots, run.seed)
    return (
        _subset(_spaces(run, suite, run.dataset, "pool"), draw.support, dataset, draw.pool),
        _subset(_spaces(run, suite, run.dataset, "val"), draw.val, dataset, draw.val_pool),
    )


def _subset(spaces: dict[str, Tensor], places: np.ndarray, dataset: Dataset, pool: np.ndarray) -> Samples:
    """Images of a pool by their places in it; the pool itself where these are all of them, which takes no memory twice."""
    labels = _labels(dataset, "train", pool[places])
    if np.array_equal(places, np.arange(len(pool))):
        return Samples(spaces, labels)
    index = torch.as_tensor(places, device=devices.chosen())
    return Samples({space: value[:, index] for space, value in spaces.items()}, labels)


def _spaces(run: Run, suite: Suite, dataset: str, part: str) -> dict[str, Tensor]:
    asked = {
        space: requests_module.request(dataset, role, part, run.seed, run.shots, suite)
        for space, role in run.roles().items()
    }
    return {space: filling.load(request, suite, devices.chosen())[: run.views] for space, request in asked.items()}


def _labels(dataset: Dataset, split: str, ids: np.ndarray) -> Tensor:
    return torch.from_numpy(dataset.labels(split, ids)).to(devices.chosen())
