"""How much faster is oneDNN than MKL at the matrix products of the mini suite? Prints both and their ratio.

    python -m performance.product_speed

On a processor with AVX-512 that is not Intel's about 2; on Intel's own about 1. Without AVX-512 it is below 1, and there MKL
is used.
"""

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from benchmark.numerics import matmul

SHAPES = {
    "test images and a cache's keys": (1000, 128, 2400),
    "test images and a probe": (1000, 256, 100),
    "tokens of all class names, MLP": (214, 128, 512),
    "tokens of four images, MLP": (156, 128, 512),
    "a batch of 8 and a cache's keys": (8, 256, 1600),
}
"""What is multiplied: rows, width, columns."""


def seconds(work: Callable[[], object]) -> float:
    """The fastest of fifty."""
    times = []
    for _ in range(50):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def trained(way: Callable[..., torch.Tensor], x: torch.Tensor, weight: torch.Tensor) -> Callable[[], None]:
    """Forward and backward to x."""
    x = x.clone().requires_grad_()

    def step() -> None:
        x.grad = None
        way(x, weight).backward(torch.ones(len(x), len(weight)))

    return step


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    torch.backends.cpu.get_cpu_capability = lambda: "AVX512"  # so that product calls oneDNN on every processor
    for what, (rows, width, columns) in SHAPES.items():
        x, weight = torch.randn(rows, width), torch.randn(columns, width)
        for name, make in {"forward": lambda way, *a: lambda: way(*a), "and backward": trained}.items():
            mkl, onednn = (seconds(make(way, x, weight)) for way in (F.linear, matmul.product))
            print(f"{what}, {name}: {mkl * 1e6:.0f} µs, {onednn * 1e6:.0f} µs, ratio {mkl / onednn:.2f}")


if __name__ == "__main__":
    main()
