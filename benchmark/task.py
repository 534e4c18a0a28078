"""Run -> (Task, test Samples). The test images go to whoever measures, never into the Task."""

import numpy as np
import torch
from torch import Tensor

from benchmark import assets, features
from benchmark.data.dataset import Dataset
from benchmark.features import Request
from benchmark.predictor import Samples, Task
from benchmark.run import Run
from benchmark.suite import Suite


def roles(run: Run) -> dict[str, str]:
    """Feature space that the method reads -> the encoder that fills it: "clip" is the run's backbone."""
    return {space: run.backbone if space == "clip" else space for space in run.predictor().reads}


def requests(run: Run) -> list[Request]:
    """The features that a run needs."""
    return features.requests(run.dataset, list(roles(run).values()), run.seed, learns=run.shots > 0)


def fingerprints(run: Run, suite: Suite) -> dict[str, str]:
    """What the run's data and weights are today. A record with others is stale."""
    encoders = {role: assets.encoder(suite, role).fingerprint for role in [run.backbone, *roles(run).values()]}
    return {"data": assets.dataset(suite, run.dataset).fingerprint, **encoders}


def build(run: Run, suite: Suite) -> tuple[Task, Samples]:
    """The task of a run, and its test images apart from it. Missing features are made on the way."""
    dataset = assets.dataset(suite, run.dataset)
    clip = assets.encoder(suite, run.backbone).clip
    if clip is None:
        raise ValueError(f"{run.backbone} has no text tower, so it cannot be a backbone")
    support, val = _few_shot(run, suite, dataset)
    task = Task(
        text=clip.classifier(dataset.classnames, dataset.templates),
        support=support,
        classnames=dataset.classnames,
        val=val if len(val) else None,
        logit_scale=clip.logit_scale,
        clip=clip,
        seed=run.seed,
    )
    ids = dataset.ids("test")
    return task, Samples(_spaces(run, suite, "test"), _labels(dataset, "test", ids))


def _few_shot(run: Run, suite: Suite, dataset: Dataset) -> tuple[Samples, Samples]:
    if run.shots == 0:  # nothing is learnt, so nothing is drawn and no feature made
        nothing = Samples({"clip": torch.empty(1, 0, 1)}, torch.empty(0, dtype=torch.long))
        return nothing, nothing
    draw = dataset.draw(run.shots, run.seed)
    return (
        _subset(_spaces(run, suite, "pool"), draw.support, dataset, draw.pool),
        _subset(_spaces(run, suite, "val"), draw.val, dataset, draw.val_pool),
    )


def _subset(spaces: dict[str, Tensor], places: np.ndarray, dataset: Dataset, pool: np.ndarray) -> Samples:
    return Samples(
        {space: value[:, torch.as_tensor(places)] for space, value in spaces.items()},
        _labels(dataset, "train", pool[places]),
    )


def _spaces(run: Run, suite: Suite, part: str) -> dict[str, Tensor]:
    seed = 0 if part == "test" else run.seed
    found = roles(run).items()
    return {space: features.load(Request(run.dataset, role, part, seed), suite) for space, role in found}


def _labels(dataset: Dataset, split: str, ids: np.ndarray) -> Tensor:
    return torch.from_numpy(dataset.labels(split, ids))
