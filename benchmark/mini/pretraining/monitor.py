"""Accuracy of an encoder during pre-training, on the monitor split: zero-shot, nearest neighbours, linear probe."""

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
RIDGE = 1.0  # ridge penalty on standardised features, equal for all encoders and not tuned


def images(ids: np.ndarray, style: str = "photo") -> tuple[Tensor, Tensor]:
    """Standardised monitor images, [N, 3, 48, 48], and their labels, [N]."""
    return preprocess(world.render("monitor", ids, style)), torch.from_numpy(world.labels("monitor", ids))


@torch.no_grad()
def features(encode: Callable[[Tensor], Tensor], ids: np.ndarray, style: str = "photo") -> tuple[Tensor, Tensor]:
    """Features [N, D] and labels [N] of monitor images, encoded in batches."""
    pairs = [images(part, style) for part in np.split(ids, range(BATCH, len(ids), BATCH))]
    return torch.cat([encode(x).float() for x, _ in pairs]), torch.cat([y for _, y in pairs])


def accuracy(scores: Tensor, labels: Tensor) -> float:
    """Accuracy (%) of scores [N, C] for labels [N]."""
    return 100 * (scores.argmax(1) == labels).float().mean().item()


def zero_shot(clip: Clip, n: int = 2000, style: str = "photo") -> float:
    """Zero-shot accuracy (%) on the first n monitor images, with the seven templates of the source task."""
    x, y = features(clip.model.encode_image, np.arange(n), style)
    return accuracy(unit(x) @ clip.classifier(world.CLASSNAMES, world.TEMPLATES).T, y)


def probes(encoder: nn.Module, train: int = 4000, test: int = 2000) -> dict[str, float]:
    """Accuracies (%) of nearest neighbours and a linear probe on the features of an encoder.

    Args:
        encoder: an image encoder; its training mode is restored afterwards.
        train: number of monitor images to fit on.
        test: number of the following monitor images to score on.

    Returns:
        The accuracies under "knn" and "linear".
    """
    training = encoder.training
    x, y = features(encoder.eval(), np.arange(train + test))
    encoder.train(training)
    return {
        "knn": accuracy(knn(x[:train], y[:train], x[train:]), y[train:]),
        "linear": accuracy(ridge(x[:train], y[:train], x[train:]), y[train:]),
    }


def knn(x: Tensor, y: Tensor, queries: Tensor) -> Tensor:
    """Class scores of the ten nearest neighbours by cosine similarity, each weighted by its similarity.

    Args:
        x: training features, [N, D].
        y: training labels, [N].
        queries: test features, [Q, D].

    Returns:
        Scores, [Q, C].
    """
    near, index = (unit(queries) @ unit(x).T).topk(min(NEIGHBOURS, len(x)))
    return torch.zeros(len(queries), len(world.CLASSNAMES)).scatter_add_(1, y[index], near)


def ridge(x: Tensor, y: Tensor, queries: Tensor) -> Tensor:
    """Class scores of ridge regression onto one-hot labels, on standardised features.

    Args:
        x: training features, [N, D].
        y: training labels, [N].
        queries: test features, [Q, D].

    Returns:
        Scores, [Q, C].
    """
    mean, std = x.mean(0), x.std(0) + 1e-6
    x, queries = ((z - mean) / std for z in (x, queries))
    target = nn.functional.one_hot(y, len(world.CLASSNAMES)).float()
    weights = torch.linalg.solve(
        x.T @ x + RIDGE * len(x) / 100 * torch.eye(x.shape[1]), x.T @ (target - target.mean(0))
    )
    return queries @ weights + target.mean(0)
