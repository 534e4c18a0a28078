"""How long a training step of AMU-Tuning takes with torch's AdamW and with ours. Prints both and their ratio.

Then the same of the first step of SGD in a new process, after the imports of torch and of ours: torch.optim imports torch's
compiler at its first step.

python -m performance.step_speed
"""

import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from amu.tuning import RECIPE, AMUTuning
from benchmark.methods import Batch, Samples, Task
from benchmark.numerics.adamw import AdamW
from benchmark.numerics.logits import unit

CLASSES, SHOTS, CLIP, AUX, STEPS = 100, 16, 128, 256, 2000

FIRST = {
    "torch.optim.SGD": "torch.optim.SGD([p], lr=0.1, momentum=0.9).step()",
    "ours": "SGD([p], momentum=0.9, weight_decay=0.0).step(0.1)",
}
"""Optimiser -> its construction and first step."""


def first_step(code: str) -> float:
    """Seconds of a first step in a process of its own, the faster of two."""
    program = (
        "import time, torch\nfrom benchmark.numerics.sgd import SGD\n"
        "p = torch.nn.Parameter(torch.ones(1))\np.grad = torch.ones(1)\nstarted = time.perf_counter()\n"
        f"{code}\nprint(time.perf_counter() - started)"
    )
    command = [sys.executable, "-c", program]
    return min(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(2))


def microseconds(method: AMUTuning, batch: Batch, update: Callable[[], object]) -> float:
    """A step, the fastest of five times two thousand."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(STEPS):
            method.weight.grad = None
            method.loss(batch).backward()
            update()
        times.append(time.perf_counter() - started)
    return min(times) / STEPS * 1e6


def spaces(images: int) -> dict[str, Tensor]:
    """Random features of one view."""
    return {"clip": torch.randn(1, images, CLIP), "mocov3": torch.randn(1, images, AUX)}


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    support = Samples(spaces(CLASSES * SHOTS), torch.arange(CLASSES).repeat(SHOTS))
    method = AMUTuning()
    method.build(Task(text=unit(torch.randn(CLASSES, CLIP)), support=support))
    with torch.no_grad():
        batch = Batch(method.prepare(support.view(0, slice(0, 8))), support.labels[:8])
    settings = {"eps": RECIPE.eps, "weight_decay": RECIPE.weight_decay}
    theirs = torch.optim.AdamW(method.parameters(), lr=RECIPE.lr, fused=True, **settings)
    ours = AdamW(method.parameters(), **settings)
    slow = microseconds(method, batch, theirs.step)
    fast = microseconds(method, batch, lambda: ours.step(RECIPE.lr))
    print(f"a step with torch.optim.AdamW {slow:.0f} µs, with ours {fast:.0f} µs, ratio {slow / fast:.2f}")
    slow, fast = (first_step(code) for code in FIRST.values())
    print(f"the first step of torch.optim.SGD {slow:.2f} s, of ours {fast:.4f} s, ratio {slow / fast:.0f}")


if __name__ == "__main__":
    main()
