"""How much faster do the mini suite's image encoders encode when they are compiled? Prints both times and their ratio.

python -m performance.encoder_speed
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.mini import networks
from benchmark.mini.world import world

IMAGES, AT_A_TIME = 512, 64


def tower(role: str) -> nn.Module:
    """The image tower of a role with random weights, without a CLIP ResNet's projection."""
    made = networks.build_clip(role)[0].visual if role in networks.CLIP_ROLES else networks.build_auxiliary(role)
    return getattr(made, "trunk", made).eval()


def milliseconds(encode: Callable[[Tensor], Tensor], images: Tensor) -> float:
    """An image, the fastest of five passes."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        for part in images.split(AT_A_TIME):
            encode(part)
        times.append(time.perf_counter() - started)
    return min(times) * 1000 / len(images)


@torch.no_grad()
def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    images = networks.preprocess(world.render("monitor", np.arange(IMAGES)))
    for role in networks.ROLES:
        slow = tower(role)
        plain, fast = milliseconds(slow, images), milliseconds(networks.compiled(slow), images)
        print(f"{role:9}{plain:6.2f} ms an image, compiled {fast:.2f} ms, ratio {plain / fast:.1f}")


if __name__ == "__main__":
    main()
