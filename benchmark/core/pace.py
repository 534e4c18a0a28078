"""Pace of this machine: the time of a fixed piece of work of the kind that training a head on features is made of."""

import time
from statistics import median

SIZES = 512, 1024, 100
"""Images, feature width and classes of the piece: about 10 ms on one core, half in products and half in small steps."""

ROUNDS, LIMIT = 25, 0.5
"""Largest number of rounds, and the seconds after which no further round begins."""


def seconds() -> float:
    """Median time of a round on one thread, in about half a second; other work on this machine counts, as it does in runs."""
    import torch

    images, width, classes = SIZES
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        dice = torch.Generator().manual_seed(0)
        features, keys = (torch.randn(images, width, generator=dice) / width**0.5 for _ in range(2))
        weight = torch.zeros(classes, width, requires_grad=True)
        labels = torch.arange(images) % classes
        times: list[float] = []
        started = time.perf_counter()
        while len(times) < ROUNDS and (len(times) < 3 or time.perf_counter() - started < LIMIT):
            begun = time.perf_counter()
            affinities = (features @ keys.T).sub_(1).exp_()
            for part in range(0, images, 64):
                rows = slice(part, part + 64)
                loss = torch.nn.functional.cross_entropy(features[rows] @ weight.T, labels[rows])
                loss.backward()
                with torch.no_grad():
                    weight -= 0.01 * affinities[0, 0] * weight.grad
                weight.grad = None
            times.append(time.perf_counter() - begun)
        return median(times)
    finally:
        torch.set_num_threads(threads)
