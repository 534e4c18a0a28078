"""How good an encoder is while it is being made, on the monitor split: zero-shot, nearest neighbours, a linear probe."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.methods.clip import Clip
from benchmark.mini.networks import preprocess
from benchmark.mini.world import world
from benchmark.numerics.logits import unit

BATCH = 250
NEIGHBOURS = 10
RIDGE = 1.0  # on standardised features; one number for all encoders, never tuned


def images(ids: np.ndarray, style: str = "photo") -> tuple[Tensor, Tensor]:
    """Preprocessed monitor images and their labels."""
    return preprocess(world.render("monitor", ids, style)), torch.from_numpy(world.labels("monitor", ids))


@torch.no_grad()
def features(encode: Callable[[Tensor], Tensor], ids: np.ndarray, style: str = "photo") -> tuple[Tensor, Tensor]:
    """Features and labels of monitor images, batch by batch."""
    pairs = [images(part, style) for part in np.split(ids, range(BATCH, len(ids), BATCH))]
    return torch.cat([encode(x).float() for x, _ in pairs]), torch.cat([y for _, y in pairs])


def accuracy(scores: Tensor, labels: Tensor) -> float:
    """Per cent of rows whose largest score is the label's."""
    return 100 * (scores.argmax(1) == labels).float().mean().item()


def zero_shot(clip: Clip, n: int = 2000, style: str = "photo") -> float:
    """Accuracy of the seven-template classifier on the first n monitor images."""
    x, y = features(clip.model.encode_image, np.arange(n), style)
    return accuracy(unit(x) @ clip.classifier(world.CLASSNAMES, world.TEMPLATES).T, y)


def probes(encoder: nn.Module, train: int = 4000, test: int = 2000) -> dict[str, float]:
    """Nearest neighbours and a ridge classifier, fitted on `train` monitor images and scored on the next `test`."""
    training = encoder.training
    x, y = features(encoder.eval(), np.arange(train + test))
    encoder.train(training)
    return {
        "knn": accuracy(knn(x[:train], y[:train], x[train:]), y[train:]),
        "linear": accuracy(ridge(x[:train], y[:train], x[train:]), y[train:]),
    }


def knn(x: Tensor, y: Tensor, queries: Tensor) -> Tensor:
    """Votes of the ten nearest by cosine, weighted by the cosine, [Q, C]."""
    near, index = (unit(queries) @ unit(x).T).topk(min(NEIGHBOURS, len(x)))
    return torch.zeros(len(queries), len(world.CLASSNAMES)).scatter_add_(1, y[index], near)


def ridge(x: Tensor, y: Tensor, queries: Tensor) -> Tensor:
    """Least squares on one-hot labels with standardised features, [Q, C]."""
    mean, std = x.mean(0), x.std(0) + 1e-6
    x, queries = ((z - mean) / std for z in (x, queries))
    target = nn.functional.one_hot(y, len(world.CLASSNAMES)).float()
    weights = torch.linalg.solve(
        x.T @ x + RIDGE * len(x) / 100 * torch.eye(x.shape[1]), x.T @ (target - target.mean(0))
    )
    return queries @ weights + target.mean(0)
