"""Building of the Task and the test samples of a run; the Task has no test images, and their labels are sealed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmark.core import devices
from benchmark.core.devices import CPU
from benchmark.core.digest import JsonDict
from benchmark.core.errors import BenchError
from benchmark.data.dataset import Dataset
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import PIXELS, SPATIAL
from benchmark.features import costs, filling, requests, text_classifiers
from benchmark.features.text_classifiers import Text
from benchmark.methods.samples import Samples, Task
from benchmark.methods.scoring import STATISTICS
from benchmark.methods.sealed import Sealed


@dataclass(frozen=True)
class Shift:
    """Test images under a distribution shift, with labels that are classes of the source data set.

    Attributes:
        samples: Features and sealed labels.
        classes: Indices of the source's classes that the shift contains, [C']; None for all.
        statistics: "all" or "held": the classes over which a method's statistics run (`benchmark.suites.suite`).
    """

    samples: Samples
    classes: Tensor | None
    statistics: str = STATISTICS[0]


def build(opened: Opened) -> tuple[Task, Samples]:
    """Build the task of a run and, separately, its test samples, on the run's device; missing features are extracted."""
    run, device = opened.run, opened.device
    text, logit_scale = text_classifiers.load(Text(run.dataset, run.backbone), opened.world)
    support, val = _few_shot(opened)
    task = Task(
        text=text.to(device, copy=True),  # runs share what was read
        support=support,
        classnames=tuple(opened.dataset.classnames),
        val=val if len(val) else None,
        logit_scale=logit_scale,
        seed=run.seed,
        **_wanted(opened),
    )
    return task, _test(opened, run.dataset, opened.dataset)


def shifts(opened: Opened) -> dict[str, Shift]:
    """Test samples of the shifts of a run's data set, by role, in the feature spaces that its method reads."""
    found = {}
    for role, dataset in opened.shifts.items():
        held = getattr(dataset, "classes", None)
        classes = None if held is None else torch.as_tensor(np.asarray(held), dtype=torch.long, device=opened.device)
        found[role] = Shift(_test(opened, role, dataset), classes, opened.statistics(role))
    return found


def _wanted(opened: Opened) -> JsonDict:
    """Optional fields of the Task that the method wants."""
    run, dataset = opened.run, opened.dataset
    if run.prompts and (why := getattr(opened.backbone, "prompts", "")):
        raise BenchError(
            f"{opened.backbone.words}: {run.method} prompts CLIP's towers, and {why}; take another backbone"
        )
    found: JsonDict = {"clip": opened.backbone.clip} if run.prompts else {}
    if "generated" in run.wants():
        per_class = requests.generated_per_class(run.dataset, opened.world)
        labels = torch.as_tensor(dataset.generated(per_class)[1], dtype=torch.long)  # type: ignore[attr-defined]
        found["generated"] = Samples(_spaces(opened, run.dataset, "generated"), labels.to(opened.device))
    if "sentences" in run.wants():
        sentences, _ = text_classifiers.load(Text(run.dataset, run.backbone, "sentences"), opened.world)
        found["sentences"] = sentences.to(opened.device, copy=True)
    if run.text_norms:
        norms, _ = text_classifiers.load(Text(run.dataset, run.backbone, "norms"), opened.world)
        found["text_norms"] = norms[:, 0].to(opened.device, copy=True)
    return found


def _test(opened: Opened, role: str, dataset: Dataset) -> Samples:
    """Test samples of the run's data set or of a shift, with sealed labels."""
    return Sealed(Samples(_spaces(opened, role, "test"), _labels(opened, dataset, "test", dataset.ids("test"))))


def _few_shot(opened: Opened) -> tuple[Samples, Samples]:
    """Samples of the support set and of the validation images."""
    run = opened.run
    if run.shots == 0:  # without shots nothing is drawn and no features are needed
        nothing = Samples({"clip": torch.empty(1, 0, 1)}, torch.empty(0, dtype=torch.long)).to(opened.device)
        return nothing, nothing
    draw = opened.dataset.draw(run.shots, run.seed)
    return (
        _subset(opened, _spaces(opened, run.dataset, "pool"), draw.support, draw.pool),
        _subset(opened, _spaces(opened, run.dataset, "val"), draw.val, draw.val_pool),
    )


def _subset(opened: Opened, spaces: Mapping[str, Tensor], positions: np.ndarray, pool: np.ndarray) -> Samples:
    """Samples of a pool by position; features of the whole pool are not copied."""
    labels = _labels(opened, opened.dataset, "train", pool[positions])
    if np.array_equal(positions, np.arange(len(pool))):
        return Samples(dict(spaces), labels)
    index = torch.as_tensor(positions)
    return Samples({space: value[:, index.to(value.device)] for space, value in spaces.items()}, labels)


def _spaces(opened: Opened, dataset: str, part: str) -> dict[str, Tensor]:
    """Features [V, N, D] of a part of a data set, by feature space."""
    run, world = opened.run, opened.world
    drawn = run.seed, run.shots, world, run.scale
    wanted = {space: requests.request(dataset, role, part, *drawn) for space, role in opened.roles.items()}
    host = (
        {PIXELS, *(role for role in opened.roles.values() if role.endswith(SPATIAL))} if _too_large(opened) else set()
    )
    where = {space: CPU if request.role in host else opened.device for space, request in wanted.items()}
    return {space: filling.load(request, world, where[space])[: run.views] for space, request in wanted.items()}


def _too_large(opened: Opened) -> bool:
    """Whether a run's features take more than half of what is free on its device; large spaces are moved in parts then."""
    free = devices.free_memory(opened.device)
    return free is not None and costs.in_memory(opened) > free / 2


def _labels(opened: Opened, dataset: Dataset, split: str, ids: np.ndarray) -> Tensor:
    return torch.from_numpy(dataset.labels(split, ids)).to(opened.device)
