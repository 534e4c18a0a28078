"""Scoring 10,000 images with a cache of 1,600 keys: all at once against parts of 1,000; affinities to 16,000 keys; z-scores
with torch.std against ours. Prints both ways and their ratio.

python -m performance.scoring_speed
"""

import time

import torch

from baselines.tip_adapter import Cache, TipAdapterF, affinity, class_sums
from benchmark.methods import Samples, Task
from benchmark.methods.scoring import right
from benchmark.numerics.logits import unit, zscore

CLASSES, SHOTS, WIDTH, IMAGES = 100, 16, 128, 10_000
KEYS = 16_000


def samples(n: int) -> Samples:
    """Random features of n images."""
    return Samples({"clip": torch.randn(1, n, WIDTH)}, torch.arange(n) % CLASSES)


def seconds(work) -> float:  # type: ignore[no-untyped-def]
    """The fastest of five."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


@torch.no_grad()
def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    method, test = TipAdapterF(), samples(IMAGES)
    method.build(Task(text=unit(torch.randn(CLASSES, WIDTH)), support=samples(CLASSES * SHOTS)))
    whole = seconds(lambda: method(test.view()).argmax(-1) == test.labels)
    parts = seconds(lambda: right(method, test))
    told("all at once and in parts", whole, parts)
    similarity = torch.rand(1000, KEYS)
    cache = Cache(Samples({"clip": torch.randn(1, KEYS, 8)}, torch.arange(KEYS) % 1000), "clip", 1000, trained=False)
    at_once = seconds(lambda: class_sums(affinity(similarity, 5.5), cache.counts))
    told("affinities to 16,000 keys at once and in parts", at_once, seconds(lambda: cache.answer(similarity, 5.5)))
    logits = torch.randn(1000, CLASSES)
    spread = seconds(lambda: by_std(logits))
    told("z-scores with torch.std and without", spread, seconds(lambda: zscore(logits)))


def by_std(logits: torch.Tensor) -> torch.Tensor:
    """z-scores of rows that are not constant."""
    spread, mean = torch.std_mean(logits, -1, keepdim=True)
    return (logits - mean) / spread


def told(what: str, slow: float, fast: float) -> None:
    """A line."""
    print(f"{what}: {slow * 1000:.2f} and {fast * 1000:.2f} ms, ratio {slow / fast:.2f}")


if __name__ == "__main__":
    main()
