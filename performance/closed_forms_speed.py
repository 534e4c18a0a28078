"""Heads in closed form at ImageNet's size: an inverse, as it is usually written, and Cholesky factors, as here.

GDA inverts a covariance of 1,024 features (the released code by a pseudo-inverse), ProKeR a kernel of all support images.
Random features of 1,000 classes. Prints seconds of both, their ratio, and how far their answers are apart. Rounds take turns.

python -m performance.closed_forms_speed [shots]
"""

import sys
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor

from baselines.gda import pooled_means, precision_times
from baselines.proker import solved
from benchmark.methods import Samples
from benchmark.numerics.logits import unit

CLASSES, WIDTH, ROUNDS = 1000, 1024, 3
SHARPNESS, LAM = 5.0, 0.05
"""Of ProKeR's kernel; their values change no size."""


def support(shots: int) -> Samples:
    """Random features of one view, [1, N, 1024], around a centre for each class."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(CLASSES).repeat_interleave(shots)
    centres = torch.randn(CLASSES, WIDTH, generator=generator)
    noise = torch.randn(1, len(labels), WIDTH, generator=generator)
    return Samples({"clip": centres[labels] + 2 * noise}, labels)


def inverted_covariance(samples: Samples) -> Tensor:
    """GDA's weights [C, D]: the means times D · pinv((n - 1) S + tr(S) I), S the covariance of class-centred features."""
    means = pooled_means(samples, "clip", CLASSES)
    centred = unit(samples.spaces["clip"][0]).double() - means[samples.labels]
    covariance = torch.cov(centred.T)
    shrunk = (len(centred) - 1) * covariance + covariance.trace() * torch.eye(WIDTH, dtype=torch.double)
    return means @ (WIDTH * torch.linalg.pinv(shrunk))


def factored_covariance(samples: Samples) -> Tensor:
    """GDA's weights [C, D] by Cholesky factors of the covariance."""
    return precision_times(samples, "clip", pooled_means(samples, "clip", CLASSES))


def inverted_kernel(samples: Samples) -> Tensor:
    """ProKeR's answers [N, C]: (K + λ I)⁻¹ R, K the kernel of the support images, R one-hot labels here."""
    points = unit(samples.spaces["clip"][0]).double()
    kernel = (SHARPNESS * (points @ points.T - 1)).exp()
    inverse = torch.linalg.inv(kernel + LAM * torch.eye(len(points), dtype=torch.double))
    return inverse @ torch.nn.functional.one_hot(samples.labels, CLASSES).double()


def factored_kernel(samples: Samples) -> Tensor:
    """ProKeR's answers [N, C] by Cholesky factors of the kernel."""
    points = unit(samples.spaces["clip"][0]).double()
    right = torch.nn.functional.one_hot(samples.labels, CLASSES).double()
    return torch.from_numpy(solved(points, SHARPNESS, LAM, right))


Way = Callable[[Samples], Tensor]
HEADS: dict[str, tuple[Way, Way]] = {
    "GDA": (inverted_covariance, factored_covariance),
    "ProKeR": (inverted_kernel, factored_kernel),
}
"""Head -> its usual way and ours."""


def compared(name: str, samples: Samples) -> tuple[float, float, float]:
    """Seconds of the usual way and of ours, the median of some rounds, and the largest difference of their answers."""
    took: tuple[list[float], list[float]] = ([], [])
    found: list[Tensor] = []
    for _ in range(ROUNDS):
        found = []
        for way, times in zip(HEADS[name], took, strict=True):
            started = time.perf_counter()
            found.append(way(samples))
            times.append(time.perf_counter() - started)
    apart = (found[0] - found[1]).abs().max() / found[0].abs().max()
    return median(took[0]), median(took[1]), apart.item()


def main(shots: int = 4) -> None:
    """Measure and print."""
    samples = support(shots)
    print(f"{CLASSES} classes, {shots} shots, {WIDTH} features, double precision, {torch.get_num_threads()} threads")
    for name in HEADS:
        usual, ours, apart = compared(name, samples)
        print(
            f"{name:<8} inverse {usual:6.2f} s, Cholesky {ours:6.2f} s, {usual / ours:5.1f} times as fast; "
            f"answers differ by {apart:.0e} of the largest",
            flush=True,
        )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
