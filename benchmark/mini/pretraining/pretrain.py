"""Pre-training of the encoders of the mini suite: one resumable training loop for all algorithms.

A run writes <role>.ckpt (state) and <role>.log.csv (curve) and, at the end, <role>.safetensors (weights in half precision)
and <role>.json (model card), with "-" for "/" in the role. Each file is replaced atomically.
"""

import csv
import hashlib
import io
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmark.core.digest import JsonDict
from benchmark.core.errors import BenchError
from benchmark.core.files import check_writable, tidy, written_whole
from benchmark.core.libraries import open_clip, timm
from benchmark.core.machine import cpu_name
from benchmark.core.names import meant
from benchmark.encoders.published import containers
from benchmark.mini.pretraining.algorithm import Algorithm, Schedule, precision
from benchmark.mini.pretraining.clip_pretrain import ClipPretraining
from benchmark.mini.pretraining.dino import Dino
from benchmark.mini.pretraining.flip import Flip
from benchmark.mini.pretraining.mae import Mae
from benchmark.mini.pretraining.milan import Milan
from benchmark.mini.pretraining.moco_v3 import MocoV3
from benchmark.mini.pretraining.spark import Spark
from benchmark.mini.weights import stem
from benchmark.mini.world import world

ALGORITHMS: dict[str, Callable[[str], Algorithm]] = {
    "RN50": ClipPretraining,
    "RN101": ClipPretraining,
    "ViT-B/32": ClipPretraining,
    "ViT-B/16": Flip,
    "mocov3": MocoV3,
    "dino": Dino,
    "mae": Mae,
    "spark": Spark,
    "milan": Milan,
}
QUICK = {"ViT-B/32": 1600, "ViT-B/16": 1600, "mocov3": 1200, "dino": 1000, "milan": 800}
"""Steps of a run of about ten minutes, of the encoders whose shipped run takes longer."""
SEED = 1
REMEDY = "delete it, or choose another folder with --out"
EVERY = 250  # steps between checkpoints, log lines and evaluations on the monitor split


def pretrain(
    role: str,
    out: Path,
    steps: int | None = None,
    quick: bool = False,
    threads: int = 1,
    progress: Callable[[str], object] = print,
    every: int = EVERY,
) -> Path:
    """Pre-train an encoder and write its weights and model card.

    An unfinished run in `out` with this role, number of steps and version of the world is resumed. A checkpoint of another
    run raises BenchError, as an unknown role does.

    Args:
        role: one of ALGORITHMS, without regard to case, spaces, hyphens and underscores.
        out: folder of the files.
        steps: total number of steps; None for the number of the algorithm's schedule.
        quick: whether None stands for the steps of a run of about ten minutes instead (QUICK).
        threads: threads of torch.
        progress: called with a line of text after every `every` steps.
        every: steps between checkpoints.

    Returns:
        The file of the weights.
    """
    role = meant(role, ALGORITHMS, "mini encoder")
    torch.set_num_threads(threads)
    check_writable("output", out, "--out")
    tidy(out, f"{stem(role)}.")
    run = Run(role, out, steps or (QUICK.get(role) if quick else None))
    run.resume()
    while run.step < run.steps:
        run.advance(min(every, run.steps - run.step))
        run.save()
        progress(run.line())
    _finish(run, threads)
    return out / f"{stem(role)}.safetensors"


