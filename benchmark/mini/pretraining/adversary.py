"""Selection of the images of imagenet_a: those that a small supervised network misclassifies.

ResNet-50 selects the images of ImageNet-A in the same way (Hendrycks et al., CVPR 2021, https://arxiv.org/abs/1907.07174).
The network is none of the benchmark's encoders: it is half as wide, trained on photos with species labels, and has a seed of
its own. Training differs between machines in the last bits, so the selected ids are kept in a file, which defines the data
set: `python -m benchmark.mini.pretraining.adversary test benchmark/mini/world/imagenet_a.json` (about three minutes on one
core).
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmark.core.libraries import timm
from benchmark.mini import networks
from benchmark.mini.pretraining import pretrain
from benchmark.mini.pretraining.algorithm import Schedule
from benchmark.mini.world import shifts, world

ROLE = "imagenet_a"
SEED = 7
SCHEDULE = Schedule(steps=800, batch=192)
BATCH = 400  # candidates; a multiple of the number of classes of the shift


def network() -> nn.Module:
    """timm's ResNet with one basic block a stage, half as wide as the encoders: [N, 3, 48, 48] -> [N, 100]."""
    widths = tuple(width // 2 for width in networks.WIDTHS)
    resnet = timm.models.resnet
    return resnet.ResNet(
        resnet.BasicBlock,
        (1, 1, 1, 1),
        channels=widths,
        stem_type="deep",
        stem_width=8,
        num_classes=len(world.CLASSNAMES),
    )


def teach(steps: int) -> nn.Module:
    """Train a network for `steps` steps on pre-training photos with their species as labels."""
    torch.manual_seed(SEED)
    model = network()
    optimizer = pretrain.optimizer(model, SCHEDULE)
    for step in range(steps):
        ids = np.arange(SCHEDULE.batch) + step * SCHEDULE.batch
        x, y = networks.preprocess(world.render("pretrain", ids)), torch.from_numpy(world.labels("pretrain", ids))
        for group in optimizer.param_groups:
            group["lr"] = pretrain.lr_at(step, steps, SCHEDULE)
        loss = cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


@torch.no_grad()
def mistaken(model: nn.Module, split: str, ids: NDArray) -> NDArray[np.bool_]:
    """Whether the network misclassifies each candidate, booleans [N]."""
    logits: Tensor = model(networks.preprocess(shifts.render(ROLE, split, ids)))
    return logits.argmax(1).numpy() != shifts.labels(ROLE, ids)


def pick(model: nn.Module, split: str, images: int) -> tuple[list[int], float]:
    """Select the first misclassified candidates of each class, equally many a class.

    Args:
        model: the trained network.
        split: split of the candidates.
        images: number of images to select, over all classes.

    Returns:
        The ids in ascending order, and the accuracy (%) of the network on the candidates that were tried.
    """
    classes = len(shifts.classes(ROLE))
    wanted = images // classes
    chosen: dict[int, list[int]] = {c: [] for c in range(classes)}
    seen = wrong = 0
    while min(map(len, chosen.values())) < wanted:
        ids = np.arange(seen, seen + BATCH)
        hard = mistaken(model, split, ids)
        seen, wrong = seen + BATCH, wrong + int(hard.sum())
        for i in ids[hard].tolist():
            chosen[i % classes].append(i)
    return sorted(i for picks in chosen.values() for i in picks[:wanted]), 100 * (1 - wrong / seen)


def write(split: str, path: Path, steps: int = SCHEDULE.steps) -> None:
    """Train the network, select images of a split, and write their ids to a JSON file."""
    model = teach(steps)
    ids, accuracy = pick(model, split, shifts.SHIFTS[ROLE].images)
    note = {
        "command": f"python -m benchmark.mini.pretraining.adversary {split} FILE",
        "world": world.VERSION,
        "seed": SEED,
        "steps": steps,
        "accuracy on candidates": round(accuracy, 1),
        "ids": ids,
    }
    pretrain.write(path, (json.dumps(note, separators=(",", ": ")) + "\n").encode())


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(sys.argv[1], Path(sys.argv[2]))