class Run:
    """The state of a run: an algorithm, its optimiser, the current step, and the curve."""

    def __init__(self, role: str, out: Path, steps: int | None) -> None:
        self.role, self.out = role, out
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            self.algorithm = ALGORITHMS[role](role)
        _channels_last(self.algorithm)
        self.steps = steps or self.algorithm.schedule.steps
        self.optimizer = optimizer(self.algorithm, self.algorithm.schedule)
        self.step, self.seconds = 0, 0.0
        self.curve: list[dict[str, float]] = []

    @property
    def checkpoint(self) -> Path:
        """Path of the checkpoint."""
        return self.out / f"{stem(self.role)}.ckpt"

    def advance(self, n: int) -> None:
        """Take n steps, then evaluate on the monitor split."""
        start, total = time.perf_counter(), 0.0
        self.algorithm.train()
        # On a CPU and with a few dozen tokens, the backward pass of fused attention takes longer than the rest of a step.
        with sdpa_kernel(SDPBackend.MATH):
            for _ in range(n):
                total += self._update()
        self.seconds += time.perf_counter() - start
        self.curve.append({"step": self.step, "loss": total / n, "minutes": self.seconds / 60, **self._monitor()})

    def _update(self) -> float:
        schedule = self.algorithm.schedule
        for group in self.optimizer.param_groups:
            group["lr"] = lr_at(self.step, self.steps, schedule)
        loss = self.algorithm.loss(self.step)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.algorithm.parameters(), schedule.clip)
        self.optimizer.step()
        self.step += 1
        self.algorithm.after(self.step / self.steps)
        return loss.item()

    def _monitor(self) -> dict[str, float]:
        return {name: round(value, 2) for name, value in self.algorithm.monitor().items()}

    def line(self) -> str:
        """The last point of the curve as text."""
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in self.curve[-1].items())
        return f"{self.role}: {numbers} (of {self.steps} steps)"

    def save(self) -> None:
        """Write the checkpoint and the curve."""
        buffer = io.BytesIO()
        torch.save(self._state(), buffer)
        write(self.checkpoint, buffer.getvalue())
        text = io.StringIO()
        table = csv.DictWriter(text, fieldnames=list(self.curve[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(self.curve)
        write(self.out / f"{stem(self.role)}.log.csv", text.getvalue().encode())

    def _state(self) -> JsonDict:
        return {
            "asked": [self.steps, world.VERSION, SEED],
            "algorithm": self.algorithm.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "curve": self.curve,
        }

    def resume(self) -> None:
        """Load the checkpoint if one exists; raises BenchError for a checkpoint of another run."""
        if not self.checkpoint.exists():
            return
        _, state = containers.load(self.checkpoint, REMEDY)
        asked = [self.steps, world.VERSION, SEED]
        try:
            state = dict(state)
            if state["asked"] != asked:
                raise BenchError(
                    f"{self.checkpoint}: belongs to another run ([steps, world version, seed] {state['asked']}, "
                    f"not {asked}); {REMEDY}"
                )
            self._take(state)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, IndexError) as error:
            reason = " ".join(str(error).split())[:120]
            raise BenchError(f"{self.checkpoint}: no checkpoint of {self.role} ({reason}); {REMEDY}") from error

    def _take(self, state: JsonDict) -> None:
        """Take over a state of this run; one of another form raises an error of Python's own."""
        step, seconds, curve = state["step"], state["seconds"], state["curve"]
        if not (
            0 < step <= self.steps and seconds >= 0 and curve and all(row.keys() == curve[0].keys() for row in curve)
        ):
            raise ValueError("its step, seconds or curve are of another form")
        self.algorithm.load_state_dict(state["algorithm"])
        self.optimizer.load_state_dict(state["optimizer"])
        for parameter, kept in self.optimizer.state.items():
            if any(value.shape not in (parameter.shape, ()) for value in kept.values()):
                raise ValueError("its optimiser is of another network")
        self.step, self.seconds, self.curve = (
            step,
            float(seconds),
            [{k: float(v) for k, v in row.items()} for row in curve],
        )


def optimizer(module: nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    """AdamW on all trainable parameters of a module, with weight decay on matrices and kernels only."""
    trained = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": schedule.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=schedule.lr, betas=schedule.betas, fused=True)


def lr_at(step: int, steps: int, schedule: Schedule) -> float:
    """Learning rate of step `step`, counted from 0: linear warm-up, then half a cosine from the peak to 0."""
    if step < schedule.warmup:
        return schedule.lr * (step + 1) / schedule.warmup
    done = (step - schedule.warmup) / max(steps - schedule.warmup, 1)
    return schedule.lr * 0.5 * (1 + math.cos(math.pi * done))


def _channels_last(module: nn.Module) -> None:
    """Store convolution kernels channels-last, the fastest layout for bfloat16 on a CPU."""
    for p in module.parameters():
        if p.ndim == 4:
            p.data = p.data.contiguous(memory_format=torch.channels_last)


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with written_whole("output", path, "--out") as file:
        file.write(content)


def half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A contiguous copy of a state dict, floating-point tensors in half precision."""
    return {k: (v.half() if v.is_floating_point() else v.clone()).contiguous() for k, v in state.items()}


def _finish(run: Run, threads: int) -> None:
    """Write the weights and the model card."""
    weights = safetensors.torch.save(half(run.algorithm.product().state_dict()))
    write(run.out / f"{stem(run.role)}.safetensors", weights)
    card = _card(run, threads, hashlib.sha256(weights).hexdigest())
    write(run.out / f"{stem(run.role)}.json", (json.dumps(card, indent=1) + "\n").encode())


def _card(run: Run, threads: int, sha256: str) -> JsonDict:
    """The content of the model card."""
    schedule = run.algorithm.schedule
    return {
        "role": run.role,
        "command": f"bench pretrain {run.role}",
        "algorithm": run.algorithm.title,
        "data": " ".join(run.algorithm.data.split()),
        "mix": world.MIX,
        "world": world.VERSION,
        "seed": SEED,
        "steps": run.steps,
        "samples": run.steps * schedule.batch,
        "schedule": asdict(schedule),
        "parameters": sum(p.numel() for p in run.algorithm.product().parameters()),
        "minutes": round(run.seconds / 60, 1),
        "threads": threads,
        "monitor": {k: v for k, v in run.curve[-1].items() if k not in ("step", "loss", "minutes")},
        "curve": run.curve,
        "versions": {
            "torch": torch.__version__,
            "open_clip": open_clip.__version__,
            "timm": timm.__version__,
        },
        "processor": cpu_name(),
        "precision": precision(),
        "sha256": sha256,
    }
